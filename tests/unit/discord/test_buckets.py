"""Rate limits: a bucket is learnt from answers and shared by what Discord says shares it."""

from gateway.platforms.discord.buckets import Buckets


def headers(left: int, seconds: float, bucket: str = "b") -> dict[str, str]:
    """Return what an answer says of its bucket."""
    return {
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset-After": str(seconds),
        "X-RateLimit-Bucket": bucket,
    }


def test_nothing_waits_until_something_is_known() -> None:
    assert Buckets().take("POST /m", "1", 0.0) == 0.0


def test_an_empty_bucket_waits_until_it_is_full_again() -> None:
    buckets = Buckets()
    buckets.learn("POST /m", "1", headers(1, 5), 10.0)
    assert buckets.take("POST /m", "1", 11.0) == 0.0
    assert buckets.take("POST /m", "1", 11.0) == 4.0
    assert buckets.take("POST /m", "1", 15.0) == 0.0


def test_each_channel_has_a_bucket_of_its_own_and_routes_share_one_by_its_name() -> None:
    buckets = Buckets()
    buckets.learn("POST /m", "1", headers(3, 5), 0.0)
    buckets.learn("PATCH /m", "1", headers(0, 5), 0.0)
    assert buckets.take("POST /m", "1", 1.0) == 4.0
    assert buckets.take("POST /m", "2", 1.0) == 0.0


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    buckets = Buckets()
    buckets.learn("POST /m", "1", headers(0, 5), 0.0)
    buckets.learn("POST /m", "1", headers(2, 5), 0.1)
    assert buckets.take("POST /m", "1", 1.0) > 0


def test_a_limit_over_everything_holds_every_route() -> None:
    buckets = Buckets()
    buckets.hold("POST /m", "1", 9.0, everything=True)
    assert buckets.take("GET /c", "7", 4.0) == 5.0
    assert buckets.take("GET /c", "7", 9.0) == 0.0


def test_headers_that_make_no_sense_change_nothing() -> None:
    buckets = Buckets()
    buckets.learn("POST /m", "1", {"X-RateLimit-Remaining": "few", "X-RateLimit-Reset-After": "soon"}, 0.0)
    assert buckets.take("POST /m", "1", 0.0) == 0.0

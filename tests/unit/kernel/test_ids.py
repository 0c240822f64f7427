"""Ids: short, readable, and repeatable from one seed."""

from collections.abc import Iterator

import pytest

from kernel import ids


@pytest.fixture(autouse=True)
def unseeded() -> Iterator[None]:
    """Return to the system's randomness."""
    yield
    ids.seed(None)


def test_an_id_carries_its_kind_and_has_no_look_alikes() -> None:
    made = [ids.new_id("t") for _ in range(500)]
    assert all(id.startswith("t_") and set(id[2:]) <= set(ids.ALPHABET) for id in made)
    assert len(set(made)) == 500
    assert not set(ids.ALPHABET) & set("01ilo")


def test_the_same_seed_gives_the_same_ids_and_jitter() -> None:
    ids.seed(42)
    first = [ids.new_id("s"), ids.jitter()]
    ids.seed(42)
    assert [ids.new_id("s"), ids.jitter()] == first
    ids.seed(43)
    assert [ids.new_id("s"), ids.jitter()] != first


def test_jitter_lies_between_nothing_and_one() -> None:
    assert all(0 <= ids.jitter() < 1 for _ in range(100))

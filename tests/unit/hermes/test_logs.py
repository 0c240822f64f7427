"""The log: no secrets, bounded, and the same in both places."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hermes.home import Home
from hermes.logs import FILE_NAME, Logs, configure
from hermes.redaction import MARK, Redactor
from hermes.schema import LogSettings

log = logging.getLogger("hermes.test")


class StandingClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class Desk:
    """A log in a temporary home, and what was written to it."""

    def __init__(self, home: Home, **settings: Any) -> None:
        home.prepare()
        self.path = home.logs / FILE_NAME
        self.stream = io.StringIO()
        self.clock = StandingClock()
        self.logs: Logs = configure(
            LogSettings(**settings), home, {"hunter2secret"}, stream=self.stream, clock=self.clock
        )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(Home(tmp_path))
    yield desk
    desk.logs.close()
    logging.getLogger().setLevel(logging.WARNING)


def test_a_line_is_json_in_the_file_and_text_for_people(desk: Desk) -> None:
    log.warning("Sent %d messages.", 3, extra={"chat": "42"})
    line = desk.lines()[0]
    assert {name: line[name] for name in ("level", "logger", "message", "chat")} == {
        "level": "warning",
        "logger": "hermes.test",
        "message": "Sent 3 messages.",
        "chat": "42",
    }
    assert desk.stream.getvalue()[9:] == "warning: Sent 3 messages. chat=42\n"


def test_secrets_are_redacted_wherever_they_hide(desk: Desk) -> None:
    def fail() -> None:
        raise RuntimeError("https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/getMe")

    try:
        fail()
    except RuntimeError:
        log.exception("It failed with %s", "hunter2secret", extra={"header": "Bearer abcdefghijkl"})
    for written in (desk.path.read_text(), desk.stream.getvalue()):
        assert "hunter2" not in written
        assert "AAHdq" not in written
        assert "abcdefghijkl" not in written
        assert written.count(MARK) == 4


def test_a_secret_learned_at_a_reload_is_redacted_too(desk: Desk) -> None:
    desk.logs.apply(LogSettings(level="debug"), {"a-new-secret"})
    log.debug("a-new-secret hunter2secret")
    assert desk.lines()[0]["message"] == f"{MARK} {MARK}"


@pytest.mark.parametrize(
    "secret",
    [
        "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw",
        "sk-proj-abcdefghijklmnopqrst",
        "xoxb-123456789012-abcdef",
        "ghp_abcdefghijklmnopqrstuvwxyz",
        "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM",
        "hermes_api_OofaEJKt2a1rHAw-nXzRy5Q78iblrfgm7Sflgr4a3Rs",
    ],
)
def test_whatever_looks_like_a_token_is_redacted(secret: str) -> None:
    assert Redactor()(f"url=https://x/?t={secret}&a=1") == f"url=https://x/?t={MARK}&a=1"


def test_a_secret_with_quotes_is_redacted_inside_json_too() -> None:
    secret = 'a"very\\odd"secret'
    assert Redactor({secret})(json.dumps({"token": secret})) == f'{{"token": "{MARK}"}}'


def test_a_password_in_an_address_is_redacted_and_the_host_stays() -> None:
    assert (
        Redactor()("proxy http://me:geheim@proxy:3128 is down") == f"proxy http://{MARK}@proxy:3128 is down"
    )


@pytest.mark.parametrize(
    "text", ["at 12:30:05 port 127.0.0.1:8420", "sk-8", "telegram:123456789", "the task-force-one-two-three"]
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor({"abc"})(text) == text


def test_a_repeated_line_is_written_five_times_a_minute_and_counted(desk: Desk) -> None:
    for _ in range(1000):
        log.warning("The same trouble.")
    log.warning("Another one.")
    assert len(desk.lines()) == 6
    desk.clock.seconds = 61
    log.warning("The same trouble.")
    assert desk.lines()[-1]["left_out"] == 995


def test_many_different_lines_do_not_fill_the_memory(desk: Desk) -> None:
    for number in range(2000):
        log.warning("Trouble %d.", number)
    assert len(desk.lines()) == 2000


def test_the_files_are_bounded(tmp_path: Path) -> None:
    desk = Desk(Home(tmp_path), megabytes=1, files=2)
    for number in range(3000):
        log.warning("%d %s", number, "x" * 1000)
    desk.logs.close()
    files = sorted(desk.path.parent.glob("*.log*"))
    assert len(files) == 2
    assert sum(path.stat().st_size for path in files) < 2_100_000


def test_libraries_that_write_a_line_for_each_request_are_quiet(desk: Desk) -> None:
    logging.getLogger("httpx").info("HTTP Request: POST https://api.telegram.org/bot1:a/getUpdates")
    log.info("Ours.")
    assert [line["message"] for line in desk.lines()] == ["Ours."]


def test_a_full_disk_under_the_log_disturbs_nobody(desk: Desk) -> None:
    desk.path.parent.rmdir()
    desk.path.parent.write_text("not a folder")
    log.warning("Still here.")
    assert "Still here." in desk.stream.getvalue()

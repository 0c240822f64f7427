"""Which channel is meant, which messages fit, and which buttons are ours."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from gateway.diagnosis.buttons import Buttons, Verb
from gateway.diagnosis.finding import Finder
from gateway.directory import Place
from kernel.errors import InvalidInput, NotFound
from kernel.messages import Address, Heard
from kernel.people import Principal, Role

BUGS, OTHER, CHAT = (Address("discord", "1", id) for id in ("10", "11", "12"))
OWNER = Principal("telegram:7", Role.OWNER)
SAID = (
    Heard(1, "Ada", "The login page shows a 500", 0, "m1"),
    Heard(2, "Ben", "Login fails with a fresh token", 0, "m2", "discord:10:99"),
    Heard(3, "Cy", "/status"),
    Heard(4, "Hermes", "🩺 What was found: login, fresh, token"),
    Heard(5, "Dee", "Export is slow"),
)


class Channels:
    """A directory and a reader of three places."""

    def __init__(self, said: Sequence[Heard] = SAID) -> None:
        self.said = said
        self.places_there = [
            Place(BUGS, "Office #bugs"),
            Place(OTHER, "Office #random", "talk"),
            Place(CHAT, "Home #random"),
        ]

    async def resolve(self, text: str) -> Address:
        if text == "talk":
            return OTHER
        raise NotFound(f"Nothing is called {text!r}.")

    async def places(self, _platform: str = "") -> Sequence[Place]:
        return self.places_there

    async def look(self, *_: Any, **__: Any) -> Sequence[Heard]:
        return self.said


def finder(channels: Channels) -> Finder:
    return Finder(cast(Any, channels), cast(Any, channels))


@pytest.mark.parametrize("written", ["#bugs", "bugs", "Bugs", "office #bugs"])
async def test_a_channel_is_found_by_what_its_platform_calls_it(written: str) -> None:
    assert await finder(Channels()).channel(written) == BUGS


async def test_a_nickname_goes_first_and_a_name_of_several_is_asked_back() -> None:
    assert await finder(Channels()).channel("talk") == OTHER
    with pytest.raises(InvalidInput, match="Several channels"):
        await finder(Channels()).channel("#random")


async def test_a_channel_is_called_what_people_call_it() -> None:
    found = finder(Channels())
    gone = Address("discord", "1", "13")
    assert [await found.called(one) for one in (BUGS, OTHER, gone)] == ["#bugs", "talk", "discord:13"]


async def test_an_unknown_channel_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(NotFound) as told:
        await finder(Channels()).channel("#crashes")
    assert "#bugs, talk" in told.value.remedy


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("the login bug with the fresh token", ["m2"]),
        ("analyse the login bug", ["m1", "m2"]),
        ("LOGIN 500", ["m1"]),
        ("the bug that was reported", ["m1", "m2", ""]),
        ("payment", []),
    ],
)
async def test_the_messages_with_most_of_the_words_fit(words: str, found: list[str]) -> None:
    reports = await finder(Channels()).reports(OWNER, BUGS, words, here=())
    assert [one.message_id for one in reports] == found


async def test_a_report_knows_where_it_stands() -> None:
    (report,) = await finder(Channels()).reports(OWNER, BUGS, "token", here=())
    assert report.address == Address("discord", "1", "10", "99")
    (slow,) = await finder(Channels()).reports(OWNER, BUGS, "export slow", here=())
    assert slow.address == BUGS


def test_a_button_of_ours_is_read_and_any_other_is_not() -> None:
    ours, theirs = Buttons(b"k" * 32), Buttons(b"x" * 32)
    value = ours.make("shop", "0123456789", Verb.FOLDER, 2, "/srv/shop").value
    assert len(value) <= 64
    pressed = ours.read(value)
    assert pressed is not None
    assert (pressed.subject, pressed.verb, pressed.number) == ("0123456789", Verb.FOLDER, 2)
    assert ours.holds(pressed, "/srv/shop")
    assert not ours.holds(pressed, "/srv/other"), "the number stands for another folder by now"
    assert not theirs.holds(pressed, "/srv/shop")


@pytest.mark.parametrize("value", ["", "dg", "dg:1:fix:0", "dg:1:burn:0:aa", "dg:1:fix:x:aa", "w:1:fix:0:aa"])
def test_what_is_no_button_of_diagnoses_is_none(value: str) -> None:
    assert Buttons(b"k").read(value) is None

"""Output of commands: bounded in memory, whole in a file, and never anything but readable text."""

import sys
from pathlib import Path

import pytest

from agent.tools.terminal.output import Output, readable


def in_memory(given: Output) -> int:
    """Return the bytes that an output holds in memory."""
    return sum(sys.getsizeof(value) for value in vars(given).values())


def output(tmp_path: Path, limit: int = 90, keep: int = 10_000) -> Output:
    return Output(tmp_path / "media" / "s_1" / "output.txt", limit, keep)


async def fill(given: Output, *chunks: bytes) -> Output:
    for chunk in chunks:
        await given.take(chunk)
    await given.close()
    return given


async def test_a_short_output_is_shown_whole_and_leaves_no_file(tmp_path: Path):
    given = await fill(output(tmp_path), b"one\n", b"two\n")
    assert given.text() == "one\ntwo\n"
    assert given.last_line == "two"
    assert not (tmp_path / "media").exists()


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
async def test_a_long_output_shows_its_two_ends_and_is_kept_whole(tmp_path: Path, size: int):
    data = b"".join(b"%04d\n" % number for number in range(200))
    given = await fill(output(tmp_path), *(data[at : at + size] for at in range(0, len(data), size)))
    text = given.text()
    assert text.startswith("0000\n0001\n")
    assert text.endswith("0198\n0199\n")
    assert f"910 of 1,000 bytes left out; all of it in {given.file}" in text
    assert given.file.read_bytes() == data
    assert given.file.stat().st_mode & 0o777 == 0o600


async def test_what_is_kept_has_a_limit_which_is_said(tmp_path: Path):
    given = await fill(output(tmp_path, keep=150), b"x" * 1000)
    assert given.file.stat().st_size == 150
    assert "the first 150 bytes in" in given.text()


async def test_a_flood_is_bounded_in_memory(tmp_path: Path):
    given = output(tmp_path, limit=1000, keep=3_000_000)
    for _ in range(100):
        await given.take(b"y" * 100_000)
    assert in_memory(given) < 2_500_000
    await given.close()
    assert given.size == 10_000_000
    assert given.file.stat().st_size == 3_000_000


async def test_an_output_that_cannot_be_kept_is_still_shown(tmp_path: Path):
    (tmp_path / "media").write_text("no folder")
    given = await fill(output(tmp_path), b"z" * 500)
    assert "could not be kept" in given.text()


async def test_bytes_that_are_no_text_are_only_counted(tmp_path: Path):
    assert (await fill(output(tmp_path), b"\x7fELF\0\0")).text() == "[6 bytes that are not text]"


async def test_only_what_is_new_is_shown_as_far_as_it_is_remembered(tmp_path: Path):
    given = await fill(output(tmp_path), b"one\n")
    await fill(given, b"two\n")
    assert given.since(4) == "two\n"
    assert given.since(8) == ""
    await fill(given, b"x" * 500)
    assert "left out" in given.since(8)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b[31mred\x1b[0m \x1b]0;title\x07ok", "red ok"),
        (b"10%\r20%\r\n30%\r40%\n", "20%\n40%\n"),
        (b"done\r", "done"),
        (b"\xff\xfea", "\ufffd\ufffda"),
        (b"bell\x07 tab\t", "bell\ufffd tab\t"),
    ],
)
def test_escape_sequences_and_control_characters_do_not_reach_a_reader(data: bytes, text: str):
    assert readable(data) == text

"""Splitting Markdown: preferred borders, code blocks, units of length."""

import pytest

from gateway.rendering.slices import LENGTHS
from gateway.rendering.split import split


def test_a_text_that_fits_is_left_alone() -> None:
    assert split("  short\n", 32) == ["  short\n"]


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_a_text_without_anything_visible_gives_no_piece(text: str) -> None:
    assert split(text, 32) == []


def test_a_limit_too_small_to_split_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        split("x" * 100, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A first paragraph.\n\nA second\none here.", ["A first paragraph.", "A second\none here."]),
        ("A line that is long.\nAnother line is here", ["A line that is long.", "Another line is here"]),
        ("One sentence is here. Another one follows", ["One sentence is here.", "Another one follows"]),
        ("only words and no ends of sentences here", ["only words and no ends of", "sentences here"]),
        ("x" * 40, ["x" * 32, "x" * 8]),
        (
            "这是第一个比较长的句子应该留在一起不要切开。这是第二个句子它在下一个部分里面",
            ["这是第一个比较长的句子应该留在一起不要切开。", "这是第二个句子它在下一个部分里面"],
        ),
    ],
    ids=["paragraph", "line", "sentence", "word", "character", "cjk"],
)
def test_it_cuts_at_the_best_border_in_reach(text: str, expected: list[str]) -> None:
    assert split(text, 32) == expected


def test_a_code_block_that_fits_is_kept_whole() -> None:
    code = "```python\n" + "x = 1\n" * 4 + "```"
    assert split(f"Look at this:\n\n{code}\n\nDone.", 50) == ["Look at this:", f"{code}\n\nDone."]


def test_a_long_code_block_is_closed_and_opened_again_with_its_language() -> None:
    code = "\n".join(f"    line_{i} = {i}" for i in range(6))
    pieces = split(f"```python\n{code}\n```\nafter", 70)
    assert all(piece.startswith("```python\n    line_") for piece in pieces)
    assert all(piece.count("```") == 2 for piece in pieces)
    assert pieces[-1].endswith("```\nafter")
    assert "".join(piece.replace("```python", "").replace("```", "") for piece in pieces).split() == [
        *code.split(),
        "after",
    ]


def test_a_fence_of_another_kind_keeps_its_mark() -> None:
    pieces = split("~~~~sh\n" + "echo ```\n" * 20 + "~~~~", 64)
    assert len(pieces) > 1
    assert all(piece.startswith("~~~~sh\n") and piece.endswith("\n~~~~") for piece in pieces)


def test_an_open_code_block_at_the_end_is_cut_like_a_closed_one() -> None:
    pieces = split("```py\n" + "value = 1\n" * 12, 48)
    assert all(piece.startswith("```py\n") for piece in pieces)
    assert sum(piece.count("value = 1") for piece in pieces) == 12


def test_long_code_in_a_list_is_lifted_out_of_it() -> None:
    code = "".join(f"      step_{i}()\n" for i in range(12))
    pieces = split(f"- first do\n\n  - this:\n    ```py\n{code}    ```\n- then rest", 60)
    assert all(piece.count("```") % 2 == 0 for piece in pieces)
    assert [f"step_{i}()" in "".join(pieces) for i in range(12)] == [True] * 12


def test_links_and_emphasis_are_not_cut_in_the_middle() -> None:
    link = "[the long label](https://example.org/path)"
    assert split(f"Some words come before it {link} and after", 60) == [
        "Some words come before it",
        f"{link} and after",
    ]
    assert split("Words that come **before a bold stretch** end", 32)[1].startswith(
        "**before a bold stretch**"
    )


def test_emoji_sequences_and_accents_are_not_torn_apart() -> None:
    family = "👨\u200d👩\u200d👧"
    assert "".join(split(family * 20, 32)) == family * 20
    assert all(piece.startswith("👨") for piece in split(family * 20, 32))
    assert all(len(piece) % 2 == 0 for piece in split("🇩🇪" * 33, 33))
    assert all(not piece.startswith("\u0301") for piece in split("e\u0301" * 40, 33))


@pytest.mark.parametrize(("unit", "expected"), [("characters", 32), ("utf16", 16), ("bytes", 8)])
def test_the_limit_counts_in_the_platforms_unit(unit: str, expected: int) -> None:
    assert len(split("😀" * 40, 32, LENGTHS[unit])[0]) == expected


def test_a_dump_of_megabytes_is_split_quickly() -> None:
    pieces = split("0123456789abcde\n" * 200_000, 4096, LENGTHS["utf16"])
    assert sum(map(len, pieces)) == 200_000 * 16 - len(pieces)

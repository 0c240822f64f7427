"""What holds between commands: a folder and variables, changed only by a plain cd, export or unset."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.tools.terminal import station
from agent.tools.terminal.station import Station
from kernel.errors import InvalidInput

KNOWN = {"HOME": "/home/ann", "A": "x y"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cd", ["cd"]),
        ("  cd  src/app \n", ["cd", "src/app"]),
        ("cd 'a b'", ["cd", "a b"]),
        ("cd ~", ["cd", "/home/ann"]),
        ("cd ~/x", ["cd", "/home/ann/x"]),
        ("cd '~/x'", ["cd", "~/x"]),
        ("cd $HOME/x", ["cd", "/home/ann/x"]),
        ("cd '$HOME'", ["cd", "$HOME"]),
        ("export B=1 C=two", ["export", "B=1", "C=two"]),
        ('export B="${A}!"', None),
        ('export B="${A}."', ["export", "B=x y."]),
        ("export P=~/bin:$A", ["export", "P=/home/ann/bin:x y"]),
        ("export B=$missing.", ["export", "B=."]),
        ("unset A", ["unset", "A"]),
    ],
)
def test_a_plain_command_is_read_as_a_shell_would(text: str, words: list[str] | None):
    assert station.plain_words(text, KNOWN) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ls",
        "cdx",
        "cd a && ls",
        "cd a; ls",
        "cd a\nls",
        "cd $(pwd)",
        "cd `pwd`",
        "cd *",
        "cd a > b",
        "cd {a,b}",
        "cd a\\ b",
        "cd 'a",
        "cd ~ann",
        "export A=~ann/x",
        "export A=b:~/x",
        "cd a # x",
        "(cd a)",
        "export A=1 &",
        "export A=${B:-x}",
        "export A=(1 2)",
        "export A=$'x'",
        'export A="$(id)"',
        "export A=a\u00a0b",
        "cd é\x00",
    ],
)
def test_every_other_text_is_left_to_a_shell(text: str):
    assert station.plain_words(text, KNOWN) is None


def test_changing_the_folder_follows_links_and_says_why_it_cannot(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    moved = station.changed(Station(), ["cd", "link"], str(tmp_path), "/")
    assert moved == Station(os.path.realpath(tmp_path / "real"))
    home = station.changed(Station(), ["cd"], str(tmp_path), str(tmp_path))
    assert home == Station(os.path.realpath(tmp_path))
    for operand in ("nowhere", "file"):
        with pytest.raises(InvalidInput, match="no such folder"):
            station.changed(Station(), ["cd", operand], str(tmp_path), "/")
    with pytest.raises(InvalidInput, match="too many"):
        station.changed(Station(), ["cd", "a", "b"], str(tmp_path), "/")


def test_variables_are_kept_until_they_are_unset():
    one = station.changed(Station("/x"), ["export", "B=1", "A=2=3"], "/", "/")
    assert one is not None
    assert one == Station("/x", (("A", "2=3"), ("B", "1")))
    assert station.changed(one, ["unset", "B", "C"], "/", "/") == Station("/x", (("A", "2=3"),))


@pytest.mark.parametrize(
    "words",
    [
        ["cd", "-"],
        ["cd", "-P", "x"],
        ["export"],
        ["export", "A"],
        ["export", "1=2"],
        ["unset"],
        ["unset", "-f", "x"],
    ],
)
def test_what_only_a_shell_understands_changes_nothing(words: list[str]):
    assert station.changed(Station(), words, "/", "/") is None


def test_what_is_kept_is_bounded():
    with pytest.raises(InvalidInput, match="at most 100"):
        station.changed(Station(), ["export", *[f"A{n}=x" for n in range(101)]], "/", "/")
    with pytest.raises(InvalidInput, match="longer than"):
        station.changed(Station(), ["export", "A=" + "x" * 9000], "/", "/")


@given(st.text(), st.dictionaries(st.from_regex(r"[A-Z_]{1,8}", fullmatch=True), st.text(), max_size=4))
def test_what_is_put_on_the_shelf_is_read_again(cwd: str, variables: dict[str, str]):
    kept = Station(cwd, tuple(sorted(variables.items())))
    assert station.parse(kept.as_text()) == kept


@given(st.text(alphabet='cdexportuns ~/$A{}="\\;&|()`*#\n\x00é-', max_size=30))
def test_a_text_with_an_operator_is_never_plain(text: str):
    if station.plain_words(text, KNOWN) is not None:
        assert not set(";&|()`*\\\n#\x00") & set(text.strip().replace('"', ""))

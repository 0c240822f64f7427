"""No page leads nowhere: links, commands, settings and examples are what there is."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from hermes.cli.commands import app
from hermes.home import Home
from hermes.schema import Settings
from hermes.settings import load
from tests.docs.pages import ROOT, anchors, blocks, command_lines, links, pages

PICTURE_BYTES = 150_000
SETTING = re.compile(r"[a-z_]+(\.[a-z_]+)+")
SECTIONS = frozenset(Settings.model_fields)


def name(page: Path) -> str:
    """Return a page's path for the report."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(found), f"{target} names no heading"


def test_every_document_is_reached_from_the_index() -> None:
    index = ROOT / "docs/index.md"
    reached = {(index.parent / target.partition("#")[0]).resolve() for target in links(index)}
    assert {name(page) for page in (ROOT / "docs").rglob("*.md") if page != index} <= {
        name(page) for page in reached
    }


def test_the_first_screen_of_the_readme_is_a_sentence_a_picture_and_two_commands() -> None:
    first = (ROOT / "README.md").read_text("utf-8").split("\n## ")[0]
    assert first.startswith("# Hermes\n\n")
    assert first.split("\n\n")[2].startswith("![")
    assert [line.split("#")[0].strip() for line in next(blocks_of(first))] == ["make run", "make test"]
    picture = next(target for target in links(ROOT / "README.md") if target.endswith(".png"))
    assert (ROOT / picture).stat().st_size < PICTURE_BYTES


def blocks_of(text: str) -> Any:
    """Yield the lines of each console block of a text."""
    yield from (
        found.splitlines() for found in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    )


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = {line.split()[1] for line in command_lines(page) if re.match(r"make [a-z]+", line)}
    assert named <= targets


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_hermes_command_exists_with_its_options(page: Path) -> None:
    for line in command_lines(page):
        for words in invocations(line):
            assert not (problem := wrong(words)), f"hermes {' '.join(words)}: {problem}"


def invocations(line: str) -> list[list[str]]:
    """Return the words behind each ``hermes`` that is called in a line."""
    found = re.findall(r"(?:^|[;&|(]\s*|\$\(|sudo |=\S+ )(?:\S+/)?hermes((?: [^;&|()<>#`…]+)?)", line)
    return [shlex.split(words.replace("'", " ")) for words in found]


def wrong(words: list[str]) -> str:
    """Return what the program would say against a command line: an unknown command or option."""
    command: Any = typer.main.get_command(app)
    known = {"--help", "--home", "--version", "-V"}
    # What stands behind -- is another program's command line.
    rest = words[: words.index("--")] if "--" in words else list(words)
    while rest and rest[0] == "--home":
        rest = rest[2:]
    while rest and getattr(command, "commands", None):
        if rest[0].isupper() or rest[0].startswith("-"):
            break
        if rest[0] not in command.commands:
            return f"there is no {rest[0]}"
        command = command.commands[rest.pop(0)]
    known |= {option for given in command.params for option in (*given.opts, *given.secondary_opts)}
    flags = [word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)]
    return next((f"there is no option {flag}" for flag in flags if flag not in known), "")


def settings(model: type[BaseModel] = Settings, prefix: str = "") -> set[str]:
    """Return the dotted names of all settings and sections."""
    found: set[str] = set()
    for field, info in model.model_fields.items():
        found.add(prefix + field)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found |= settings(info.annotation, f"{prefix}{field}.")
    return found


@pytest.mark.parametrize("page", [page for page in pages() if "reference" not in page.parts], ids=name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = settings()
    for line in command_lines(page):
        word = line.partition(":")[0]
        if SETTING.fullmatch(word) and word.partition(".")[0] in SECTIONS:
            assert word in known, word


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_example_of_a_configuration_can_be_used(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "yaml")):
        home = Home(tmp_path / str(number))
        home.prepare()
        home.config.write_text(text, "utf-8")
        assert load(home, environ={}) is not None

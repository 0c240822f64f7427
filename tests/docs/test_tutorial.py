"""The tutorial is what happens: its commands and conversations are carried out against a real daemon."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.docs.stage import BIN, stage
from tests.docs.transcript import blocks

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
REFERENCE = ROOT / "docs" / "reference"
EVENTS = REFERENCE / "events.md"


@pytest.mark.timeout(180)
async def test_a_newcomer_who_follows_the_tutorial_sees_what_it_says(tmp_path: Path) -> None:
    async with stage(tmp_path) as machine:
        for block in blocks(TUTORIAL):
            await machine.play(block)
        offered = offers(tmp_path / ".hermes-gateway", dict(machine.environ))
        kinds = exported_kinds(dict(machine.environ))
    for page, entries in offered.items():
        assert [entry for entry in entries if entry not in (REFERENCE / page).read_text("utf-8")] == [], page
    assert {"turn.interrupt", "question.answer", "person.admit"} <= kinds
    described = EVENTS.read_text("utf-8")
    assert {kind for kind in kinds if not is_described(kind, described)} == set()


def offers(home: Path, environ: dict[str, str]) -> dict[str, list[str]]:
    """Return what the running daemon offers, as the entries that the pages of the reference must have."""
    daemon = json.loads((home / "daemon.json").read_text("utf-8"))
    bearer = {"authorization": f"Bearer {daemon['token']}"}
    api = httpx.get(f"{daemon['url']}/api/openapi.json", headers=bearer).json()
    paths = [path.removeprefix("/api/hermes") for path in api["paths"] if path.startswith("/api/hermes/")]
    commands = re.findall(r"^`/(\w+)`", said(environ, "chat", "-q", "/help"), re.MULTILINE)
    tools = re.findall(r"^([a-z]+_?[a-z]+) {2,}[A-Z]", said(environ, "tools"), re.MULTILINE)
    assert paths
    assert commands
    assert tools
    return {
        "operations.md": [f" {path}`" for path in paths],
        "commands.md": [f"| `/{name}" for name in commands],
        "tools.md": [f"## {name}\n" for name in tools],
    }


def said(environ: dict[str, str], *words: str) -> str:
    """Return what a command prints."""
    return subprocess.run(
        [BIN / "hermes", *words], env=environ, capture_output=True, text=True, check=True
    ).stdout


def exported_kinds(environ: dict[str, str]) -> set[str]:
    """Return the kinds of all events that happened."""
    events = [
        json.loads(line) for line in said(environ, "audit", "export").splitlines() if line.startswith("{")
    ]
    return {event["kind"] for event in events if "kind" in event}


def is_described(kind: str, page: str) -> bool:
    """Tell whether the page of events names a kind, as itself or as a machine's move."""
    noun, _, verb = kind.partition(".")
    row = next((line for line in page.splitlines() if line.startswith(f"| `{noun}.*`")), "")
    return f"`{kind}`" in page or f"`{verb}`" in row

"""The tutorial is what happens: its commands and conversations are carried out against a real daemon."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.docs.stage import BIN, stage
from tests.docs.transcript import blocks

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
EVENTS = ROOT / "docs" / "reference" / "events.md"


@pytest.mark.timeout(180)
async def test_a_newcomer_who_follows_the_tutorial_sees_what_it_says(tmp_path: Path) -> None:
    async with stage(tmp_path) as machine:
        for block in blocks(TUTORIAL):
            await machine.play(block)
        kinds = exported_kinds(dict(machine.environ))
    assert {"turn.interrupt", "question.answer", "person.admit"} <= kinds
    described = EVENTS.read_text("utf-8")
    assert {kind for kind in kinds if not is_described(kind, described)} == set()


def exported_kinds(environ: dict[str, str]) -> set[str]:
    """Return the kinds of all events that happened."""
    found = subprocess.run(
        [BIN / "hermes", "audit", "export"], env=environ, capture_output=True, text=True, check=True
    )
    events = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]
    return {event["kind"] for event in events if "kind" in event}


def is_described(kind: str, page: str) -> bool:
    """Tell whether the page of events names a kind, as itself or as a machine's move."""
    noun, _, verb = kind.partition(".")
    row = next((line for line in page.splitlines() if line.startswith(f"| `{noun}.*`")), "")
    return f"`{kind}`" in page or f"`{verb}`" in row

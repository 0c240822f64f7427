"""The reference of the offline operator names every command as the code does."""

from pathlib import Path

from agent.offline.language import VERBS, help_text

REFERENCE = Path(__file__).parents[3] / "docs/reference/offline-operator.md"


def test_the_reference_lists_every_command_as_it_is_written():
    text = REFERENCE.read_text()
    listed = [
        line.split("|", 2)[1] for line in text.replace("\\|", "¦").splitlines() if line.startswith("| `")
    ]
    assert [cell.strip(" `").replace("¦", "|") for cell in listed] == [verb.usage for verb in VERBS.values()]
    for verb in VERBS.values():
        assert f"| {verb.summary} |" in text


def test_help_lists_every_command():
    assert all(f"`{verb.usage}`" in help_text() for verb in VERBS.values())

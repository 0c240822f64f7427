"""The page docs/reference/platforms.md, made from the platforms' capabilities, scorecards and settings.

`python -m tests.docs.platforms` writes it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from gateway.adapter import Adapter, Capabilities
from gateway.local import LocalAdapter
from gateway.platforms.telegram.adapter import TelegramAdapter
from gateway.platforms.telegram.settings import TelegramSettings
from kernel.clock import SystemClock

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/platforms.md"

# What a scorecard answers, rule by rule.
RULES = {
    "commit-first": "What arrives is committed before it is acknowledged",
    "kill-safe": "A kill at any moment loses nothing that was said",
    "stable-keys": "The same message handed over twice is one message",
    "order": "Messages of a chat keep their order",
    "full-disk": "What cannot be stored is not acknowledged",
    "malformed": "What cannot be understood is set aside and holds up nothing",
    "catch-up": "What was said while Hermes was down arrives",
    "conflict": "Another program with the same credentials is noticed and named",
    "foreign-webhook": "A webhook that somebody else set is named and left alone",
    "deaf": "A connection that is open and deaf is ended and built anew",
    "rate-limit": "A wish to wait is honoured, a senseless one bounded",
    "rejected": "What the platform will never take is a visible dead letter",
    "uncertain": "A lost receipt never loses or silently doubles a message",
    "formatting": "Markdown is shown with its format",
    "long-text": "A text longer than a message becomes several",
    "buttons": "Buttons",
    "edits-out": "Messages of Hermes are changed in place",
    "edits-in": "A person's edit reaches its message",
    "deletions-in": "A person's deletion reaches its message",
    "streaming": "A reply appears as it is written",
    "reactions": "Messages are acknowledged by reactions",
    "files-in": "Attachments from people",
    "files-out": "Files to people",
    "albums": "Several pictures sent together are one message",
    "threads": "Threads",
    "groups": "In groups Hermes hears what is meant for it",
    "group-moves": "A group that gets a new id is followed",
    "stable-identity": "People are known by ids that cannot be taken over",
    "menu": "Commands stand in the platform's menu",
    "probe": "Credentials can be checked live",
    "webhook": "Updates can be posted instead of polled",
    "secrets": "Credentials reach no log",
    "late-loading": "The SDK is loaded only where it is used",
}


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as the page shows it; ``settings`` is the model of its section and the section's name."""

    adapter: Adapter
    scorecard: Path
    settings: tuple[str, type[BaseModel]] | None = None


def platforms() -> list[Platform]:
    """Return every platform there is."""
    telegram = TelegramAdapter(TelegramSettings.model_validate({"token": "1:x"}), SystemClock())
    folder = ROOT / "gateway/platforms/telegram"
    return [
        Platform(telegram, folder / "scorecard.yaml", ("platforms.telegram", TelegramSettings)),
        Platform(LocalAdapter("web"), ROOT / "gateway/local.scorecard.yaml"),
    ]


def scorecard(platform: Platform) -> dict[str, Any]:
    """Return a scorecard's content."""
    return yaml.safe_load(platform.scorecard.read_text("utf-8"))


def page() -> str:
    """Return the page."""
    known = platforms()
    cards = [scorecard(platform) for platform in known]
    capabilities = [platform.adapter.capabilities for platform in known]
    lines = ["# Platforms", "", INTRODUCTION, "", "## What each can do", ""]
    lines += table(["", *(card["platform"] for card in cards)], figures(capabilities))
    lines += ["", "## What each keeps", ""]
    rows = [[sentence, *(cell(card["rules"][rule]) for card in cards)] for rule, sentence in RULES.items()]
    lines += table(["", *(card["platform"] for card in cards)], rows)
    distant = [card for card, of in zip(cards, capabilities, strict=True) if of.remote]
    notes = [note for card in distant for note in remarks(card)]
    lines += ["", "## Remarks on the platforms out there", "", *notes, ""]
    for platform in known:
        if platform.settings:
            lines += section(*platform.settings)
    return "\n".join(lines)


INTRODUCTION = (
    "Made from each adapter's capabilities and scorecard, whose every *yes* names the test that proves it."
)


def figures(all_of_them: list[Capabilities]) -> list[list[str]]:
    """Return the capabilities as rows."""
    rows = [
        ("Longest text", lambda c: f"{c.text_limit:,} {UNITS[c.length_unit]}"),
        (
            "Replies while they are written",
            lambda c: {"draft": "drafts", "edit": "edits"}.get(c.streaming, "no"),
        ),
        ("Buttons", lambda c: yes(c.buttons)),
        ("Files to people", lambda c: f"up to {c.file_limit // 1024 // 1024} MB" if c.files else "no"),
        ("Threads", lambda c: yes(c.threads)),
        ("Reactions", lambda c: yes(c.reactions)),
        ("Messages a second, over all chats", lambda c: f"{c.per_second:g}"),
        ("Messages a second, in one chat", lambda c: f"{c.per_chat:g}"),
        ("Messages a minute, in one group", lambda c: f"{c.per_group_minute:g}"),
        ("Abilities", lambda c: ", ".join(sorted(kind.__name__.lower() for kind in c.abilities))),
    ]
    return [[name, *(show(one) for one in all_of_them)] for name, show in rows]


UNITS = {"utf16": "UTF-16 units", "characters": "characters", "bytes": "bytes"}


def yes(flag: bool) -> str:
    """Return a word for a flag."""
    return "yes" if flag else "no"


def cell(rule: dict[str, str]) -> str:
    """Return a rule's state as a word."""
    return "yes" if "done" in rule else "does not apply" if "exempt" in rule else "not yet"


def remarks(card: dict[str, Any]) -> list[str]:
    """Return the notes and reasons of a scorecard."""
    said = [
        (RULES[rule], state.get("note") or state.get("exempt") or state.get("todo"))
        for rule, state in card["rules"].items()
    ]
    return [f"- {card['platform']}, *{name[0].lower()}{name[1:]}*: {text}" for name, text in said if text]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a Markdown table."""
    return [line(head), line(["---"] * len(head)), *(line(row) for row in rows)]


def line(cells: list[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def section(prefix: str, model: type[BaseModel]) -> list[str]:
    """Return a platform's settings."""
    lines = [f"## Settings under `{prefix}`", "", line(["setting", "default", ""]), line(["---"] * 3)]
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            nested = type(default).model_fields.items()
            lines += [row(f"{name}.{inner}", f.default, f.description) for inner, f in nested]
        else:
            lines.append(row(name, default, field.description))
    return [*lines, ""]


def row(name: str, default: object, description: str | None) -> str:
    """Return a setting's row."""
    shown = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    shown = {"True": "true", "False": "false"}.get(shown, shown)
    return line([f"`{name}`", f"`{shown}`" if shown else "", description or ""])


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

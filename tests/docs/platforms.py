"""The page docs/reference/platforms.md, made from the platforms' capabilities, scorecards and settings.

`scripts/generate` writes it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from gateway.adapter import Adapter, Capabilities
from gateway.local import LocalAdapter
from hermes import plugins
from kernel.clock import SystemClock

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reference/platforms.md"
FEATURES = ROOT / "tests/docs/features.yaml"
TESTS = "tests/"

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
    "forms": "A tap can open a form: a reason, another text, an answer",
    "edits-out": "Messages of Hermes are changed in place",
    "edits-in": "A person's edit reaches its message",
    "deletions-in": "A person's deletion reaches its message",
    "streaming": "A reply appears as it is written",
    "reactions": "Messages are acknowledged by reactions",
    "files-in": "Attachments from people",
    "files-out": "Files to people",
    "albums": "Several pictures sent together are one message",
    "threads": "Threads",
    "history": "A channel is read back from the platform itself",
    "names": "Channels are listed by the names people know them by",
    "groups": "In groups Hermes hears what is meant for it",
    "group-moves": "A group that gets a new id is followed",
    "stable-identity": "People are known by ids that cannot be taken over",
    "roles": "People can be admitted by a role or group they have there",
    "menu": "Commands stand in the platform's menu",
    "probe": "Credentials can be checked live",
    "webhook": "Updates can be posted instead of polled",
    "secrets": "Credentials reach no log",
    "late-loading": "The SDK is loaded only where it is used",
}


CREDENTIALS = {
    "telegram": {"token": "1:x"},
    "discord": {"token": "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.x"},
    "slack": {"bot_token": "xoxb-1111111111-2222222222-x", "app_token": "xapp-1-A1-3333333333-x"},
}


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as the page shows it; ``settings`` is the model of its section and the section's name."""

    adapter: Adapter
    scorecard: Path
    settings: tuple[str, type[BaseModel]] | None = None


def platforms() -> list[Platform]:
    """Return every platform there is."""
    remote = [one for name in plugins.PLATFORMS if (one := _remote(name)) is not None]
    return [*remote, Platform(LocalAdapter("web"), ROOT / "gateway/local.scorecard.yaml")]


def _remote(name: str) -> Platform | None:
    """Return a platform with credentials that nobody has, or ``None`` while it has no scorecard."""
    card = ROOT / f"gateway/platforms/{name}/scorecard.yaml"
    if not card.exists():
        return None
    spec = plugins.load(plugins.PLATFORMS[name])
    section = spec.settings.model_validate(CREDENTIALS[name])
    return Platform(
        plugins.load(spec.adapter)(section, SystemClock()), card, (f"platforms.{name}", spec.settings)
    )


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
    lines += ["", "## What works on each", ""]
    names = [platform.adapter.identity.platform for platform in known]
    lines += table(["", *(card["platform"] for card in cards)], works(names))
    lines += ["", "## What each keeps", ""]
    rows = [
        [
            sentence,
            *(
                cell(card["rules"].get(rule, {}), of.remote)
                for card, of in zip(cards, capabilities, strict=True)
            ),
        ]
        for rule, sentence in RULES.items()
    ]
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


def features() -> dict[str, dict[str, str]]:
    """Return by feature and platform the test that proves it there, or the reason why there is none."""
    return yaml.safe_load(FEATURES.read_text("utf-8"))


def works(names: list[str]) -> list[list[str]]:
    """Return the features as rows."""
    return [
        [feature, *("yes" if proofs[name].startswith(TESTS) else proofs[name] for name in names)]
        for feature, proofs in features().items()
    ]


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


def cell(rule: dict[str, str], remote: bool) -> str:
    """Return a rule's state as a word; where a platform out there cannot, with the reason."""
    if "done" in rule:
        return "yes"
    if "exempt" in rule:
        return f"no: {rule['exempt'].rstrip('.').replace('|', '/')}" if remote else "does not apply"
    return "not yet"


def remarks(card: dict[str, Any]) -> list[str]:
    """Return the notes of a scorecard, and what is still to be done."""
    said = [(RULES[rule], state.get("note") or state.get("todo")) for rule, state in card["rules"].items()]
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

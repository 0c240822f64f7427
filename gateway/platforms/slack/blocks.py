"""Block Kit: cards with buttons, and forms.

The limits are those of https://docs.slack.dev/reference/block-kit.
"""

import json
from collections.abc import Sequence
from typing import Any

from gateway.adapter import Form
from gateway.platforms.slack.mrkdwn import SECTION_LIMIT, Piece, pieces
from kernel.messages import Button, Outbound

Block = dict[str, Any]

ROW = 5
OVERFLOW = 5
LABEL = 75
MOST_ROWS = 20
MOST_OPTIONS = 100
TITLE = 24
FIELD_LABEL = 150
PRESET = 3000
FORM = "hermes_form"
ANSWER = "answer"
PRIMARY = ("✅",)
RISKS = {
    "low": ("#3ba55c", "Low risk"),
    "medium": ("#faa61a", "Medium risk"),
    "high": ("#ed4245", "High risk"),
}
DANGER = ("❌", "🛑", "🗑")


def card(message: Outbound) -> list[Block]:
    """Return a message with buttons as blocks: sections of its text, then its rows."""
    return [*map(section, pieces(message.text, SECTION_LIMIT)), *rows(message.buttons)]


def strip(message: Outbound) -> list[Block]:
    """Return a coloured line to stand under a card with a risk, as attachments.

    The card itself stays outside: Slack hides the rest of a long attachment, and people decide on what they see.
    """
    if message.card not in RISKS:
        return []
    colour, words = RISKS[message.card]
    line = {"type": "context", "elements": [{"type": "mrkdwn", "text": words}]}
    return [{"color": colour, "fallback": words, "blocks": [line]}]


def section(piece: Piece) -> Block:
    """Return a section that is shown whole, however long."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": piece.mrkdwn}, "expand": True}


def rows(buttons: Sequence[Sequence[Button]]) -> list[Block]:
    """Return rows of buttons; what does not fit into a row goes into a menu, rows beyond the last into another."""
    full = [row for row in buttons if row]
    kept, rest = full[:MOST_ROWS], [button for row in full[MOST_ROWS:] for button in row]
    blocks = [_row(number, row) for number, row in enumerate(kept)]
    if rest:
        blocks.append(_actions(MOST_ROWS, [_menu(rest[:MOST_OPTIONS], f"{MOST_ROWS}.more")]))
    return blocks


def _row(number: int, row: Sequence[Button]) -> Block:
    if len(row) <= ROW:
        return _actions(number, [_button(b, f"{number}.{i}") for i, b in enumerate(row)])
    shown, rest = row[: ROW - 1], row[ROW - 1 :]
    elements = [_button(b, f"{number}.{i}") for i, b in enumerate(shown)]
    return _actions(number, [*elements, _menu(rest[:MOST_OPTIONS], f"{number}.more")])


def _actions(number: int, elements: list[Block]) -> Block:
    return {"type": "actions", "block_id": f"hermes.{number}", "elements": elements}


def _button(button: Button, id: str) -> Block:
    made: Block = {
        "type": "button",
        "action_id": f"hermes.{id}",
        "text": _label(button.label),
        "value": button.value,
    }
    style = "primary" if button.label.startswith(PRIMARY) else ""
    style = "danger" if button.label.startswith(DANGER) else style
    return made | ({"style": style} if style else {})


def _menu(buttons: Sequence[Button], id: str) -> Block:
    options = [{"text": _label(b.label), "value": b.value} for b in buttons]
    if len(options) <= OVERFLOW:
        return {"type": "overflow", "action_id": f"hermes.{id}", "options": options}
    return {
        "type": "static_select",
        "action_id": f"hermes.{id}",
        "placeholder": _label("More…"),
        "options": options,
    }


def _label(text: str, limit: int = LABEL) -> Block:
    text = text.strip() or "…"
    return {
        "type": "plain_text",
        "text": text if len(text) <= limit else text[: limit - 1] + "…",
        "emoji": True,
    }


def modal(form: Form, origin: dict[str, str]) -> Block:
    """Return a form as a view; ``origin`` is where the tap was and comes back with the answer."""
    field: Block = {"type": "plain_text_input", "action_id": ANSWER, "multiline": form.multiline}
    if form.preset:
        field["initial_value"] = form.preset[:PRESET]
    question = {
        "type": "input",
        "block_id": ANSWER,
        "optional": not form.required,
        "label": _label(form.label, FIELD_LABEL),
        "element": field,
    }
    return {
        "type": "modal",
        "callback_id": FORM,
        "title": _label(form.title, TITLE),
        "submit": _label("Send"),
        "close": _label("Cancel"),
        "private_metadata": json.dumps(origin | {"value": form.value}),
        "blocks": [question],
    }

"""A request for approval as the page shows it: one ``article``, made here for the first sight and for later ones."""

from collections.abc import Iterator, Sequence

from approvals.views import ApprovalView, GrantView, ReasonView
from kernel.clock import at
from web.markdown import escape

KINDS = {
    "terminal": "Command",
    "file": "File",
    "request": "Web request",
    "mcp": "Tool of another program",
    "send": "Message to others",
    "config": "Change of Hermes",
    "question": "Question",
}
STATES = {
    "pending": "Waiting",
    "held": "On hold",
    "approved": "Approved",
    "running": "Running",
    "done": "Done",
    "refused": "Refused",
    "expired": "Expired",
    "void": "Void",
    "unknown": "Outcome unknown",
    "cancelled": "Withdrawn",
}
OPEN = ("pending", "held")


def article(view: ApprovalView, place: str = "approval") -> str:
    """Return the element of a request; ``place`` keeps the ids of one that is shown twice apart."""
    key = f"{place}-{escape(view.id)}"
    attributes = (
        f'class="request" id="{key}" data-id="{escape(view.id)}" data-state="{view.state}" data-tier="{view.tier}"'
        f' data-asked="{view.created_at}" data-mark="{escape(mark(view))}" aria-labelledby="{key}-name" tabindex="-1"'
    )
    return f"<article {attributes}>{''.join(_parts(view, key))}</article>"


def mark(view: ApprovalView) -> str:
    """Return what changes whenever a request has to be shown anew."""
    return f"{view.state}.{view.veto_until}.{len(view.agreed)}.{view.superseded_by}.{view.ended_at}"


def _parts(view: ApprovalView, key: str) -> Iterator[str]:
    yield _head(view, key)
    yield f'<pre class="action" tabindex="0" aria-label="The whole action"><code>{escape(view.text)}</code></pre>'
    yield _why(view)
    if view.state not in OPEN:
        yield f'<p class="outcome">{escape(view.sentence)}</p>'
    yield _facts(view)
    yield _result(view)
    yield _choices(view, key)


def _head(view: ApprovalView, key: str) -> str:
    tool = f" <small>{escape(view.tool)}</small>" if view.kind != "question" else ""
    return (
        f'<header><span class="tier">{view.tier.capitalize()} risk</span>'
        f'<h3 id="{key}-name">{KINDS.get(view.kind, view.kind)}{tool}</h3>'
        f'<span class="state">{STATES[view.state]}</span><code class="short">{escape(view.short)}</code></header>'
    )


def _why(view: ApprovalView) -> str:
    consequence = f'<p class="consequence">{escape(view.consequence)}</p>' if view.consequence else ""
    # A single reason is what the sentence says already.
    shown = view.reasons if len(view.reasons) > 1 or not view.consequence else ()
    items = "".join(f"<li>{_reason(reason)}</li>" for reason in shown if reason.why)
    return consequence + (f'<ul class="reasons" aria-label="Reasons">{items}</ul>' if items else "")


def _reason(reason: ReasonView) -> str:
    piece = f" <code>{escape(reason.text)}</code>" if reason.text else ""
    return f'<span class="dot {escape(reason.tier)}"></span><span>{escape(reason.why)}{piece}</span>'


def _facts(view: ApprovalView) -> str:
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _fact_rows(view) if value)
    return f'<dl class="facts">{rows}</dl>'


def _fact_rows(view: ApprovalView) -> Iterator[tuple[str, str]]:
    variables = " ".join(f"{name}={value}" for name, value in view.environment.items())
    yield "Target", _code(view.target)
    yield "Folder", _code(view.cwd)
    yield "Machine", _code(view.host)
    yield "Variables", _code(variables)
    yield "Asked by", escape(view.requester)
    yield "For", escape(view.behalf) if view.behalf not in ("", view.requester) else ""
    yield "Asked", moment(view.created_at)
    if view.state in OPEN:
        yield "Runs by itself", moment(view.veto_until, until=True) if view.veto_until else ""
        yield "Expires", moment(view.expires_at, until=True)
    if view.needed > 1:
        yield "Agree so far", f"{len(view.agreed)} of {view.needed} {escape(', '.join(view.agreed))}".strip()
    if view.exit_code is not None:
        yield "Exit code", str(view.exit_code)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text else ""


def moment(milliseconds: int, *, until: bool = False) -> str:
    """Return a time; the page says it in the reader's own calendar, and how long it is until then."""
    time = at(milliseconds)
    mode = "until" if until else "at"
    return f'<time datetime="{time:%Y-%m-%dT%H:%M:%SZ}" data-{mode}="{milliseconds}">{time:%Y-%m-%d %H:%M} UTC</time>'


def _result(view: ApprovalView) -> str:
    if not view.result.strip():
        return ""
    return (
        '<details class="result"><summary>What it gave</summary>'
        f'<pre tabindex="0"><code>{escape(view.result)}</code></pre></details>'
    )


def _choices(view: ApprovalView, key: str) -> str:
    if not view.choices:
        return ""
    if view.state not in OPEN:
        labels = {"again": "Ask again", "happened": "It happened", "failed": "It did not happen"}
        buttons = "".join(_button(word, labels[word]) for word in view.choices)
        return f'<div class="choices">{buttons}</div>'
    low = view.clock
    first = _button("approve", "Run now" if low else "Approve", "primary")
    second = _button("reject", "Stop" if low else "Refuse", "refuse")
    third = _button("release", "Release") if view.state == "held" else _button("hold", "Hold")
    return f'<div class="choices">{first}{second}{third}</div>{_code_field(key)}{_more(view, key)}'


def _button(word: str, label: str, kind: str = "", reach: str = "") -> str:
    wide = f' data-reach="{reach}"' if reach else ""
    return f'<button type="button" class="choice {kind}" data-decide="{word}"{wide}>{escape(label)}</button>'


def _code_field(key: str) -> str:
    return (
        f'<p class="code" hidden><label for="{key}-code">Code from your other channel</label>'
        f'<input id="{key}-code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="20"></p>'
    )


def _more(view: ApprovalView, key: str) -> str:
    reason = (
        f'<label for="{key}-reason">A reason, told to the one who asked</label>'
        f'<input id="{key}-reason" name="reason" maxlength="2000" autocomplete="off">'
    )
    parts = (reason, _edit(view, key), *_lasting(view))
    return f'<details class="more"><summary>Reason, edit, more</summary>{"".join(parts)}</details>'


def _edit(view: ApprovalView, key: str) -> str:
    if not view.editable:
        return ""
    return (
        f'<label for="{key}-edit">Another text to approve, judged afresh</label>'
        f'<textarea id="{key}-edit" name="text" rows="3" spellcheck="false">\n{escape(view.editable)}</textarea>'
        f"{_button('edit', 'Approve the edited text')}"
    )


def _lasting(view: ApprovalView) -> Iterator[str]:
    if not view.exact:
        return
    yield f'<p class="pattern">A permission lets pass <code>{escape(view.exact)}</code></p>'
    yield _button("approve_session", "Approve in this session") + _button("approve_always", "Approve always")
    if view.target_pattern:
        yield f'<p class="pattern">or, more widely, <code>{escape(view.target_pattern)}</code></p>'
        yield _button("approve_session", "This target in this session", reach="target")
        yield _button("approve_always", "This target always", reach="target")


def past(views: Sequence[ApprovalView]) -> str:
    """Return the entries of the history; each opens to the whole request."""
    return "".join(
        f'<li><details class="past"><summary><span class="dot {view.tier}"></span>'
        f'<code class="what">{escape(_first_line(view.text))}</code>'
        f'<span class="state">{STATES[view.state]}</span>{moment(view.ended_at or view.decided_at or view.created_at)}'
        f"</summary>{article(view, 'past')}</details></li>"
        for view in views
    )


def _first_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:99]}…"  # noqa: PLR2004 - a line of the list


def grant(view: GrantView) -> str:
    """Return the entry of a standing permission."""
    where = "In one session" if view.session else "Everywhere"
    used = f"used {view.uses} {'time' if view.uses == 1 else 'times'}"
    return (
        f'<li class="grant" data-grant="{escape(view.id)}"><code>{escape(view.pattern)}</code>'
        f"<p>{where}, until {moment(view.expires_at)}, {used}, given by {escape(view.granted_by)}</p>"
        f'<button type="button" class="choice refuse" data-revoke="{escape(view.id)}">Revoke</button></li>'
    )

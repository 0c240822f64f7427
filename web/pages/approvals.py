"""The page of approvals: what waits, what was decided, what may run unasked. It shows what the operations return."""

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from approvals.operations import Approvals, Grants
from approvals.views import ApprovalView
from kernel.errors import NotFound
from kernel.people import Scope
from web.access import Door, require
from web.auth import Visitor
from web.bodies import parse
from web.markdown import escape
from web.pages import requests
from web.pages.shell import Frame, Shell
from web.room import Parts

HERE = Path(__file__).parent
NAME = "approvals"
PAGE = 30
LONGEST = 200
FILTERS = ("state", "tier", "words")
CHOICES = {
    "state": (
        ("over", "Every state"), ("done", "Done"), ("refused", "Refused"), ("expired", "Expired"),
        ("cancelled", "Withdrawn"), ("void", "Void"), ("unknown", "Outcome unknown"), ("running", "Running"),
    ),
    "tier": (("", "Every risk"), ("high", "High"), ("medium", "Medium"), ("low", "Low")),
}  # fmt: skip


class ApprovalPages:
    """Makes the page of approvals and the pieces of it that change."""

    def __init__(self, parts: Parts, door: Door, shell: Shell) -> None:
        self._parts = parts
        self._door = door
        self._shell = shell
        self._page = Template((HERE / "approvals.html").read_text("utf-8"))
        self._operations = {one.name: one for one in parts.operations}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page's routes."""
        return (
            Route("/approvals", self.page, methods=["GET"]),
            Route("/approvals/pending", self.pending, methods=["GET"]),
            Route("/approvals/history", self.history, methods=["GET"]),
            Route("/approvals/grants", self.grants, methods=["GET"]),
            Route("/approvals/card/{id}", self.card, methods=["GET"]),
        )

    async def link(self, visitor: Visitor, current: str) -> str:
        """Return the sidebar's entry with the number of requests that wait; nothing for who may not see them."""
        if "approvals.list" not in self._operations or not visitor.principal.may(Scope.APPROVALS_READ):
            return ""
        found: Approvals = await self._run(visitor, "approvals.list", limit=1)
        mark = ' aria-current="page"' if current == NAME else ""
        hidden = "" if found.waiting else " hidden"
        return (
            f'<a class="place" href="/approvals"{mark}><svg viewBox="0 0 24 24" aria-hidden="true">'
            '<path d="M12 3l7 3v5c0 4.6-3 8.2-7 10-4-1.8-7-5.4-7-10V6z"/>'
            '<path d="M9 12l2.2 2.2L15.5 10"/></svg>Approvals'
            f'<span class="count" id="waiting"{hidden}>{found.waiting}</span></a>'
        )

    async def _run(self, visitor: Visitor, name: str, **given: object) -> Any:
        operation = self._operations.get(name)
        if operation is None:
            raise NotFound("Approvals are not served here.")
        require(visitor, operation.scope)
        return await operation.run(visitor.principal, parse(operation.input, given))

    async def page(self, request: Request) -> Response:
        """Show the whole page; a stranger is led to the login and back."""
        visitor = await self._door.guest(request)
        if visitor is None:
            return RedirectResponse("/login?to=approvals", 303)
        require(visitor, Scope.CHAT)
        wanted = _filters(request)
        seq = await self._shell.head()
        waiting: Approvals = await self._run(visitor, "approvals.list", limit=PAGE)
        lost: Approvals = await self._run(visitor, "approvals.list", state="unknown", limit=PAGE)
        permissions: Grants = await self._run(visitor, "grants.list")
        content = self._page.substitute(
            pending=_articles([*lost.approvals, *waiting.approvals]),
            more=_more("pending", waiting.next),
            history=await self._history(visitor, wanted),
            grants="".join(requests.grant(one) for one in permissions.grants),
            words=escape(wanted.get("words", "")),
            states=_options("state", wanted.get("state", "over")),
            tiers=_options("tier", wanted.get("tier", "")),
        )
        assets = ("approvals.css", "approvals.js")
        frame = Frame(NAME, "Approvals", content, "pending", "what waits", "decide", assets, seq)
        return HTMLResponse(await self._shell.html(visitor, frame))

    async def pending(self, request: Request) -> Response:
        """Return what wants a decision, as many as are ``shown`` already, or the next page of it."""
        visitor = await self._door.visitor(request)
        before, shown = (request.query_params.get(name, "") for name in ("before", "shown"))
        limit = min(max(int(shown), PAGE), LONGEST) if shown.isdecimal() else PAGE
        waiting: Approvals = await self._run(visitor, "approvals.list", limit=limit, before=before)
        found = list(waiting.approvals)
        if not before:
            lost: Approvals = await self._run(visitor, "approvals.list", state="unknown", limit=PAGE)
            found = [*lost.approvals, *found]
        return HTMLResponse(_articles(found) + _more("pending", waiting.next))

    async def card(self, request: Request) -> Response:
        """Return one request; whoever may decide is known to have looked at it."""
        visitor = await self._door.visitor(request)
        found: ApprovalView = await self._run(visitor, "approvals.get", id=request.path_params["id"])
        return HTMLResponse(requests.article(found))

    async def history(self, request: Request) -> Response:
        """Return a page of what was decided."""
        visitor = await self._door.visitor(request)
        before = request.query_params.get("before", "")
        return HTMLResponse(await self._history(visitor, _filters(request), before))

    async def _history(self, visitor: Visitor, wanted: dict[str, str], before: str = "") -> str:
        found: Approvals = await self._run(
            visitor, "approvals.list", **{"state": "over", **wanted, "before": before}, limit=PAGE
        )
        return requests.past(found.approvals) + _more("history", found.next, **wanted)

    async def grants(self, request: Request) -> Response:
        """Return the standing permissions."""
        visitor = await self._door.visitor(request)
        found: Grants = await self._run(visitor, "grants.list")
        return HTMLResponse("".join(requests.grant(one) for one in found.grants))


def _filters(request: Request) -> dict[str, str]:
    return {name: value for name in FILTERS if (value := request.query_params.get(name, ""))}


def _articles(views: Sequence[ApprovalView]) -> str:
    return "".join(requests.article(view) for view in views)


def _more(piece: str, following: str, **wanted: str) -> str:
    if not following:
        return ""
    address = f"/approvals/{piece}?{urlencode({**wanted, 'before': following})}"
    button = f'<button type="button" class="older" data-more="{escape(address)}">Show more</button>'
    return f"<li>{button}</li>" if piece == "history" else button


def _options(name: str, chosen: str) -> str:
    return "".join(
        f'<option value="{value}"{" selected" if value == chosen else ""}>{label}</option>'
        for value, label in CHOICES[name]
    )

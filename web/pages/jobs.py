"""The page of jobs: what is scheduled, when it runs next, and what came of it. It shows what the operations return."""

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from cron.views import Coming, JobView, RunView
from kernel.errors import NotFound
from kernel.people import Scope
from web.access import Door, require
from web.auth import Visitor
from web.bodies import parse
from web.markdown import escape
from web.pages.shell import Frame, Shell
from web.room import Parts

HERE = Path(__file__).parent
NAME = "jobs"
RUNS = 30
JOBS = 200
HOURS = 24.0
HOUR_MS = 3_600_000
SHOWN = 200
LISTED = 8
ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8.5"/><path d="M12 7v5l3.5 2"/></svg>'


class JobPages:
    """Makes the page of jobs and the pieces of it that change."""

    def __init__(self, parts: Parts, door: Door, shell: Shell) -> None:
        self._parts = parts
        self._door = door
        self._shell = shell
        self._page = Template((HERE / "jobs.html").read_text("utf-8"))
        self._operations = {one.name: one for one in parts.operations}

    def routes(self) -> Sequence[BaseRoute]:
        """Return the page's routes."""
        return (
            Route("/jobs", self.page, methods=["GET"]),
            Route("/jobs/pieces", self.pieces, methods=["GET"]),
            Route("/jobs/history", self.history, methods=["GET"]),
        )

    async def link(self, visitor: Visitor, current: str) -> str:
        """Return the sidebar's entry; nothing for who may not see jobs."""
        if "cron.list" not in self._operations or not visitor.principal.may(Scope.READ):
            return ""
        mark = ' aria-current="page"' if current == NAME else ""
        return f'<a class="place" href="/jobs"{mark}>{ICON}Jobs</a>'

    async def _run(self, visitor: Visitor, name: str, **given: object) -> Any:
        operation = self._operations.get(name)
        if operation is None:
            raise NotFound("Jobs are not served here.")
        require(visitor, operation.scope)
        return await operation.run(visitor.principal, parse(operation.input, given))

    async def page(self, request: Request) -> Response:
        """Show the whole page; a stranger is led to the login and back."""
        visitor = await self._door.guest(request)
        if visitor is None:
            return RedirectResponse("/login?to=jobs", 303)
        require(visitor, Scope.CHAT)
        seq = await self._shell.head()
        content = self._page.substitute(
            pieces=await self._pieces(visitor), history=await self._history(visitor, 0)
        )
        frame = Frame(
            NAME, "Jobs", content, "pieces", "the jobs", "change jobs", ("jobs.css", "jobs.js"), seq
        )
        return HTMLResponse(await self._shell.html(visitor, frame))

    async def pieces(self, request: Request) -> Response:
        """Return the timeline and the jobs as they are now."""
        return HTMLResponse(await self._pieces(await self._door.visitor(request)))

    async def history(self, request: Request) -> Response:
        """Return a page of what was run."""
        visitor = await self._door.visitor(request)
        before = request.query_params.get("before", "")
        return HTMLResponse(await self._history(visitor, int(before) if before.isdecimal() else 0))

    async def _pieces(self, visitor: Visitor) -> str:
        found = await self._run(visitor, "cron.list", limit=JOBS, over=True)
        coming = await self._run(visitor, "cron.timeline", hours=HOURS)
        now = self._parts.clock.now()
        jobs = "".join(_job(one) for one in found.jobs)
        return (
            f"{_timeline(coming.coming, now)}"
            f'<ul class="list" id="jobs">{jobs}</ul><p class="nothing">Nothing is scheduled.</p>'
        )

    async def _history(self, visitor: Visitor, before: int) -> str:
        found = await self._run(visitor, "cron.runs", limit=RUNS, before=before)
        rows = "".join(_past(one) for one in found.runs)
        more = (
            f'<li><button type="button" class="older" data-more="/jobs/history?before={found.next}">Show more'
            "</button></li>"
        )
        return rows + (more if found.next else "")


def _timeline(coming: Sequence[Coming], now: int) -> str:
    """Return the coming day as a line with a mark for each run, and the first of them as a list.

    The places are attributes of an image: the page's policy admits no styles inside HTML.
    """
    marks = "".join(
        f'<rect x="{_share(one.at, now):.2f}%" y="2" width="4" height="14" rx="2">'
        f"<title>{escape(one.name)} · {escape(one.when)}</title></rect>"
        for one in coming
    )
    hours = "".join(
        f'<text x="{hour / HOURS * 100:.2f}%" y="32" text-anchor="middle">+{hour} h</text>'
        for hour in (6, 12, 18)
    )
    line = '<line x1="0" y1="9" x2="100%" y2="9"/>'
    first = "".join(
        f'<li>{_time(one.at)} <strong>{escape(one.name)}</strong> <span class="kind">{one.kind}</span></li>'
        for one in coming[:LISTED]
    )
    more = f'<li class="kind">and {len(coming) - LISTED} more</li>' if len(coming) > LISTED else ""
    return (
        f'<svg class="timeline" height="36" role="img" aria-label="{len(coming)} runs in the coming day">'
        f"{line}{marks}{hours}</svg>"
        f'<ol class="coming">{first}{more}</ol><p class="nothing">Nothing runs in the coming day.</p>'
    )


def _share(at: int, now: int) -> float:
    return min(99.5, max(0.0, (at - now) / (HOURS * HOUR_MS) * 100))


def _job(view: JobView) -> str:
    active = view.state == "active"
    verbs = [("run", "Run now"), ("pause", "Pause") if active else ("resume", "Resume"), ("delete", "Delete")]
    buttons = "".join(
        f'<button type="button" class="choice" data-job="{view.id}" data-verb="{verb}">{label}</button>'
        for verb, label in verbs
    )
    last = f" · last {escape(view.last.state)} {_time(view.last.at)}" if view.last else ""
    ahead = f"next {_time(view.next_at)}" if view.next_at is not None else escape(view.state)
    why = f'<p class="why">{escape(view.paused_why)}</p>' if view.paused_why else ""
    text = escape((view.text or view.recipe)[:SHOWN])
    return (
        f'<li class="job" data-state="{view.state}"><div><strong>{escape(view.name)}</strong> '
        f'<span class="kind">{view.kind}</span><p>{escape(view.schedule)} ({escape(view.timezone)}) · {ahead}{last}</p>'
        f'<p class="text">{text}</p>{why}</div><div class="choices">{buttons}</div></li>'
    )


def _past(view: RunView) -> str:
    said = escape(" ".join((view.error or view.result).split())[:SHOWN])
    count = f" ×{view.missed}" if view.missed > 1 else ""
    delivery = f" · delivery {view.delivery}" if view.delivery not in ("none", "sent") else ""
    return (
        f'<li class="run" data-state="{view.state}"><strong>{escape(view.name)}</strong> '
        f'<span class="kind" title="{escape(view.sentence)}">{view.state}{count}</span> {_time(view.at)}{delivery}'
        f"<p>{said}</p></li>"
    )


def _time(milliseconds: int | None) -> str:
    return f'<time data-at="{milliseconds}"></time>' if milliseconds is not None else ""

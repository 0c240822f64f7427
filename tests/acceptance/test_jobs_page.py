"""The page of jobs in the distribution's Chromium, of a real daemon: what is to run, what ran, and the buttons."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.acceptance.test_page import ARGUMENTS, CHROMIUM, PHONE
from tests.support.daemon import Daemon, quiet_settings

PATIENCE = 30_000
HOSTILE = "<img src=x onerror=alert(1)>"
JOBS: tuple[dict[str, Any], ...] = (
    {"schedule": "every 2 hours", "kind": "script", "text": "echo all is well", "name": "pulse"},
    {"schedule": "every day at 4:00", "kind": "script", "text": "ls /nowhere/at/all", "name": "broken"},
    {"schedule": "every monday at 9:00", "kind": "prompt", "text": HOSTILE, "name": "weekly"},
)


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path / "home", quiet_settings(web={"enabled": True})) as found:
        await found.start()
        async with httpx.AsyncClient(
            base_url=found.info.url, headers={"Authorization": f"Bearer {found.info.token}"}, timeout=30
        ) as client:
            for job in JOBS:
                (await client.post("/api/hermes/cron", json=job)).raise_for_status()
        yield found
        assert await found.stop() == 0


@asynccontextmanager
async def opened(daemon: Daemon, **options: Any) -> AsyncGenerator[Page]:
    """Log a browser in and go to the jobs; whatever the page complains about fails the test."""
    async with async_playwright() as playwright:
        browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await (await browser.new_context(**options)).new_page()
        page.set_default_timeout(PATIENCE)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        code, login = await daemon.command("login")
        assert code == 0
        await page.goto(login.strip())
        await page.locator("#text").wait_for()
        if options:
            # On a phone the links are behind the menu.
            await page.get_by_role("button", name="Chats", exact=True).tap()
        await page.get_by_role("link", name="Jobs").click()
        await page.get_by_role("heading", name="The coming day").wait_for()
        yield page
        await browser.close()
        assert complaints == []


async def test_jobs_their_coming_runs_and_their_history_are_seen_and_changed(
    daemon: Daemon, tmp_path: Path
) -> None:
    expect.set_options(timeout=PATIENCE)
    async with opened(daemon) as page:
        jobs, history, marks = (
            page.locator("#jobs .job"),
            page.locator("#history .run"),
            page.locator(".timeline rect"),
        )
        await expect(jobs).to_have_count(3)
        pulse, broken = jobs.filter(has_text="pulse"), jobs.filter(has_text="broken")
        await expect(pulse).to_contain_text("every 2 hours")
        await expect(jobs.filter(has_text="weekly")).to_contain_text(HOSTILE)
        assert await page.locator("#pieces img").count() == 0
        await expect(marks.filter(has_text="pulse")).to_have_count(10)
        await expect(marks.filter(has_text="broken")).to_have_count(1)
        await expect(page.get_by_text("Nothing has run yet.")).to_be_visible()
        # What the buttons do is seen without the page being loaded again.
        await pulse.get_by_role("button", name="Run now").click()
        await broken.get_by_role("button", name="Run now").click()
        await expect(history.filter(has_text="pulse")).to_contain_text("all is well")
        await expect(history.filter(has_text="broken")).to_contain_text("The script ended with 2")
        await pulse.get_by_role("button", name="Pause").click()
        await expect(pulse.get_by_role("button", name="Resume")).to_be_visible()
        await expect(pulse).to_contain_text("paused")
        await expect(marks.filter(has_text="pulse")).to_have_count(0)
        page.on("dialog", lambda dialog: dialog.accept())
        await jobs.filter(has_text="weekly").get_by_role("button", name="Delete").click()
        await expect(jobs).to_have_count(2)
        await page.screenshot(path=tmp_path / "jobs.png", full_page=True)
    async with opened(daemon, **PHONE) as page:
        await expect(page.locator("#jobs .job")).to_have_count(2)
        await expect(page.locator("#history .run").first.locator("time")).to_have_text(re.compile(r"\d"))
        # Wider than the phone would be a page that has to be pushed around.
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
        await page.screenshot(path=tmp_path / "phone.png")

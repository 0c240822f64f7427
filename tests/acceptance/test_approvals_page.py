"""The page of approvals in the distribution's Chromium: what waits comes and goes, and a tap decides."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from kernel.states import ApprovalState
from tests.support.approval_site import SECRET, ApprovalSite, approval_site
from tests.support.gate import CHAT

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
# What the browser itself says about a decision that came too late.
EXPECTED = "409 (Conflict)"


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[ApprovalSite]:
    async with approval_site(tmp_path) as found:
        yield found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        await found.close()


@asynccontextmanager
async def opened(browser: Browser, gate: ApprovalSite, **options: Any) -> AsyncGenerator[Page]:
    """Log a new browser in and go to the approvals; whatever the page complains about fails the test."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await page.goto(await gate.site.login_url())
    await expect(page.locator("#text")).to_be_visible()
    await page.goto(f"{gate.site.url}/approvals")
    await expect(page.get_by_role("heading", name="Waiting for you")).to_be_visible()
    yield page
    await context.close()
    assert [one for one in complaints if EXPECTED not in one] == []


def card(page: Page, id: str) -> Locator:
    """Return the card of a request among those that wait."""
    return page.locator(f"#approval-{id}")


async def test_a_request_appears_by_itself_and_a_tap_runs_exactly_it(
    gate: ApprovalSite, browser: Browser
) -> None:
    async with opened(browser, gate, **PHONE) as page:
        await expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()
        request = await gate.house.hold(f"git push --force origin main # {SECRET}")
        shown = card(page, request.id)
        await expect(shown).to_be_visible()
        await expect(shown.locator(".action")).to_have_text("git push --force origin main # [redacted]")
        await expect(shown.locator(".tier")).to_have_text("High risk")
        await expect(shown).to_contain_text("rewrites or deletes what is on the remote")
        await expect(shown).to_contain_text(str(gate.house.workspace))
        await expect(shown).to_contain_text(re.compile(r"Expires\s*in 7 days"))
        assert SECRET not in await page.content()
        # Wider than the phone would be a page that has to be pushed around.
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await shown.get_by_role("button", name="Approve").tap()
        await expect(shown).to_have_attribute("data-state", "done")
        await expect(shown).to_contain_text("Approved by")
        await expect(shown.get_by_role("button")).to_have_count(0)
        await expect(page.locator("#waiting")).to_be_hidden()
        await expect(page.locator("#history .past")).to_have_count(1)
    assert [call.action.text for call in gate.house.caller.calls] == [request.action.text]
    assert "approval.view" in gate.house.kinds("approval.")


async def test_what_somebody_else_decided_is_shown_and_a_late_tap_told(
    gate: ApprovalSite, browser: Browser
) -> None:
    first, second = await gate.house.hold("rm a.txt", "a"), await gate.house.hold("rm b.txt", "b")
    async with opened(browser, gate) as page:
        await expect(page.locator("#waiting")).to_have_text("2")
        await gate.decide(first.id, "reject", reason="not today")
        await expect(card(page, first.id)).to_have_attribute("data-state", "refused")
        await expect(card(page, first.id)).to_contain_text("Reason: not today")
        await expect(page.locator("#waiting")).to_have_text("1")
        # A page that did not hear of it in time answers the tap with the truth.
        await page.context.set_offline(True)
        await gate.decide(second.id, "reject")
        await page.context.set_offline(False)
        await (
            card(page, second.id)
            .get_by_role("button", name="Approve")
            .or_(card(page, second.id).locator(".outcome"))
            .first.click()
        )
        await expect(card(page, second.id)).to_have_attribute("data-state", "refused")
    assert gate.house.caller.calls == []


async def test_a_reason_an_edit_and_a_hold_reach_the_gate(gate: ApprovalSite, browser: Browser) -> None:
    refused, edited = await gate.house.hold("rm a.txt", "a"), await gate.house.hold("rm b.txt", "b")
    async with opened(browser, gate) as page:
        shown = card(page, refused.id)
        await shown.get_by_role("button", name="Hold", exact=True).click()
        await expect(shown.locator(".state")).to_have_text("On hold")
        await shown.get_by_role("button", name="Release").click()
        await expect(shown.locator(".state")).to_have_text("Waiting")
        await shown.get_by_text("Reason, edit, more").click()
        await shown.get_by_label("A reason").fill("keep it")
        # What others do meanwhile takes nothing away from what is being written.
        await gate.house.hold("rm c.txt", "c")
        await expect(page.locator("#pending .request")).to_have_count(3)
        await shown.get_by_role("button", name="Refuse").click()
        await expect(shown).to_contain_text("Reason: keep it")

        shown = card(page, edited.id)
        await shown.get_by_text("Reason, edit, more").click()
        await expect(shown.get_by_label("Another text")).to_have_value("rm b.txt")
        await shown.get_by_label("Another text").fill("rm d.txt")
        await shown.get_by_role("button", name="Approve the edited text").click()
        await expect(shown).to_have_attribute("data-state", "void")
        await expect(page.locator("#history")).to_contain_text("rm d.txt")
    assert [call.action.text for call in gate.house.caller.calls] == ["rm d.txt"]


async def test_a_permission_is_shown_before_it_is_given_and_can_be_revoked(
    gate: ApprovalSite, browser: Browser
) -> None:
    request = await gate.house.hold("rm a.txt")
    async with opened(browser, gate) as page:
        shown = card(page, request.id)
        await shown.get_by_text("Reason, edit, more").click()
        await expect(shown.locator(".pattern")).to_contain_text("exactly 'rm a.txt'")
        await shown.get_by_role("button", name="Approve always").click()
        permission = page.locator("#grants .grant")
        await expect(permission).to_contain_text("exactly 'rm a.txt'")
        await permission.get_by_role("button", name="Revoke").click()
        await expect(permission).to_have_count(0)
        await expect(page.get_by_text("Nothing may run unasked")).to_be_visible()


async def test_the_history_is_filtered_and_opens_to_the_whole_request(
    gate: ApprovalSite, browser: Browser
) -> None:
    grave, light = await gate.house.hold("git push --force", "a"), await gate.house.hold("rm a.txt", "b")
    await gate.decide(grave.id, "reject", reason="never")
    await gate.decide(light.id)
    await gate.service.wait(light.id, 5, over=True)
    async with opened(browser, gate) as page:
        entries = page.locator("#history .past")
        await expect(entries).to_have_count(2)
        await page.get_by_label("State").select_option("Refused")
        await expect(entries).to_have_count(1)
        await entries.locator("summary").first.click()
        await expect(entries).to_contain_text("Reason: never")
        await page.get_by_label("State").select_option("Every state")
        await page.get_by_label("Words").fill("a.txt")
        await page.keyboard.press("Enter")
        await expect(entries).to_have_count(1)
        await expect(entries.locator(".what")).to_have_text("rm a.txt")


async def test_a_link_to_a_request_leads_through_the_login_to_its_card(
    gate: ApprovalSite, browser: Browser
) -> None:
    request = await gate.house.hold("git push --force")
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{gate.site.url}/approvals#{request.id}")
    login = await gate.site.login_url()
    await page.get_by_label("Login token").fill(login.partition("#")[2])
    await page.get_by_role("button", name="Log in").click()
    await expect(card(page, request.id)).to_be_focused()
    await context.close()


async def test_the_chat_shows_how_many_requests_wait(gate: ApprovalSite, browser: Browser) -> None:
    async with opened(browser, gate) as page:
        await page.get_by_role("link", name="New chat").click()
        await expect(page.locator("#text")).to_be_visible()
        await expect(page.locator("#waiting")).to_be_hidden()
        request = await gate.house.hold("git push --force")
        await expect(page.locator("#waiting")).to_have_text("1")
        await page.get_by_role("link", name="Approvals").click()
        await expect(card(page, request.id)).to_be_visible()
        await page.get_by_role("link", name="Approvals").focus()
        await page.keyboard.press("Tab")


async def test_many_requests_come_page_by_page(gate: ApprovalSite, browser: Browser) -> None:
    for number in range(35):
        await gate.house.hold(f"rm file{number}.txt", f"call-{number}")
    async with opened(browser, gate) as page:
        requests = page.locator("#pending .request")
        await expect(requests).to_have_count(30)
        await page.get_by_role("button", name="Show more").click()
        await expect(requests).to_have_count(35)
        oldest, elsewhere = requests.last, requests.nth(33)
        await oldest.get_by_role("button", name="Approve").first.click()
        await expect(oldest).to_have_attribute("data-state", "done", timeout=20_000)
        await expect(page.locator("#waiting")).to_have_text("34")
        await expect(requests).to_have_count(35)
        async with opened(browser, gate) as other:
            await other.get_by_role("button", name="Show more").click()
            await expect(other.locator("#pending .request")).to_have_count(34)
            refused = other.locator("#pending .request").last
            await refused.get_by_role("button", name="Refuse").first.click()
            await expect(refused).to_have_attribute("data-state", "refused", timeout=20_000)
        await expect(elsewhere).to_have_attribute("data-state", "refused", timeout=20_000)


async def test_hostile_text_is_shown_as_text(gate: ApprovalSite, browser: Browser) -> None:
    hostile = "rm \"<img src=x onerror=alert(1)>\" '</textarea><script>alert(2)</script>' \u202egpj.exe"
    request = await gate.house.hold(hostile)
    async with opened(browser, gate) as page:
        shown = card(page, request.id)
        await expect(shown.locator(".action")).to_contain_text("<img src=x onerror=alert(1)>")
        await expect(shown.locator(".action")).to_contain_text("\\u202egpj.exe")
        assert await page.locator("#pending img, #pending script").count() == 0


async def test_two_pages_decide_at_once_and_one_of_them_counts(gate: ApprovalSite, browser: Browser) -> None:
    request = await gate.house.hold("git push --force")
    async with opened(browser, gate) as one, opened(browser, gate) as other:
        await asyncio.gather(
            card(one, request.id).get_by_role("button", name="Approve").click(),
            card(other, request.id).get_by_role("button", name="Refuse").click(),
        )
        for page in (one, other):
            await expect(card(page, request.id)).to_have_attribute("data-state", re.compile("done|refused"))
        states = [await card(page, request.id).get_attribute("data-state") for page in (one, other)]
    assert states[0] == states[1]
    found = await gate.service.wait(request.id, 5, over=True)
    assert len(gate.house.caller.calls) == (1 if found.state is ApprovalState.DONE else 0)


async def test_a_code_from_another_channel_is_asked_for_where_high_risk_needs_it(
    tmp_path: Path, browser: Browser
) -> None:
    async with approval_site(tmp_path, step_up="code") as gate:
        gate.house.cards.second = CHAT._replace(chat="other")
        request = await gate.house.hold("git push --force")
        async with opened(browser, gate) as page:
            shown = card(page, request.id)
            await shown.get_by_role("button", name="Approve").click()
            code = shown.get_by_label("Code from your other channel")
            await expect(code).to_be_focused()
            await code.fill(gate.house.cards.codes[-1])
            await shown.get_by_role("button", name="Approve").click()
            await expect(shown).to_have_attribute("data-state", "done")

"""The local page in the distribution's Chromium: what a person sees and does."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from store.inbox import InboxRow
from tests.fakes.local_gateway import LocalGateway
from tests.fakes.web_site import Site, running_site
from web.settings import WebSettings

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


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(tmp_path / "home") as found:
        yield found


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        await found.close()


@asynccontextmanager
async def opened(browser: Browser, site: Site, **options: Any) -> AsyncGenerator[Page]:
    """Log a new browser in; whatever the page complains about fails the test."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: complaints.append(request.url) if foreign(request.url, site) else None)
    await page.goto(await site.login_url())
    await expect(page.locator("#text")).to_be_visible()
    yield page
    await context.close()
    # Tests that take the server away expect the browser's own words about it.
    assert [
        one for one in complaints if "ERR_CONNECTION_REFUSED" not in one and "ERR_INCOMPLETE" not in one
    ] == []


def foreign(url: str, site: Site) -> bool:
    """Tell whether the page asked anybody else for something."""
    return not url.startswith((site.url, "data:", "blob:"))


async def say(page: Page, text: str) -> None:
    await page.locator("#text").fill(text)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")


async def test_a_person_logs_in_talks_and_finds_it_all_again(site: Site, browser: Browser) -> None:
    async with opened(browser, site) as page:
        await expect(page.get_by_role("heading", name="What can Hermes do for you?")).to_be_visible()
        await page.locator("#text").press_sequentially("two")
        await page.keyboard.press("Shift+Enter")
        await page.locator("#text").press_sequentially("lines")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message.in .body")).to_have_text("two\nlines")
        await expect(page.locator(".message.out strong")).to_have_text(re.compile("two\\s+lines"))
        await expect(page.locator("#text")).to_have_value("")
        await expect(page.locator("#title")).to_contain_text("two")
        await page.reload()
        await expect(page.locator(".message")).to_have_count(2)
        await page.get_by_role("link", name="New chat").first.click()
        await expect(page.locator(".message")).to_have_count(0)
        await say(page, "another one")
        await expect(page.locator(".message.out")).to_have_count(1)
        await expect(page.locator("#chats a")).to_have_count(2)
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Login token")).to_be_focused()


async def test_an_answer_appears_as_it_is_written(site: Site, browser: Browser) -> None:
    step = asyncio.Event()

    async def answer(gateway: LocalGateway, row: InboxRow) -> None:
        address = row.inbound.address
        bubble = await gateway.adapter.bubble(address, "", "reading notes.md")
        await step.wait()
        await gateway.adapter.burst(address, bubble)
        await gateway.adapter.draft(address, 1, "I *am* ")
        step.clear()
        await step.wait()
        await gateway.say(address, "I *am* done.")

    site.gateway.answer = answer
    async with opened(browser, site) as page:
        await say(page, "go")
        await expect(page.get_by_role("status").filter(has_text="reading notes.md")).to_be_visible()
        await expect(page.get_by_role("button", name="Stop the answer")).to_be_visible()
        step.set()
        await expect(page.locator("#drafts em")).to_have_text("am")
        await expect(page.locator("#activity")).to_be_hidden()
        step.set()
        await expect(page.locator("#log .message.out")).to_have_text(re.compile("I am done\\."))
        await expect(page.locator("#drafts .message")).to_have_count(0)
        await expect(page.get_by_role("button", name="Stop the answer")).to_be_hidden()


async def test_nothing_is_lost_while_the_server_is_away(tmp_path: Path, browser: Browser) -> None:
    home = tmp_path / "home"
    async with running_site(home) as site:
        settings = WebSettings(port=int(site.url.rpartition(":")[2]))
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(await site.login_url())
        await say(page, "before")
        await expect(page.locator(".message.out")).to_have_count(1)
        await site.gateway.settle()
    await expect(page.get_by_text("The connection to Hermes is lost")).to_be_visible()
    await say(page, "said while away")
    await expect(page.locator(".message.pending")).to_have_count(1)
    await page.close()
    async with running_site(home, settings=settings) as site:
        address = site.gateway.adapter.address(page.url.rpartition("/")[2])
        await site.gateway.say(address, "said to nobody")
        page = await context.new_page()
        await page.goto(site.url)
        await expect(page.locator(".message.in")).to_have_text(
            [re.compile("before"), re.compile("said while away")]
        )
        await expect(page.locator(".message.out")).to_have_count(3)
        await expect(page.locator(".message.pending")).to_have_count(0)
        assert [one.text for one in site.gateway.received] == ["said while away"]
    await context.close()


async def test_an_open_page_catches_up_by_itself(tmp_path: Path, browser: Browser) -> None:
    home = tmp_path / "home"
    async with running_site(home) as site:
        settings = WebSettings(port=int(site.url.rpartition(":")[2]))
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(await site.login_url())
        await say(page, "before")
        await expect(page.locator(".message.out")).to_have_count(1)
        await site.gateway.settle()
    await expect(page.locator("#banner")).to_be_visible()
    async with running_site(home, settings=settings) as site:
        await site.gateway.say(site.gateway.adapter.address(page.url.rpartition("/")[2]), "back **again**")
        await expect(page.locator(".message.out strong").last).to_have_text("again")
        await expect(page.locator("#banner")).to_be_hidden()
    await context.close()


async def test_a_question_is_answered_by_its_button(site: Site, browser: Browser) -> None:
    async def ask(gateway: LocalGateway, row: InboxRow) -> None:
        await gateway.say(
            row.inbound.address, "Shall I push?", buttons=[[("Push", "q:1:yes"), ("Wait", "q:1:no")]]
        )

    site.gateway.answer = ask
    async with opened(browser, site) as page:
        await say(page, "go")
        await page.get_by_role("button", name="Push").click()
        await expect(page.get_by_role("status").filter(has_text="You chose q:1:yes.")).to_be_visible()
        await expect(page.locator(".message.out .body")).to_have_text("Thank you.")
        await expect(page.locator("[data-tap]")).to_have_count(0)
    assert [tap.tap for tap in site.gateway.taps] == ["q:1:yes"]


async def test_files_are_attached_dropped_and_fetched(site: Site, browser: Browser) -> None:
    async with opened(browser, site) as page:
        await page.set_input_files(
            "#files", {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"the plan"}
        )
        await expect(page.locator("#chips li")).to_have_text(re.compile("plan.txt"))
        await page.evaluate(
            """() => {
              const files = new DataTransfer();
              files.items.add(new File([new Uint8Array(9)], "drop.bin"));
              for (const type of ["dragenter", "drop"]) dispatchEvent(new DragEvent(type, { dataTransfer: files }));
            }"""
        )
        await expect(page.locator("#chips li")).to_have_count(2)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".message.out")).to_have_text(re.compile("plan.txt, drop.bin"))
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name="plan.txt").click()
        download = await waiting.value
        assert await asyncio.to_thread((await download.path()).read_bytes) == b"the plan"
        await expect(page.locator("#chips li")).to_have_count(0)


async def test_commands_are_completed_by_keyboard(site: Site, browser: Browser) -> None:
    async with opened(browser, site) as page:
        await page.locator("#text").press_sequentially("/s")
        options = page.get_by_role("option")
        await expect(options).to_have_count(3)
        await page.keyboard.press("ArrowDown")
        await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        await expect(page.locator("#text")).to_have_attribute("aria-activedescendant", "option-1")
        await page.keyboard.press("Tab")
        await expect(page.locator("#text")).to_have_value("/status ")
        await expect(options).to_have_count(0)
        await page.locator("#text").fill("/")
        await expect(options).to_have_count(4)
        await page.keyboard.press("Escape")
        await expect(page.locator("#completion")).to_be_hidden()


async def test_a_long_history_is_read_upwards(site: Site, browser: Browser) -> None:
    address = site.gateway.adapter.address("long")
    for number in range(100):
        await site.gateway.say(address, f"line {number}")
    async with opened(browser, site) as page:
        await page.goto(f"{site.url}/c/long")
        await expect(page.locator(".message")).to_have_count(40)
        await expect(page.locator(".message").last).to_be_in_viewport()
        await page.locator("#scroller").evaluate("node => node.scrollTo(0, 0)")
        await expect(page.locator(".message")).to_have_count(80)
        await expect(page.get_by_text("line 60", exact=True)).to_be_visible()
        await page.locator("#scroller").evaluate("node => node.scrollTo(0, 0)")
        await expect(page.locator(".message")).to_have_count(100)
        await expect(page.locator(".message .body").first).to_have_text("line 0")
        await expect(page.locator("#older")).to_be_hidden()


async def test_what_people_and_models_write_runs_nothing(site: Site, browser: Browser) -> None:
    hostile = "<img src=x onerror='window.ran=1'><script>window.ran=1</script> [x](javascript:window.ran=1)"

    async def answer(gateway: LocalGateway, row: InboxRow) -> None:
        await gateway.adapter.draft(row.inbound.address, 1, hostile)
        await gateway.say(row.inbound.address, hostile)

    site.gateway.answer = answer
    async with opened(browser, site) as page:
        await say(page, hostile)
        await expect(page.locator(".message.out")).to_contain_text("<img src=x")
        await page.reload()
        await expect(page.locator(".message.in .body")).to_have_text(hostile)
        assert await page.evaluate("window.ran") is None
        assert await page.locator(".message img, .message script, .message a").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_everything_fits_and_the_list_is_a_drawer(
    site: Site, browser: Browser, scheme: str
) -> None:
    async def answer(gateway: LocalGateway, row: InboxRow) -> None:
        table = "| a | b |\n|---|---|\n| " + "wide " * 60 + "| x |"
        await gateway.say(row.inbound.address, f"```\n{'long line ' * 40}\n```\n\n{table}\n\n" + "w" * 300)

    site.gateway.answer = answer
    async with opened(browser, site, color_scheme=scheme, **PHONE) as page:
        await say(page, "go")
        await expect(page.locator(".message.out")).to_have_count(1)
        width = "document.documentElement.scrollWidth - innerWidth"
        assert await page.evaluate(width) <= 0
        await expect(page.locator("#sidebar")).to_be_hidden()
        await page.get_by_role("button", name="Chats", exact=True).tap()
        await expect(page.locator("#sidebar")).to_be_in_viewport()
        await page.keyboard.press("Escape")
        await expect(page.locator("#sidebar")).to_be_hidden()
        await expect(page.locator("#composer")).to_be_in_viewport()
        paper = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (paper == "rgb(23, 24, 22)") is (scheme == "dark")


async def test_colours_can_be_chosen_and_stay(site: Site, browser: Browser) -> None:
    async with opened(browser, site, color_scheme="light") as page:
        theme = page.get_by_role("button", name=re.compile("Colours"))
        for name in ("Light", "Dark"):
            await theme.click()
            await expect(theme).to_have_text(re.compile(name))
        await page.reload()
        assert await page.evaluate("document.documentElement.dataset.theme") == "dark"
        await expect(theme).to_have_text(re.compile("Dark"))


async def test_the_keyboard_reaches_everything_and_every_control_has_a_name(
    site: Site, browser: Browser
) -> None:
    async with opened(browser, site) as page:
        await say(page, "hello")
        await expect(page.locator(".message.out")).to_have_count(1)
        nameless = await page.evaluate(
            """() => [...document.querySelectorAll("button, a, input:not([hidden]), textarea")]
              .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.labels?.length))
              .map((node) => node.outerHTML)"""
        )
        assert nameless == []
        skip = page.locator("a, button").first
        await expect(skip).to_have_text("Skip to the message field")
        await skip.press("Enter")
        await expect(page.locator("#text")).to_be_focused()
        await expect(page.get_by_role("log")).to_contain_text("hello")

"""The health check against this machine, certificates that openssl makes, and addresses on loopback."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from cron.recipes.probes import disk, own_memory, split, unit_state
from kernel.clock import SystemClock
from tests.fakes.web_pages import WebPages, web_pages
from tests.support.recipes import HOUR, MINUTE, Bench

NOTHING: dict[str, Any] = {"own": False, "memory": 0, "disk": 0}


@pytest_asyncio.fixture
async def pages() -> AsyncGenerator[WebPages]:
    async with web_pages() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    # Certificates are made now, so the look at them is made now too.
    return Bench("health_check", tmp_path, dict(NOTHING), now=SystemClock().now())


async def certificate(folder: Path, days: int, name: str = "localhost") -> Path:
    words = f"openssl req -x509 -newkey rsa:2048 -nodes -days {days} -subj /CN={name} -addext subjectAltName=DNS:{name}"
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
    await asyncio.to_thread(subprocess.run, [*words.split(), *files], check=True, capture_output=True)
    return folder / f"{name}.pem"


@asynccontextmanager
async def tls_server(pem: Path) -> AsyncGenerator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, pem.with_suffix(".key"))
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_machine_that_is_well_says_nothing(tmp_path: Path) -> None:
    result = await Bench("health_check", tmp_path).run(memory=100, disk=100)
    assert not result.changed


async def test_a_failure_and_the_recovery_are_each_told_once(bench: Bench, pages: WebPages) -> None:
    url = pages.put("/", "all is fine")
    endpoint = {"url": url, "name": "Shop", "contains": "fine"}
    assert not (await bench.run(endpoints=[endpoint])).changed
    pages.fail("/", 503)
    told = await bench.run()
    assert "1 problem" in told.text
    assert "- Shop: answered 503 instead of 200" in told.text
    bench.now += 30 * MINUTE
    assert not (await bench.run()).changed
    pages.put("/", "all is fine")
    told = await bench.run()
    assert "all is well again" in told.text
    assert "- Shop: well again (was wrong since" in told.text
    assert not (await bench.run()).changed


async def test_what_stays_wrong_is_told_again_after_a_day(bench: Bench, pages: WebPages) -> None:
    await bench.run(endpoints=[{"url": pages.fail("/", 500)}])
    bench.now += 23 * HOUR
    assert not (await bench.run()).changed
    bench.now += HOUR
    assert "still wrong since" in (await bench.run()).text
    bench.now += 48 * HOUR
    assert not (await bench.run(remind_hours=0)).changed


async def test_patience_waits_for_the_second_look(bench: Bench, pages: WebPages) -> None:
    url = pages.fail("/", 500)
    assert not (await bench.run(endpoints=[{"url": url}], patience=2)).changed
    pages.put("/", "fine")
    assert not (await bench.run()).changed
    pages.fail("/", 500)
    assert not (await bench.run()).changed
    assert (await bench.run()).changed


async def test_what_is_not_looked_at_any_more_is_forgotten(bench: Bench, pages: WebPages) -> None:
    await bench.run(endpoints=[{"url": pages.fail("/", 500)}])
    assert not (await bench.run(endpoints=[])).changed


async def test_an_address_that_is_down_or_says_something_else_is_wrong(bench: Bench, pages: WebPages) -> None:
    endpoints = [
        {"url": "http://127.0.0.1:1/", "name": "down"},
        {"url": pages.put("/", "sold out"), "name": "words", "contains": "fine"},
        {"url": pages.url + "/gone", "name": "gone", "status": 404},
    ]
    told = (await bench.run(endpoints=endpoints)).text
    assert "- down: http://127.0.0.1:1/ cannot be read" in told
    assert "- words: does not say 'fine'" in told
    assert "gone" not in told


async def test_certificates_in_files_are_told_before_they_end(bench: Bench, tmp_path: Path) -> None:
    soon, later = await certificate(tmp_path, 5, "soon"), await certificate(tmp_path, 300, "later")
    (tmp_path / "broken.pem").write_text("nonsense")
    places = [str(soon), str(later), str(tmp_path / "broken.pem"), str(tmp_path / "missing.pem")]
    told = (await bench.run(certificates=places)).text
    assert "3 problems" in told
    assert "soon.pem: ends in" in told
    assert "later.pem" not in told
    assert "broken.pem: cannot be read" in told
    bench.now += int(6.5 * 24 * HOUR)
    assert "ended 1 day ago" in (await bench.run(remind_hours=1)).text


async def test_a_served_certificate_is_looked_at_as_a_visitor_does(bench: Bench, tmp_path: Path) -> None:
    pem = await certificate(tmp_path, 10)
    async with tls_server(pem) as port:
        place = [f"localhost:{port}"]
        assert "is not trusted" in (await bench.run(certificates=place)).text
        bench.cursor = ""
        assert "ends in" in (await bench.run(authorities=str(pem), days=14)).text
        assert "well again" in (await bench.run(days=3)).text
    assert "cannot be read" in (await bench.run()).text


async def test_a_server_of_another_name_is_not_trusted(bench: Bench, tmp_path: Path) -> None:
    pem = await certificate(tmp_path, 10, "other")
    async with tls_server(pem) as port:
        told = await bench.run(certificates=[f"localhost:{port}"], authorities=str(pem))
        assert "is not trusted" in told.text


async def test_hermes_tells_of_its_own_state(bench: Bench) -> None:
    assert not (await bench.run(own=True)).changed
    bench.house.told = {"state": "degraded", "warnings": ["telegram: the token was refused"]}
    assert "- Hermes: telegram: the token was refused" in (await bench.run()).text


async def test_a_full_disk_and_memory_are_told(bench: Bench, tmp_path: Path) -> None:
    folders = [str(tmp_path / "nowhere")]
    told = (await bench.run(disk=0.001, memory=0.001, own_megabytes=1, folders=folders)).text
    assert "- Memory: " in told
    assert "- Memory of Hermes: Hermes uses" in told
    assert "MiB are left" in told
    assert "nowhere: cannot be looked at" in told


async def test_a_unit_that_cannot_be_asked_or_does_not_exist_is_wrong(bench: Bench) -> None:
    units = ["hermes-of-a-test.service", "user:hermes-of-a-test.service"]
    told = (await bench.run(units=units)).text
    assert "2 problems" in told
    assert "Unit hermes-of-a-test.service: " in told


async def test_a_cursor_of_another_shape_is_no_trouble(bench: Bench, pages: WebPages) -> None:
    url = pages.fail("/", 500)
    for cursor in ("x", '{"wrong": []}', '{"wrong": {"' + url + '": 3}}'):
        bench.cursor = cursor
        assert (await bench.run(endpoints=[{"url": url}])).changed


def shown(load: str, active: str, sub: str, result: str, kind: str) -> str:
    return f"Type={kind}\nResult={result}\nLoadState={load}\nActiveState={active}\nSubState={sub}\n"


UNITS = {
    shown("loaded", "active", "running", "success", "simple"): "",
    shown("loaded", "reloading", "reload", "success", "notify"): "",
    shown("loaded", "inactive", "dead", "success", "oneshot"): "",
    shown("loaded", "inactive", "dead", "success", "simple"): "is inactive",
    shown("loaded", "failed", "failed", "exit-code", "simple"): "is failed (exit-code)",
    shown("loaded", "activating", "auto-restart", "exit-code", "simple"): "is activating (exit-code)",
    shown("not-found", "inactive", "dead", "success", ""): "there is no such unit",
    "": "is unknown",
}


@pytest.mark.parametrize("told", UNITS)
def test_units_are_judged_by_what_systemd_says(told: str) -> None:
    assert unit_state(told) == UNITS[told]


PLACES = {
    "example.org": ("example.org", 443),
    "example.org:8443": ("example.org", 8443),
    "[::1]:8443": ("::1", 8443),
    "[::1]": ("::1", 443),
    "::1": ("::1", 443),
    "": ("", 443),
}


@pytest.mark.parametrize("place", PLACES)
def test_places_are_hosts_with_or_without_a_port(place: str) -> None:
    assert split(place) == PLACES[place]


def test_nothing_is_said_of_what_is_not_asked_for(tmp_path: Path) -> None:
    assert own_memory(0) == ""
    assert disk(tmp_path, 100) == ""

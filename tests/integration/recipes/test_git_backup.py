"""The git backup with real repositories, and a forge's API on loopback."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from cron.recipe import RecipeFailed
from cron.recipes.git_backup import mirror_name
from kernel.errors import InvalidInput
from tests.fakes.web_pages import WebPages, web_pages
from tests.support.recipes import HOUR, Bench

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")


async def git(folder: Path, *words: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run, ["git", *IDENTITY, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


async def commit(folder: Path, text: str) -> str:
    (folder / "file").write_text(text)
    await git(folder, "add", "file")
    await git(folder, "commit", "-q", "-m", text)
    return await git(folder, "rev-parse", "HEAD")


@pytest_asyncio.fixture
async def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "shop"
    folder.mkdir(parents=True)
    await git(folder, "init", "-q")
    await commit(folder, "one")
    await git(folder, "tag", "v1")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def bench(tmp_path: Path, origin: Path, place: Path) -> Bench:
    return Bench("git_backup", tmp_path, {"destination": str(place), "repositories": [f"file://{origin}"]})


@pytest_asyncio.fixture
async def pages() -> AsyncGenerator[WebPages]:
    async with web_pages() as running:
        yield running


def found(place: Path, name: str) -> list[Path]:
    return list(place.rglob(name))


def mirror(place: Path) -> Path:
    return found(place, "shop.git")[0]


async def test_a_first_run_makes_a_mirror_that_can_be_cloned(
    bench: Bench, origin: Path, place: Path, tmp_path: Path
) -> None:
    result = await bench.run()
    assert "new mirror: 1 branch, 1 tag" in result.text
    assert "1 repository verified, 1 changed" in result.text
    await git(tmp_path, "clone", "-q", str(mirror(place)), "again")
    assert await git(tmp_path / "again", "rev-parse", "HEAD") == await git(origin, "rev-parse", "HEAD")
    assert await git(tmp_path / "again", "symbolic-ref", "HEAD") == "refs/heads/main"


async def test_nothing_new_is_not_told_unless_it_is_wanted(bench: Bench) -> None:
    await bench.run()
    assert not (await bench.run()).changed
    assert "1 repository verified, 0 changed" in (await bench.run(always=True)).text


async def test_changes_are_reported_ref_by_ref(bench: Bench, origin: Path, place: Path) -> None:
    await bench.run()
    await commit(origin, "two")
    head = await commit(origin, "three")
    await git(origin, "branch", "feature")
    await git(origin, "tag", "v2")
    told = (await bench.run()).text
    assert "branch main: 2 new commits" in told
    assert "branch feature is new" in told
    assert "tag v2 is new" in told
    assert await git(mirror(place), "rev-parse", "main") == head


async def test_what_the_origin_deletes_or_overwrites_is_kept(bench: Bench, origin: Path, place: Path) -> None:
    await git(origin, "checkout", "-q", "-b", "feature")
    feature = await commit(origin, "feature")
    await git(origin, "checkout", "-q", "main")
    lost = await commit(origin, "lost")
    await bench.run()
    await git(origin, "branch", "-D", "feature")
    await git(origin, "commit", "-q", "--amend", "-m", "another story")
    await git(origin, "tag", "-f", "v1")
    told = (await bench.run()).text
    assert f"branch feature was deleted there (kept here at {feature[:8]})" in told
    assert f"branch main was overwritten there (kept here at {lost[:8]})" in told
    assert "tag v1 was overwritten" in told
    kept = await git(mirror(place), "for-each-ref", "--format=%(objectname)", "refs/hermes/kept")
    assert {feature, lost} <= set(kept.split())
    assert not await git(mirror(place), "for-each-ref", "refs/hermes/moving", "refs/heads/feature")
    await git(mirror(place), "gc", "-q", "--prune=now")
    await git(mirror(place), "cat-file", "-e", lost)


async def test_a_run_that_was_ended_half_way_loses_no_old_place(
    bench: Bench, origin: Path, place: Path
) -> None:
    await bench.run()
    old = await git(origin, "rev-parse", "main")
    # As it is after the old place was marked and the fetch is through.
    await git(mirror(place), "update-ref", "refs/hermes/moving/heads/main", old)
    await git(origin, "commit", "-q", "--amend", "-m", "another")
    await git(mirror(place), "fetch", "-q", str(origin), "+main:main")
    await bench.run()
    assert old in await git(mirror(place), "for-each-ref", "--format=%(objectname)", "refs/hermes/kept")


async def test_a_first_run_that_was_ended_half_way_begins_again(bench: Bench, place: Path) -> None:
    await bench.run()
    mirror(place).rename(mirror(place).with_name("shop.git.new"))
    assert "new mirror" in (await bench.run()).text


async def test_a_damaged_mirror_fails_and_names_the_way_out(bench: Bench, origin: Path, place: Path) -> None:
    await bench.run()
    await git(mirror(place), "gc", "-q")
    [pack] = mirror(place).glob("objects/pack/*.pack")
    pack.chmod(0o600)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 0xFF
    pack.write_bytes(data)
    with pytest.raises(RecipeFailed, match="not backed up") as failed:
        await bench.run()
    assert "git" in str(failed.value)
    pack.unlink()
    with pytest.raises(RecipeFailed, match="not backed up"):
        await bench.run()
    mirror(place).rename(place / "damaged")
    assert "new mirror" in (await bench.run()).text


async def test_a_loose_object_that_rots_is_found_though_nothing_changed(bench: Bench, place: Path) -> None:
    await bench.run()
    blob = await git(mirror(place), "rev-parse", "main:file")
    pack = next(mirror(place).glob("objects/pack/*.pack"), None)
    if pack is not None:
        moved = pack.rename(place / "moved.pack")
        with moved.open("rb") as packed:
            await asyncio.to_thread(
                subprocess.run, ["git", "unpack-objects", "-q"], cwd=mirror(place), stdin=packed, check=True
            )
        pack.with_suffix(".idx").unlink()
    rotten = mirror(place) / "objects" / blob[:2] / blob[2:]
    rotten.chmod(0o600)
    rotten.write_bytes(b"rotten")
    with pytest.raises(RecipeFailed, match="git fsck says"):
        await bench.run()


async def test_one_that_fails_stops_no_other(bench: Bench, origin: Path, place: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(RecipeFailed, match="1 repository was not backed up") as failed:
        await bench.run(repositories=[f"file://{gone}", f"file://{origin}"])
    assert "1 others are backed up" in str(failed.value)
    assert mirror(place).is_dir()
    assert not found(place, "gone.git")


async def test_an_empty_repository_is_mirrored_too(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    await git(tmp_path / "empty", "init", "-q", "--bare")
    assert "0 branches" in (await bench.run(repositories=[f"file://{tmp_path / 'empty'}"])).text


async def test_the_folder_must_be_there_and_not_be_hermes_own(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(RecipeFailed, match="There is no folder"):
        await bench.run(destination=str(tmp_path / "unmounted"))
    with pytest.raises(RecipeFailed, match="belongs to Hermes"):
        await bench.run(destination=str(tmp_path / "home" / "cron"))


ADDRESSES = (
    "ext::sh -c id",
    "--upload-pack=/bin/sh",
    "https://ada:pw@example.org/x",
    "ftp://example.org/x",
    "relative",
)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_addresses_that_run_programs_or_hold_passwords_are_refused(bench: Bench, address: str) -> None:
    with pytest.raises(InvalidInput, match="repositories"):
        await bench.run(repositories=[address])


async def test_hosts_inside_the_own_network_must_be_allowed(bench: Bench) -> None:
    bench.allowed = ()
    with pytest.raises(RecipeFailed, match="not a public address"):
        await bench.run(repositories=["ssh://git@127.0.0.1/x.git"])
    with pytest.raises(RecipeFailed, match="not a public address"):
        await bench.run(repositories=["git@127.0.0.1:x.git"])


async def test_an_owners_repositories_are_listed_page_by_page(
    bench: Bench, pages: WebPages, origin: Path, place: Path, tmp_path: Path
) -> None:
    other = tmp_path / "work" / "site"
    await git(tmp_path, "clone", "-q", str(origin), str(other))
    listed = [{"clone_url": f"file://{origin}"}, {"clone_url": f"file://{other}"}]
    filler = [{"fork": True, "clone_url": f"https://fork.test/{number}"} for number in range(100)]

    def answer(request: web.Request) -> web.Response:
        page = int(request.query["page"])
        return web.json_response({1: filler, 2: listed}.get(page, []))

    pages.pages["/users/ada/repos"] = answer
    told = (await bench.run(repositories=[], owner="ada", api=pages.url, skip=["SITE"])).text
    assert "1 repository verified" in told
    assert mirror(place).is_dir()
    assert not found(place, "site.git")


async def test_private_repositories_are_asked_for_with_the_token(
    bench: Bench, pages: WebPages, origin: Path
) -> None:
    bench.secrets["forge"] = "t0ken"
    pages.json("/user", {"login": "Ada"})
    pages.json("/user/repos", [{"clone_url": f"file://{origin}"}])
    told = (await bench.run(repositories=[], owner="ada", api=pages.url, secret="forge")).text
    assert "1 repository verified" in told
    assert {request.headers["Authorization"] for request in pages.requests} == {"Bearer t0ken"}


async def test_an_owner_that_is_no_more_is_said_and_mirrors_stay(
    bench: Bench, pages: WebPages, origin: Path, place: Path
) -> None:
    with pytest.raises(RecipeFailed, match="knows no owner 'nobody'"):
        await bench.run(repositories=[], owner="nobody", api=pages.url)
    await bench.run(repositories=[f"file://{origin}"], owner="")
    pages.json("/orgs/crew/repos", [])
    with pytest.raises(RecipeFailed, match="There is no repository"):
        await bench.run(repositories=[], owner="crew", api=pages.url)
    assert mirror(place).is_dir()


async def test_a_repository_that_is_listed_no_more_is_told_once(
    bench: Bench, origin: Path, tmp_path: Path
) -> None:
    other = tmp_path / "work" / "site"
    await git(tmp_path, "clone", "-q", str(origin), str(other))
    await bench.run(repositories=[f"file://{origin}", f"file://{other}"])
    bench.now += HOUR
    told = (await bench.run(repositories=[f"file://{origin}"])).text
    assert "No longer listed" in told
    assert "site" in told
    assert not (await bench.run()).changed


FORGES = (
    (403, '{"message": "API rate limit exceeded"}', "rate limit"),
    (200, "nonsense", "JSON"),
    (200, "{}", "list"),
)


@pytest.mark.parametrize(("status", "body", "said"), FORGES)
async def test_a_forge_that_refuses_is_said(
    bench: Bench, pages: WebPages, status: int, body: str, said: str
) -> None:
    pages.fail("/orgs/ada/repos", status, body)
    with pytest.raises(RecipeFailed, match=said):
        await bench.run(repositories=[], owner="ada", api=pages.url)


async def test_what_a_forge_lists_may_run_no_program(bench: Bench, pages: WebPages, tmp_path: Path) -> None:
    pages.json("/orgs/ada/repos", [{"clone_url": f"ext::touch {tmp_path}/ran"}])
    with pytest.raises(RecipeFailed, match="no address of a repository"):
        await bench.run(repositories=[], owner="ada", api=pages.url)
    assert not (tmp_path / "ran").exists()


async def test_the_token_reaches_git_by_header_and_only_where_it_belongs(
    bench: Bench, pages: WebPages
) -> None:
    bench.secrets["forge"] = "t0ken"
    options = {
        "repositories": [f"{pages.url}/ada/shop.git"],
        "secret": "forge",
        "token_for": f"{pages.url}/ada/",
    }
    with pytest.raises(RecipeFailed, match="not backed up") as failed:
        await bench.run(**options)
    assert "t0ken" not in str(failed.value)
    assert pages.requests[-1].headers["Authorization"].startswith("Basic ")
    with pytest.raises(RecipeFailed, match="not backed up"):
        await bench.run(token_for=f"{pages.url}/somebody/")
    assert "Authorization" not in pages.requests[-1].headers


NAMES = {
    "https://github.com/ada/shop.git": "github.com/ada/shop",
    "git@github.com:ada/shop.git": "github.com/ada/shop",
    "ssh://git@host:2222/ada/shop": "host_2222/ada/shop",
    "https://host/../../etc/passwd": "host/_/_/etc/passwd",
    "/srv/git/shop.git": "local/srv/git/shop",
    "file:///srv/.hidden/": "local/srv/hidden",
}


@pytest.mark.parametrize("address", NAMES)
def test_a_mirrors_place_stays_below_the_destination(address: str) -> None:
    assert mirror_name(address) == NAMES[address]

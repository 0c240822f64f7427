"""The code that diagnoses are about, as a real git keeps it."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from board.diagnosis.sources import GitFailed, Sources, diff_name
from kernel.errors import InvalidInput
from tests.support.diagnosis import FILES, FIXED, git, repository


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "shop")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources({"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


async def test_files_are_read_as_they_stand_in_the_commit_and_not_in_the_folder(
    repo: Path, sources: Sources
) -> None:
    first = await sources.commit_of(repo)
    (repo / "auth.py").write_text(FIXED)
    git(repo, "commit", "-q", "-a", "-m", "fixed")
    (repo / "auth.py").write_text("something else")
    (repo / "new.py").write_text("x")
    second = await sources.commit_of(repo)
    assert sources.at(repo, first)("auth.py") == FILES["auth.py"]
    assert sources.at(repo, second)("auth.py") == FIXED
    assert sources.at(repo, second)("new.py") is None


@pytest.mark.parametrize(
    "path", ["../shop/auth.py", "/etc/passwd", "", ".", "auth.py/x", "-p", ".git/config", "auth.py\0"]
)
async def test_what_is_no_file_of_the_commit_is_not_read(path: str, repo: Path, sources: Sources) -> None:
    assert sources.at(repo, await sources.commit_of(repo))(path) is None


async def test_names_of_no_commit_are_none(repo: Path, sources: Sources, tmp_path: Path) -> None:
    assert await sources.commit_of(repo, "no-such-branch") == ""
    assert await sources.commit_of(repo, "--all") == ""
    assert await sources.commit_of(tmp_path) == ""


async def test_the_diff_of_a_branch_is_measured_until_it_changes(repo: Path, sources: Sources) -> None:
    base = await sources.commit_of(repo)
    git(repo, "branch", "fix")
    worktree = repo.with_name("fixing")
    git(repo, "worktree", "add", "-q", str(worktree), "fix")
    (worktree / "auth.py").write_text(FIXED)
    name = diff_name(str(repo), base, "fix")
    assert sources.measured(name) == sha256(b"").hexdigest()
    await sources.keep_rest(worktree, "what was left")
    diff, hashed, stat = await sources.changes(repo, base, "fix")
    assert sources.measured(name) == hashed
    assert "+    return token" in diff
    assert "1 file changed" in stat
    (worktree / "more.txt").write_text("more")
    await sources.keep_rest(worktree, "more")
    assert sources.measured(name) != hashed
    assert sources.measured(diff_name(str(repo), base, "gone")) == "missing"


async def test_a_commit_is_tested_alone_and_its_worktree_goes_again(repo: Path, sources: Sources) -> None:
    commit, folder = await sources.commit_of(repo), repo.with_name("tests")
    (repo / "auth.py").write_text("broken(")
    for _ in range(2):
        await sources.check_out(repo, commit, folder)
        assert (folder / "auth.py").read_text() == FILES["auth.py"]
        (folder / "left").write_text("behind")
    await sources.drop(repo, folder)
    assert not folder.exists()
    assert str(folder) not in git(repo, "worktree", "list")


async def test_a_push_arrives_once_and_never_over_another_commit(repo: Path, sources: Sources) -> None:
    first = await sources.commit_of(repo)
    remote = await sources.remote(repo)
    assert await sources.at_remote(repo, remote, "hermes/fix-1") == ""
    for _ in range(2):
        await sources.push(repo, remote, first, "hermes/fix-1")
    assert await sources.at_remote(repo, remote, "hermes/fix-1") == first
    git(repo, "checkout", "-q", "--orphan", "other")
    git(repo, "commit", "-q", "-m", "from nowhere")
    with pytest.raises(GitFailed):
        await sources.push(repo, remote, await sources.commit_of(repo), "hermes/fix-1")
    assert await sources.at_remote(repo, remote, "hermes/fix-1") == first


async def test_hooks_of_the_repository_do_not_run(repo: Path, sources: Sources) -> None:
    trace = repo.with_name("ran")
    for name in ("pre-push", "pre-commit", "post-checkout"):
        hook = repo / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
        hook.chmod(0o755)
    (repo / "more.txt").write_text("more")
    await sources.keep_rest(repo, "more")
    await sources.push(repo, "origin", await sources.commit_of(repo), "x")
    await sources.check_out(repo, "HEAD", repo.with_name("tests"))
    assert not trace.exists()


async def test_a_project_without_a_remote_cannot_be_pushed(repo: Path, sources: Sources) -> None:
    git(repo, "remote", "rename", "origin", "upstream")
    assert await sources.remote(repo) == "upstream"
    git(repo, "remote", "remove", "upstream")
    with pytest.raises(InvalidInput, match="no remote"):
        await sources.remote(repo)

"""A repository with a planted bug, the channel where it is reported, and what a model says about it."""

import subprocess
from pathlib import Path
from typing import Any

from tests.fakes.model_replies import Reply, calls

GIT = "git -c user.name=A -c user.email=a@example.org"
FILES = {
    "auth.py": '''"""Sessions."""


def is_valid(token, now):
    """Tell whether a token is still good."""
    return token["expires"] < now
''',
    "test_auth.py": """import unittest


class Import(unittest.TestCase):
    def test_it_can_be_imported(self):
        import auth

        assert auth.__doc__
""",
    "Makefile": "test:\n\tpython3 -m unittest -q\n",
}
BUG = 'return token["expires"] < now'
FIXED = FILES["auth.py"].replace("< now", "> now")
CHECKED = """import unittest

from auth import is_valid


class Validity(unittest.TestCase):
    def test_a_token_of_tomorrow_is_valid(self):
        self.assertTrue(is_valid({"expires": 2}, 1))
"""


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it says."""
    command = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", *words)
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def repository(folder: Path) -> Path:
    """Make the repository, with a bare remote beside it."""
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "begin")
    remote = folder.with_name("remote.git")
    git(folder, "init", "-q", "--bare", str(remote))
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "push", "-q", "origin", "main")
    return folder


def submits(line: int, quote: str = BUG, file: str = "auth.py", **more: Any) -> Reply:
    """Return a reply that submits a diagnosis with one piece of evidence."""
    given = {
        "outcome": "found",
        "cause": "The comparison is the wrong way round, so a token counts once it has run out.",
        "evidence": [{"file": file, "line": line, "quote": quote}],
        "confidence": "high",
        "fix": "Compare the other way round.",
    }
    return calls("diagnosis_submit", **{**given, **more})


def diagnosing() -> tuple[Reply | str, ...]:
    """Return a diagnosis whose first evidence is false and whose second holds."""
    return (
        calls("read_file", path="auth.py"),
        submits(3, "return token.expired()", "session.py", cause="It is session.py:3 without a doubt."),
        submits(6),
        "It was auth.py:99 all along.",
    )


def fixing() -> tuple[Reply | str, ...]:
    """Return a fix with its test, committed and submitted."""
    return (
        calls("write_file", path="test_auth.py", text=CHECKED),
        calls("write_file", path="auth.py", text=FIXED),
        calls("terminal", command=f"{GIT} commit -qam 'A token is valid until it runs out'"),
        calls("task_submit", summary="The comparison is turned round; a test covers it."),
        "Done.",
    )

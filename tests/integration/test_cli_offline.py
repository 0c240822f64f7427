"""The commands where no gateway runs: each error is one sentence with the way out, and nothing is lost."""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gateway.access import CODE_LENGTH
from hermes.cli.commands import app
from hermes.cli.main import EXIT_CONFIG, EXIT_LOCKED, main
from hermes.home import Home
from hermes.version import VERSION
from kernel.crashpoints import CRASHPOINTS
from store.lock import HomeLock

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line on the home: exit code, output, errors."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--home", str(home.root), *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"hermes {VERSION}\n", "")


def test_the_help_names_every_command_and_has_examples(run: Run) -> None:
    code, out, _ = run("--help")
    names = {
        "gateway", "chat", "setup", "doctor", "status", "config", "pairing", "audit", "backup", "restore", "service",
        "login", "logs", "model", "tools", "update", "debug", "tokens", "sessions",
    }  # fmt: skip
    assert code == 0
    assert names <= set(re.findall(r"^  (\w+) ", out, re.MULTILINE))
    assert "Examples:" in out


def leaves(command: Any, path: str = "hermes") -> Iterator[tuple[str, str]]:
    """Yield every command that does something, with what stands below its help."""
    inner = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from leaves(one, f"{path} {name}")
    if not inner:
        yield path, command.epilog or ""


def test_every_command_shows_an_example_of_itself() -> None:
    assert [path for path, below in leaves(get_command(app)) if path not in below] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_the_commands(run: Run, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_HERMES_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "hermes aud")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("COMP_WORDS", "hermes aud")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert "audit" in run()[1]


def test_an_unknown_command_ends_with_2(run: Run) -> None:
    code, _, err = run("doktor")
    assert code == 2
    assert "No such command 'doktor'" in err


@pytest.mark.parametrize(
    "words",
    [
        ("model", "gpt"),
        ("config", "set", "web.prot", "1"),
        ("chat", "-q", "x", "--chat", "no name"),
        ("chat",),
        ("setup", "--yes", "--owner", "me", "--no-check"),
        ("service", "install", "--tenant", "A B", "--dry-run"),
        ("backup", "--no-such-option"),
    ],
    ids=" ".join,
)
def test_what_was_typed_wrongly_ends_with_2_and_what_failed_with_another(
    run: Run, words: tuple[str, ...]
) -> None:
    assert run(*words)[0] == 2
    assert run("config", "reload")[0] == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("config", "reload"), "No gateway runs in"),
        (("sessions", "list"), "No gateway runs in"),
        (("send", "hi"), "Start it: hermes gateway"),
        (("audit", "check"), "There is no database in"),
        (("audit", "verify"), "There is no database in"),
        (("backup",), "There is no database in"),
        (("restore", "/does/not/exist.db", "--yes"), "There is no file /does/not/exist.db"),
        (("restore", "/does/not/exist.db"), "Nothing was changed"),
        (("pairing", "approve", "ABCD2345"), "No pairing waits for this code"),
        (("pairing", "revoke", "telegram:1"), "was not admitted by pairing"),
        (("tokens", "revoke", "tok_x"), "There is no token tok_x"),
        (("tokens", "create", "x", "--scope", "everything"), "scopes"),
        (("config", "set", "web.prot", "1"), "Did you mean web.port?"),
        (("config", "set", "web.port", "many"), "Nothing was changed"),
        (("config", "show", "nonsense"), "There is no setting nonsense"),
        (("model", "gpt"), "names no model"),
        (("chat", "-q", "x", "--chat", "no name"), "is no name for a chat"),
        (("chat",), "This is no terminal"),
        (("setup", "--yes", "--owner", "me", "--no-check"), "is nobody's id"),
        (("service", "install", "--tenant", "A B", "--dry-run"), "is no tenant's name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_that_fails_says_why_in_one_sentence(
    run: Run, words: tuple[str, ...], sentence: str
) -> None:
    code, _, err = run(*words)
    assert code != 0
    assert sentence in err
    assert err.startswith("hermes: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_broken_configuration_stops_a_first_start_with_78(run: Run, home: Home) -> None:
    home.prepare()
    home.config.write_text("web: [\n")
    code, _, err = run("gateway")
    assert code == EXIT_CONFIG
    assert "config.yaml line 2 is not valid YAML" in err


def test_a_home_that_cannot_be_written_is_refused(
    home: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["--home", str(tmp_path / "file" / "home"), "gateway"]) == EXIT_CONFIG
    assert "set HERMES_HOME to another directory" in capsys.readouterr().err


def test_the_home_of_another_product_is_refused(run: Run, home: Home) -> None:
    home.root.mkdir()
    (home.root / "state.db").write_text("theirs")
    code, _, err = run("gateway")
    assert code == EXIT_CONFIG
    assert "is the home of another product: it holds state.db" in err


def test_a_foreign_database_is_refused_and_left_alone(run: Run, home: Home) -> None:
    home.prepare()
    with closing(sqlite3.connect(home.database)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = home.database.read_bytes()
    code, _, err = run("tokens", "list")
    assert code == EXIT_CONFIG
    assert "is a database of another program" in err
    assert home.database.read_bytes() == before


def test_a_home_that_somebody_works_in_is_refused_with_75(run: Run, home: Home) -> None:
    home.prepare()
    with HomeLock.acquire(home.root, "gateway"):
        code, _, err = run("restore", "x.db", "--yes")
    assert code == EXIT_LOCKED
    assert f"in use by a gateway with process id {os.getpid()}" in err


def test_status_ends_with_3_while_nothing_runs(run: Run) -> None:
    assert run("status")[0] == 3
    code, out, _ = run("status", "--json")
    assert (code, json.loads(out)["running"]) == (3, False)


def test_settings_are_set_checked_and_shown_without_secrets(run: Run) -> None:
    assert run("config", "set", "web.port", "9000")[0] == 0
    assert run("config", "set", "platforms.telegram.token", "123456:secretsecret")[0] == 0
    assert run("config", "check")[0] == 0
    assert run("config", "show", "web.port", "--json")[1] == "9000\n"
    assert "secretsecret" not in run("config", "show")[1]


def test_what_wins_over_a_setting_is_named_where_it_is_set(
    run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERMES_WEB__PORT", "9001")
    monkeypatch.setenv("OPENAI_API_KEY", "k-env")
    wins = "It has no effect while it is also set by {}, which wins.\n"
    set_by = wins.format("environment variable HERMES_WEB__PORT")
    assert run("config", "set", "web.port", "9000") == (0, f"web.port is set in config.yaml. {set_by}", "")
    assert run("config", "show", "web.port", "--json")[1] == "9001\n"
    out = run("config", "set", "agent.provider_keys.openai", "k-file")[1]
    assert wins.format("environment variable OPENAI_API_KEY") in out
    home.secrets.write_text("HERMES_AGENT__MODEL=openai:x\n")
    out = run("model", "offline")[1]
    assert out == "agent.model is offline now. " + wins.format("secrets.env, HERMES_AGENT__MODEL")
    assert "no effect" not in run("config", "set", "owner.name", "Ada")[1]


def test_a_secret_can_be_piped_in(
    run: Run, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_text("k-123\n")
    with (tmp_path / "in").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert run("config", "set", "agent.provider_keys.openai", "-")[0] == 0
    assert home.secrets.read_text() == "OPENAI_API_KEY=k-123\n"


def test_check_names_everything_that_is_wrong(run: Run, home: Home) -> None:
    home.prepare()
    home.config.write_text("web:\n  prot: 1\nlog:\n  level: loud\n")
    code, _, err = run("config", "check")
    assert code == EXIT_CONFIG
    assert "config.yaml line 2: there is no setting web.prot; did you mean web.port?" in err
    assert "config.yaml line 4: log.level must be 'debug', 'info', 'warning' or 'error'." in err


def test_tokens_are_made_listed_and_revoked(run: Run) -> None:
    code, secret, _ = run("tokens", "create", "editor", "--scope", "read", "--scope", "chat", "--days", "3")
    assert code == 0
    listed = json.loads(run("tokens", "list", "--json")[1])
    assert [(one["name"], one["scopes"]) for one in listed] == [("editor", ["chat", "read"])]
    assert secret.strip() not in json.dumps(listed)
    assert run("tokens", "revoke", listed[0]["id"])[0] == 0
    assert json.loads(run("tokens", "list", "--json")[1]) == []


def test_pairing_lists_nobody_at_first(run: Run) -> None:
    assert run("pairing", "list") == (0, "Nobody waits, and nobody was admitted by pairing.\n", "")
    assert CODE_LENGTH == 8


def test_the_trail_is_exported_verified_and_a_rewriting_is_found(
    run: Run, home: Home, tmp_path: Path
) -> None:
    run("tokens", "create", "a")
    run("tokens", "create", "b")
    anchor = tmp_path / "trail.jsonl"
    assert run("audit", "export", "--to", str(anchor))[0] == 0
    assert run("audit", "verify", "--against", str(anchor))[0] == 0
    with closing(sqlite3.connect(home.database, isolation_level=None)) as connection:
        connection.execute("DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)")
    assert run("audit", "verify")[0] == 0
    code, out, _ = run("audit", "verify", "--against", str(anchor))
    assert code == 1
    assert out
    with closing(sqlite3.connect(home.database, isolation_level=None)) as connection:
        connection.execute("UPDATE event SET actor = 'nobody' WHERE seq = 1")
    assert run("audit", "verify")[0] == 1
    code, out, _ = run("audit", "check", "--json")
    assert (code, json.loads(out)["findings"][0]["name"]) == (1, "event.chain")


def test_the_exported_trail_is_json_lines_with_an_anchor(run: Run) -> None:
    run("tokens", "create", "a")
    lines = [json.loads(line) for line in run("audit", "export")[1].splitlines()]
    assert lines[-1]["anchor"]["seq"] == lines[-2]["seq"]


def test_an_export_that_is_none_is_refused(run: Run, tmp_path: Path) -> None:
    run("tokens", "create", "a")
    (tmp_path / "x").write_text("no json")
    code, _, err = run("audit", "verify", "--against", str(tmp_path / "x"))
    assert code == 2
    assert "is no export of the trail" in err


def test_a_backup_is_proven_kept_in_numbers_and_brings_everything_back(
    run: Run, home: Home, tmp_path: Path
) -> None:
    run("tokens", "create", "before")
    copy = tmp_path / "copy.db"
    code, out, _ = run("backup", "--to", str(copy))
    assert code == 0
    assert "is sound" in out
    run("tokens", "create", "after")
    assert run("restore", str(copy), "--yes")[0] == 0
    assert [one["name"] for one in json.loads(run("tokens", "list", "--json")[1])] == ["before"]
    assert len(list(home.root.glob("hermes.db.before-restore-*"))) == 1


def test_old_backups_go_and_files_of_other_names_stay(run: Run, home: Home) -> None:
    run("tokens", "create", "a")
    run("config", "set", "store.backups", "2")
    for day in range(1, 5):
        (home.backups / f"hermes-2020010{day}-000000.db").write_text("old")
    (home.backups / "mine.db").write_text("mine")
    assert run("backup")[0] == 0
    names = sorted(path.name for path in home.backups.iterdir())
    assert names[0] == "hermes-20200104-000000.db"
    assert (len(names), names[-1]) == (3, "mine.db")


def test_an_update_copies_the_database_first_and_migrates(run: Run, home: Home) -> None:
    run("tokens", "create", "a")
    code, out, _ = run("update", "--no-fetch")
    assert code == 0
    assert "is copied to" in out
    assert "Hermes is up to date." in out
    assert len(list(home.backups.glob("hermes-*.db"))) == 1


def test_the_log_is_shown_by_level_and_number(run: Run, home: Home) -> None:
    home.prepare()
    lines = [
        {
            "at": f"2026-11-21T08:00:0{number}+00:00",
            "level": level,
            "logger": "x",
            "message": f"m{number}",
            "chat": "7",
        }
        for number, level in enumerate(("info", "warning", "info", "error"))
    ]
    (home.logs / "hermes.log.1").write_text("".join(json.dumps(line) + "\n" for line in lines[:2]))
    (home.logs / "hermes.log").write_text("".join(json.dumps(line) + "\n" for line in lines[2:]))
    assert run("logs", "--level", "warning")[1].splitlines() == [
        "2026-11-21 08:00:01 warning: m1 chat=7",
        "2026-11-21 08:00:03 error: m3 chat=7",
    ]
    assert [json.loads(line)["message"] for line in run("logs", "-n", "1", "--json")[1].splitlines()] == [
        "m3"
    ]


def test_a_home_without_a_log_says_so(run: Run) -> None:
    assert "There is no log yet" in run("logs")[2]


def test_the_crash_points_are_listed(run: Run) -> None:
    out = run("debug", "crashpoints")[1]
    assert all(name in out for name in CRASHPOINTS)


def test_the_model_is_chosen_and_shown(run: Run) -> None:
    assert "No language model is configured" in run("model")[1]
    assert run("model", "openai:gpt-5.2")[0] == 0
    assert "openai:gpt-5.2" in run("model")[1]


def test_the_tools_of_agents_are_listed(run: Run) -> None:
    run("config", "set", "agent.mcp.files.command", "serve-files")
    out = run("tools")[1]
    assert "read_file" in out
    assert "MCP server files (serve-files): none is listed as safe." in out


def test_setup_writes_what_the_flags_say(run: Run, home: Home) -> None:
    code, _, err = run(
        "setup", "--yes", "--no-check", "--telegram-token", "1:token", "--owner", "telegram:7", "--model", "openai:x",
        "--model-key", "k", "--timezone", "Europe/Berlin", "--language", "de", "--name", "Ada", "--port", "9001",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert home.secrets.read_text() == "TELEGRAM_BOT_TOKEN=1:token\nOPENAI_API_KEY=k\n"
    shown = json.loads(run("config", "show", "--json")[1])
    assert shown["access"]["owners"] == ["telegram:7"]
    assert (shown["owner"]["name"], shown["owner"]["language"], shown["web"]["port"]) == ("Ada", "de", 9001)


def test_setup_can_be_run_again_and_keeps_what_it_is_not_told(run: Run) -> None:
    run("setup", "--yes", "--no-check", "--owner", "telegram:7", "--name", "Ada")
    run("setup", "--yes", "--no-check", "--owner", "telegram:8")
    shown = json.loads(run("config", "show", "--json")[1])
    assert shown["access"]["owners"] == ["telegram:7", "telegram:8"]
    assert shown["owner"]["name"] == "Ada"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--model", "gpt-5"), "names no model"),
        (("--model", "opnai:gpt-5.2"), "did you mean openai?"),
        (("--model", "custom:x"), "set agent.base_url"),
        (("--timezone", "Middle/Earth"), "is no timezone"),
        (("--owner", "telegram:"), "is nobody's id"),
        (("--model-key", "k"), "a key needs a model"),
    ],
)
def test_setup_writes_nothing_where_one_answer_cannot_be_used(
    run: Run, home: Home, flags: tuple[str, ...], words: str
) -> None:
    given = ("--telegram-token", "1:token", "--name", "Ada", *flags)
    code, out, err = run("setup", "--yes", "--no-check", *given)
    assert (code != 0, "Nothing was changed" in err, words in err) == (True, True, True), err
    assert "→" not in out
    assert not home.secrets.exists()
    assert not home.config.exists()


def test_a_model_of_an_unknown_provider_is_not_chosen(run: Run) -> None:
    code, _, err = run("model", "antropic:claude")
    assert (code, "did you mean anthropic?" in err) == (2, True)


def test_the_unit_is_shown_without_being_written(run: Run, home: Home) -> None:
    code, out, _ = run("service", "install", "--dry-run")
    assert code == 0
    assert f'Environment="HERMES_HOME={home.root}"' in out
    assert "User=hermes-%i" in run("service", "install", "--tenant", "anna", "--dry-run")[1]

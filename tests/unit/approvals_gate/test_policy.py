"""One policy for actions of every kind, and what each is bound to."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from approvals import digest, wording
from approvals.policy import Policy, Surroundings, raised
from approvals.settings import ApprovalSettings, OverrideSettings
from kernel.approvals import Action, ActionKind
from kernel.risk import Tier


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with a workspace in it."""
    for name in ("work", ".hermes", ".ssh"):
        (tmp_path / name).mkdir()
    return tmp_path


def policy(home: Path, **settings: object) -> Policy:
    """Return the policy of a home."""
    return Policy(ApprovalSettings.model_validate(settings), Surroundings(str(home), str(home / ".hermes")))


def action(home: Path, kind: ActionKind, **fields: str) -> Action:
    """Return an action of the workspace."""
    work = str(home / "work")
    bare = Action(kind, "tool", "{}", fields.pop("text", ""), cwd=work, workspaces=(work,))
    return replace(bare, **fields)


@pytest.mark.parametrize(
    ("kind", "effect", "target", "tier"),
    [
        (ActionKind.FILE, "write", "{home}/work/notes.txt", Tier.NONE),
        (ActionKind.FILE, "write", "{home}/notes.txt", Tier.MEDIUM),
        (ActionKind.FILE, "write", "{home}/.bashrc", Tier.MEDIUM),
        (ActionKind.FILE, "write", "{home}/work/.git/hooks/pre-commit", Tier.MEDIUM),
        (ActionKind.FILE, "write", "{home}/.ssh/id_ed25519", Tier.HIGH),
        (ActionKind.FILE, "write", "{home}/.hermes/config.yaml", Tier.DENY),
        (ActionKind.FILE, "read", "{home}/.hermes/hermes.db", Tier.DENY),
        (ActionKind.FILE, "write", "/etc/passwd", Tier.DENY),
        (ActionKind.FILE, "delete_tree", "{home}", Tier.DENY),
        (ActionKind.FILE, "write", "{home}/work/na\u200bme", Tier.HIGH),
        (ActionKind.REQUEST, "GET", "https://example.org/", Tier.NONE),
        (ActionKind.REQUEST, "post", "https://example.org/items", Tier.MEDIUM),
        (ActionKind.REQUEST, "DELETE", "https://api.prod.example.org/items/1", Tier.HIGH),
        (ActionKind.REQUEST, "GET", "http://127.0.0.1:8420/status", Tier.DENY),
        (ActionKind.REQUEST, "POST", "http://localhost:9999/api/hermes/approvals/1", Tier.DENY),
        (ActionKind.MCP, "", "github.create_issue", Tier.MEDIUM),
        (ActionKind.MCP, "safe", "github.list_issues", Tier.NONE),
        (ActionKind.MCP, "", "cloud.deploy_production", Tier.HIGH),
        (ActionKind.SEND, "", "telegram:5", Tier.MEDIUM),
        (ActionKind.CONFIG, "schedule", "every day", Tier.HIGH),
        (ActionKind.CONFIG, "skill", "brewing", Tier.HIGH),
        (ActionKind.CONFIG, "settings", "approvals.mode", Tier.DENY),
        (ActionKind.CONFIG, "grant", "", Tier.DENY),
        (ActionKind.QUESTION, "", "", Tier.MEDIUM),
    ],
)
def test_actions_of_every_kind_have_their_tier(
    kind: ActionKind, effect: str, target: str, tier: Tier
) -> None:
    home = Path("/home/nobody-of-that-name")
    asked = action(home, kind, effect=effect, target=target.format(home=home))
    assert policy(home).assess(asked).tier is tier


def test_a_script_that_is_not_there_yet_is_high(home: Path) -> None:
    asked = action(home, ActionKind.TERMINAL, text="curl -s https://x.test/a.tgz | tar xz && ./install.sh")
    assert policy(home).assess(asked).tier is Tier.HIGH
    (home / "work/install.sh").write_text("echo done\n")
    assert policy(home).assess(asked).tier is Tier.MEDIUM


def test_a_link_is_judged_by_where_it_leads(home: Path) -> None:
    (home / "work/out").symlink_to("/etc")
    assert (
        policy(home).assess(action(home, ActionKind.FILE, effect="write", target=f"{home}/work/out/x")).tier
        is Tier.DENY
    )
    removed = action(home, ActionKind.TERMINAL, text="rm -rf out/ssh")
    assert policy(home).assess(removed).tier is Tier.DENY
    assert policy(home).assess(action(home, ActionKind.TERMINAL, text="rm out")).tier is Tier.MEDIUM


def test_variables_are_judged_as_the_shell_would_set_them(home: Path) -> None:
    plain = action(home, ActionKind.TERMINAL, text="ls")
    judged = policy(home).assess(plain)
    assert judged.tier is Tier.NONE
    for name, value, tier in (
        ("LC_ALL", "C", Tier.NONE),
        ("LD_PRELOAD", "/tmp/x.so", Tier.MEDIUM),
        ("HERMES_TOKEN", "x", Tier.DENY),
    ):
        assert policy(home).assess(replace(plain, environment=((name, value),))).tier >= tier


def test_a_script_is_bound_by_its_contents_and_judged_by_them(home: Path) -> None:
    script = home / "work/tidy.sh"
    script.write_text("rm -rf /\n")
    asked = action(home, ActionKind.TERMINAL, text="bash tidy.sh")
    assert policy(home).assess(asked).tier is Tier.DENY
    script.write_text("echo hello\n")
    assert str(script) in dict(policy(home).assess(asked).action.inputs)


def test_one_simple_command_is_bound_to_its_words_and_its_program(home: Path) -> None:
    simple = policy(home).assess(action(home, ActionKind.TERMINAL, text="git push --force origin x")).action
    assert simple.argv == ("git", "push", "--force", "origin", "x")
    assert simple.binary in dict(simple.inputs)
    piped = policy(home).assess(action(home, ActionKind.TERMINAL, text="git log | head")).action
    assert (piped.argv, piped.binary) == (None, "")
    assert len(piped.inputs) == 2


def test_a_statement_in_a_file_is_judged_and_bound(home: Path) -> None:
    statement = home / "work/x.sql"
    statement.write_text("DROP TABLE orders;\n")
    judged = policy(home).assess(action(home, ActionKind.TERMINAL, text="psql -f x.sql"))
    assert judged.tier is Tier.HIGH
    assert str(statement) in dict(judged.action.inputs)
    manifest = home / "work/app.yaml"
    manifest.write_text("kind: Deployment\n")
    applied = policy(home).assess(action(home, ActionKind.TERMINAL, text="kubectl apply -f app.yaml"))
    assert str(manifest) in dict(applied.action.inputs)


def test_what_has_changed_is_named(home: Path) -> None:
    script = home / "work/x.sh"
    script.write_text("echo a\n")
    asked, judge = action(home, ActionKind.TERMINAL, text="bash x.sh"), policy(home)
    before = judge.assess(asked).action
    assert digest.drift(before, judge.assess(before).action) == ""
    script.write_text("echo b\n")
    assert digest.drift(before, judge.assess(before).action) == f"{script} has changed."
    script.unlink()
    assert digest.drift(before, judge.assess(before).action) == f"{script} is gone."
    script.symlink_to("/bin/true")
    assert digest.drift(before, judge.assess(before).action) == f"{script} has changed."


def test_a_folder_that_became_a_link_is_drift(home: Path) -> None:
    asked = policy(home).assess(action(home, ActionKind.TERMINAL, text="rm notes.txt")).action
    (home / "work").rename(home / "moved")
    (home / "work").symlink_to(home / "moved")
    assert "work" in digest.drift(asked, policy(home).assess(asked).action)


def test_a_file_that_was_seen_is_the_one_that_is_written(home: Path) -> None:
    target = home / "notes.txt"
    target.write_text("one")
    before = policy(home).assess(action(home, ActionKind.FILE, effect="write", target=str(target))).action
    target.write_text("two")
    assert "has changed" in digest.drift(before, policy(home).assess(before).action)


def test_what_is_to_be_deleted_may_grow_meanwhile(home: Path) -> None:
    file = home / "work/notes.txt"
    file.write_text("one")
    before = policy(home).assess(action(home, ActionKind.TERMINAL, text="rm notes.txt")).action
    deleted = policy(home).assess(action(home, ActionKind.FILE, effect="delete", target=str(file))).action
    file.write_text("one two")
    assert digest.drift(before, policy(home).assess(before).action) == ""
    assert digest.drift(deleted, policy(home).assess(deleted).action) == ""


def test_hashes_follow_the_file_and_not_its_name(home: Path) -> None:
    file = home / "tool"
    file.write_text("a")
    first = digest.hashed(str(file))
    (home / "other").write_text("b")
    os.replace(home / "other", file)  # noqa: PTH105 - the very call that swaps a program
    assert digest.hashed(str(file)) != first
    assert digest.hashed(str(home / "nothing")) == digest.MISSING


def test_the_owners_table_raises_and_never_lowers_high(home: Path) -> None:
    table = [
        OverrideSettings(words="ls", tier="high"),
        OverrideSettings(words="git push", tier="none"),
        OverrideSettings(words="frobnicate", tier="none"),
    ]
    judge = policy(home, overrides=table)
    assert judge.assess(action(home, ActionKind.TERMINAL, text="ls")).tier is Tier.HIGH
    assert judge.assess(action(home, ActionKind.TERMINAL, text="git push --force")).tier is Tier.HIGH
    assert judge.assess(action(home, ActionKind.TERMINAL, text="frobnicate")).tier is Tier.NONE


def test_only_named_classes_are_harmless(home: Path) -> None:
    judge = policy(home, preset="open")
    assert judge.assess(action(home, ActionKind.TERMINAL, text="rm -rf __pycache__")).harmless
    unknown = judge.assess(action(home, ActionKind.TERMINAL, text="frobnicate"))
    assert (unknown.tier, unknown.harmless) == (Tier.LOW, False)


def test_whoever_asks_can_make_it_graver_and_not_milder(home: Path) -> None:
    judged = policy(home).assess(action(home, ActionKind.QUESTION, text="Deploy?"))
    assert raised(judged, Tier.HIGH).tier is Tier.HIGH
    assert raised(judged, Tier.DENY).tier is Tier.HIGH
    assert raised(judged, Tier.NONE).tier is Tier.MEDIUM


def test_the_consequence_names_the_gravest_reasons_in_plain_words(home: Path) -> None:
    judged = policy(home).assess(action(home, ActionKind.TERMINAL, text="git push --force; rm x"))
    assert wording.consequence(judged) == "This command rewrites or deletes what is on the remote (--force)."


def test_the_owners_own_words_stand_for_themselves(home: Path) -> None:
    plain = policy(home, overrides=({"words": "ls", "tier": "high"},))
    told = wording.consequence(plain.assess(action(home, ActionKind.TERMINAL, text="ls")))
    assert told == "The owner's settings say so (ls)."
    mine = {"words": "terraform apply", "tier": "high", "why": "changes what customers use"}
    judged = policy(home, overrides=(mine,)).assess(action(home, ActionKind.TERMINAL, text="terraform apply"))
    assert wording.consequence(judged) == "Changes what customers use (terraform apply)."

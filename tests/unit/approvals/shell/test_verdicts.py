"""The shape of a verdict: tier, reasons, segments, digest, and what may run without a shell."""

import hashlib
import json

import pytest

from approvals.shell import Override, Overrides, Preset, classify, classify_argv, judge_path
from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import CONTEXT, tier_of


def test_tiers_are_ordered_and_named() -> None:
    assert [str(tier) for tier in sorted(Tier)] == ["none", "low", "medium", "high", "deny"]
    assert Tier.named("high") is Tier.HIGH
    with pytest.raises(ValueError, match="no risk tier 'grave'"):
        Tier.named("grave")


def test_a_verdict_is_json_with_the_four_words_that_a_tester_reads() -> None:
    found = classify("git push --force && ls", CONTEXT).as_json()
    assert set(found) == {"tier", "reasons", "segments", "digest"}
    assert found["tier"] == "high"
    assert json.loads(json.dumps(found)) == found


def test_the_digest_is_that_of_the_exact_bytes() -> None:
    text = "echo 'grüße'\n"
    assert classify(text, CONTEXT).digest == hashlib.sha256(text.encode()).hexdigest()
    assert classify(text, CONTEXT).digest != classify(text + " ", CONTEXT).digest


def test_reasons_stand_from_the_gravest_down_each_with_its_piece_of_text() -> None:
    found = classify("rm x; git push -f; rm -rf /", CONTEXT)
    tiers = [reason.tier for reason in found.reasons]
    assert tiers == sorted(tiers, reverse=True)
    assert found.reasons[0].text == "/"
    assert all(reason.why and reason.rule for reason in found.reasons)


def test_each_simple_command_is_a_segment_with_its_own_tier() -> None:
    found = classify("ls src && rm old.txt", CONTEXT)
    assert [(segment.text, segment.tier) for segment in found.segments] == [
        ("ls src", Tier.NONE),
        ("rm old.txt", Tier.MEDIUM),
    ]


def test_segments_name_the_paths_that_they_touch_and_the_scripts_that_they_run() -> None:
    found = classify("bash scripts/setup.sh", CONTEXT)
    assert found.segments[0].scripts == ("/home/dev/project/scripts/setup.sh",)
    found = classify("rm ../other/x", CONTEXT)
    assert [(use.effect, use.path) for use in found.segments[0].paths] == [("delete", "/home/dev/other/x")]


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("git commit -m 'a b'", ("git", "commit", "-m", "a b")),
        ("r\\m ~/x", ("rm", "/home/dev/x")),
        ("touch file{1,2}", ("touch", "file1", "file2")),
        ("ls *.py", None),
        ("ls $UNKNOWN", None),
        ("ls > out", None),
        ("A=b ls", None),
        ("ls; pwd", None),
        ("ls $(pwd)", None),
        ("cd src", None),
        ("export A=b", None),
        ("echo hi &", None),
        ("! ls", None),
        ("(ls)", None),
    ],
)
def test_one_simple_command_is_given_as_the_words_that_run_without_a_shell(
    text: str, argv: tuple[str, ...] | None
) -> None:
    assert classify(text, CONTEXT).argv == argv


def test_words_without_a_shell_mean_only_themselves() -> None:
    assert classify_argv(["echo", "$(rm -rf /)"], CONTEXT).tier is Tier.NONE
    assert classify_argv(["rm", "-rf", "/"], CONTEXT).tier is Tier.DENY
    assert classify_argv(["bash", "-c", "rm -rf /"], CONTEXT).tier is Tier.DENY
    assert classify_argv(["rm", "-rf", "*"], CONTEXT).tier is Tier.MEDIUM
    assert classify_argv([], CONTEXT).tier is Tier.HIGH


def test_a_real_path_is_judged_again_by_its_effect() -> None:
    assert judge_path("delete", "/tmp/x", CONTEXT)[0] is Tier.LOW
    assert judge_path("delete", "/etc/passwd", CONTEXT)[0] is Tier.DENY
    assert judge_path("read", "/home/dev/.hermes-gateway/config.yaml", CONTEXT)[0] is Tier.DENY


def test_the_presets_decide_about_programs_without_a_rule_only() -> None:
    tiers = {preset: classify("frobnicate", CONTEXT, preset=preset).tier for preset in Preset}
    assert tiers == {Preset.STRICT: Tier.HIGH, Preset.BALANCED: Tier.MEDIUM, Preset.OPEN: Tier.LOW}
    for preset in Preset:
        assert classify("$X", CONTEXT, preset=preset).tier is Tier.HIGH
        assert classify("ls", CONTEXT, preset=preset).tier is Tier.NONE
        assert classify("rm x", CONTEXT, preset=preset).tier is Tier.MEDIUM


@pytest.mark.parametrize(
    ("words", "to", "command", "tier"),
    [
        ("frobnicate", Tier.NONE, "frobnicate --now", Tier.NONE),
        ("terraform apply", Tier.NONE, "terraform apply x.plan", Tier.NONE),
        ("terraform apply", Tier.NONE, "terraform apply -auto-approve", Tier.HIGH),
        ("terraform plan", Tier.HIGH, "terraform plan", Tier.HIGH),
        ("ls", Tier.DENY, "sudo ls", Tier.DENY),
        ("rm", Tier.NONE, "rm -rf /", Tier.DENY),
        ("git push", Tier.NONE, "git push --force", Tier.HIGH),
        ("git push", Tier.NONE, "git push origin main", Tier.NONE),
        ("bash", Tier.NONE, "bash -c 'rm x'", Tier.MEDIUM),
        ("sudo", Tier.NONE, "sudo rm x", Tier.MEDIUM),
        ("frobnicate", Tier.NONE, "frobnicate $(rm x)", Tier.MEDIUM),
        ("frobnicate", Tier.NONE, "frobnicate > ../x", Tier.MEDIUM),
        ("frobnicate", Tier.NONE, "PATH=/tmp frobnicate", Tier.MEDIUM),
        ("frobnicate", Tier.NONE, "frobnicate; rm x", Tier.MEDIUM),
        ("frobnicate", Tier.NONE, "frobnicate /home/dev/.hermes-gateway/x", Tier.DENY),
        ("python", Tier.NONE, "python -c 'import socket'", Tier.HIGH),
    ],
)
def test_the_owners_table_raises_anything_and_lowers_medium_for_its_program(
    words: str, to: Tier, command: str, tier: Tier
) -> None:
    assert classify(command, CONTEXT, Overrides((Override(words, to),))).tier is tier


def test_the_longest_entry_of_the_owners_table_counts() -> None:
    overrides = Overrides((Override("make", Tier.NONE), Override("make migrate", Tier.HIGH)))
    assert classify("make unknown", CONTEXT, overrides).tier is Tier.NONE
    assert classify("make migrate", CONTEXT, overrides).tier is Tier.HIGH


def test_an_entry_without_words_is_refused() -> None:
    with pytest.raises(ValueError, match="names a program"):
        Override("  ", Tier.NONE)


def test_too_long_too_deep_and_too_many_are_high() -> None:
    assert tier_of("echo " + "a" * 70_000) is Tier.HIGH
    assert tier_of("ls;" * 400) is Tier.HIGH
    assert tier_of("$(" * 30 + "ls" + ")" * 30) is Tier.HIGH
    assert tier_of("bash -c " * 40 + "ls") is Tier.HIGH


def test_a_long_here_document_of_plain_text_is_still_data() -> None:
    body = "x = call(y) | z; # `code`\n" * 80
    assert tier_of(f"cat > notes.txt <<'EOF'\n{body}EOF") is Tier.NONE


def test_the_content_of_a_script_decides_where_the_caller_gives_it() -> None:
    context = type(CONTEXT)(
        cwd=CONTEXT.cwd,
        home=CONTEXT.home,
        hermes_home=CONTEXT.hermes_home,
        workspaces=CONTEXT.workspaces,
        files={
            "/home/dev/project/ok.sh": "ls\n",
            "/home/dev/project/bad.sh": "#!/bin/sh\nrm -rf /\n",
            "/home/dev/project/a.sql": "SELECT 1;",
        },
    )
    assert tier_of("bash ok.sh", context) is Tier.MEDIUM
    assert tier_of("./bad.sh", context) is Tier.DENY
    assert tier_of("psql -f a.sql", context) is Tier.NONE
    assert tier_of("psql -f b.sql", context) is Tier.HIGH


def test_the_default_workspace_inside_the_home_is_a_workspace() -> None:
    home = "/home/dev/.hermes-gateway"
    context = type(CONTEXT)(
        cwd=f"{home}/workspace", home="/home/dev", hermes_home=home, workspaces=(f"{home}/workspace",)
    )
    assert tier_of("cat notes.txt", context) is Tier.NONE
    assert tier_of(f"cat {home}/workspace/notes.txt", context) is Tier.NONE
    assert tier_of("cat ../config.yaml", context) is Tier.DENY
    assert tier_of("rm -rf ..", context) is Tier.DENY


def test_a_root_of_the_system_is_nobodys_workspace() -> None:
    for folder in ("/", "/etc", "/usr"):
        context = type(CONTEXT)(cwd=folder, home="/home/dev", hermes_home="/home/dev/.hermes-gateway")
        assert tier_of("rm -rf etc", context) is Tier.DENY
        assert tier_of("echo x > /etc/passwd", context) is Tier.DENY


def test_a_home_as_workspace_still_guards_what_is_in_it() -> None:
    context = type(CONTEXT)(cwd="/root", home="/root", hermes_home="/root/.hermes-gateway")
    assert tier_of("rm -rf *", context) is Tier.DENY
    assert tier_of("cat .hermes-gateway/config.yaml", context) is Tier.DENY
    assert tier_of("cat .ssh/id_rsa", context) is Tier.HIGH
    assert tier_of("echo x >> .bashrc", context) is Tier.MEDIUM
    assert tier_of("echo x > notes.txt", context) is Tier.NONE
    assert tier_of("rm notes.txt", context) is Tier.MEDIUM

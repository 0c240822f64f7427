"""What must hold for any text: wrapping never lowers, nothing throws, nothing runs, nothing depends on chance."""

import shlex
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.shell import Context, Overrides, Preset, classify, classify_argv
from approvals.shell.context import Override
from approvals.shell.rules import PROGRAMS
from kernel.risk import Tier

CONTEXT = Context(
    cwd="/home/dev/project",
    home="/home/dev",
    hermes_home="/home/dev/.hermes-gateway",
    workspaces=("/home/dev/project",),
)
COMMANDS = (
    "ls -la",
    "git status",
    "git push --force origin x",
    "git push origin main",
    "rm -rf /",
    "rm -rf build",
    "rm -rf .pytest_cache",
    "rm -rf /tmp/x",
    "cat /home/dev/.hermes-gateway/config.yaml",
    "hermes approve 1",
    "psql -c 'DROP TABLE x'",
    "psql -c 'DELETE FROM x WHERE id = 1'",
    "python3 -c 'print(1)'",
    "python3 script.py",
    "frobnicate --now",
    "curl -X POST http://x",
    "chmod 777 x",
    "kubectl delete pod x",
    "terraform destroy",
    "sed -i s/a/b/ x",
    "cat /proc/1/environ",
    "npm publish",
)
# Where the command stands as words …
BY_WORDS = (
    "{}",
    "env {}",
    "env -i A=b {}",
    "sudo {}",
    "sudo -u root -- {}",
    "doas {}",
    "nohup {}",
    "timeout 5 {}",
    "timeout -s KILL 5 {}",
    "nice -n 5 {}",
    "ionice -c 3 {}",
    "stdbuf -o0 {}",
    "setsid -f {}",
    "time {}",
    "time -p {}",
    "command {}",
    "exec {}",
    "exec -a x {}",
    "flock /tmp/lock {}",
    "strace -f {}",
    "unshare -r {}",
    "chroot / {}",
    "xargs {} < /dev/null",
    "find . -maxdepth 0 -exec {} \\;",
    "busybox {}",
    "parallel {} ::: a",
    "watch {}",
    "uv run {}",
    "poetry run {}",
    "bundle exec {}",
    "npx {}",
    "git bisect run {}",
    "direnv exec . {}",
    "ld.so {}",
    "hermes guard -- {}",
    "A=b {}",
    "! {}",
    "{} > /dev/null 2>&1",
    "{} &",
    "true && {}",
    "false || {}",
    "ls; {}",
    "ls | {}",
    "({})",
    "{{ {}; }}",
    "if true; then {}; fi",
    "if {}; then ls; fi",
    "case x in y) {};; esac",
    "for i in 1 2; do {}; done",
    "while {}; do ls; done",
    "f() {{ {}; }}; f",
    "f() {{ {}; }}",
    "echo $({})",
    'echo "`{}`"',
    "echo ${{x:-$({})}}",
    "cat <({})",
    "x=$({}) ls",
    "echo $((1 + $({})))",
    "cat <<EOF\n$({})\nEOF",
    "[[ -n $({}) ]]",
)
# … and where it is one quoted text.
BY_TEXT = (
    "bash -c {}",
    "sh -ec {}",
    "bash --norc -c {}",
    "sudo bash -c {}",
    "env bash -lc {}",
    "su -c {}",
    "script -qc {} /dev/null",
    "eval {}",
    "trap {} EXIT",
    "alias ls={}",
    "echo {} | sh",
    "printf %s {} | bash -s",
    "bash <<< {}",
    "xargs -I% sh -c % <<< {}",
    "find . -exec sh -c {} \\;",
    "flock /tmp/lock -c {}",
    "watch {}",
    "git -c alias.x=!{} x",
    "git rebase --exec {} main",
    "GIT_SSH_COMMAND={} git fetch",
    "PAGER={} git log",
    "ssh -o ProxyCommand={} host ls",
    "rsync -e {} a b",
    "tar cf x.tar y --checkpoint-action=exec={}",
    "split --filter={} x",
    "tmux send-keys {} Enter",
    "npx -c {}",
    "python3 -c 'print(1)'; eval {}",
    'x={}; eval "$x"',
    'x={}; bash -c "$x"',
)


def tier(text: str) -> Tier:
    """Return the tier of a text."""
    return classify(text, CONTEXT).tier


@pytest.mark.parametrize("wrapper", BY_WORDS)
def test_a_wrapper_never_lowers_the_command_that_it_wraps(wrapper: str) -> None:
    for command in COMMANDS:
        assert tier(wrapper.format(command)) >= tier(command), wrapper.format(command)


@pytest.mark.parametrize("wrapper", BY_TEXT)
def test_a_wrapper_never_lowers_the_text_that_it_runs(wrapper: str) -> None:
    for command in COMMANDS:
        wrapped = wrapper.format(shlex.quote(command))
        assert tier(wrapped) >= tier(command), wrapped


@given(
    command=st.sampled_from(COMMANDS),
    # A subshell right behind `$(` would be arithmetic.
    words=st.lists(st.sampled_from([wrapper for wrapper in BY_WORDS if wrapper != "({})"]), max_size=3),
    text=st.sampled_from(BY_TEXT),
)
@settings(max_examples=150, deadline=None)
def test_wrappers_upon_wrappers_never_lower(command: str, words: list[str], text: str) -> None:
    wrapped = command
    for wrapper in words:
        wrapped = wrapper.format(wrapped)
    # Not every combination is a program; what cannot be read is high.
    assert tier(text.format(shlex.quote(wrapped))) >= min(tier(command), Tier.HIGH)


@given(
    left=st.sampled_from(COMMANDS),
    right=st.sampled_from(COMMANDS),
    joint=st.sampled_from(("; ", " && ", " || ", " | ", " & ", "\n")),
)
@settings(max_examples=150, deadline=None)
def test_a_text_has_the_tier_of_its_gravest_command(left: str, right: str, joint: str) -> None:
    assert tier(left + joint + right) >= max(tier(left), tier(right))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "speaks", ["echo {}", "git commit -m {}", "grep {} README.md", "printf '%s\\n' {}", "cat <<< {}"]
)
def test_quoted_data_is_data(command: str, speaks: str) -> None:
    if "{}" in speaks and speaks.startswith("grep") and command.startswith("-"):
        return
    assert tier(speaks.format(shlex.quote(command))) is Tier.NONE


FRAGMENTS = st.sampled_from(
    (
        *COMMANDS,
        "|",
        "||",
        "&&",
        ";",
        "&",
        "\n",
        "(",
        ")",
        "{",
        "}",
        "$(",
        "`",
        '"',
        "'",
        "\\",
        "\\\n",
        "<<EOF\n",
        "\nEOF\n",
        "<",
        ">",
        ">>",
        "2>&1",
        "<<<",
        "<(",
        "${x:-",
        "$x",
        "$'\\x41'",
        "$((1+",
        "))",
        "[[",
        "]]",
        "[",
        "]",
        "if",
        "then",
        "fi",
        "for i in",
        "do",
        "done",
        "case",
        "esac",
        ";;",
        "function f",
        "f()",
        "#",
        "~",
        "*",
        "?",
        "{a,b}",
        "{1..3}",
        "=",
        "x=",
        "export",
        "eval",
        "trap",
        "xargs",
        "find . -exec",
        "sh -c",
        "sed -n",
        "awk",
        "\t",
        " ",
        "é",
        "!",
        "@",
        "$@",
        '"$@"',
        "-",
        "--",
        "/",
        "..",
        "time",
        "coproc",
    )
)


@given(st.lists(FRAGMENTS, max_size=25).map(" ".join))
@settings(max_examples=600, deadline=None)
def test_random_compositions_never_throw_nor_fail_inside(text: str) -> None:
    found = classify(text, CONTEXT)
    assert not [reason for reason in found.reasons if reason.rule == "failure"]


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
@settings(max_examples=400, deadline=None)
def test_random_compositions_without_blanks_never_throw_nor_fail_inside(text: str) -> None:
    found = classify(text, CONTEXT)
    assert not [reason for reason in found.reasons if reason.rule == "failure"]


_PLAIN = """
- -- -x -c -e -f -n -i -o -rf --all --file=x --exec -exec {} \\; + a a.txt /etc ~/x *.py $x "$x" $(date) a=b x:y
+main :old http://h/p h:/p 'select' '{print}' 's/a/b/' get delete run exec push install list prod main 5 755
/dev/null -m -l -p -d -t -v -u
"""
WORDS = (
    *_PLAIN.split(),
    "",
    "<<< x",
    "< f",
    "> o",
    "| cat",
    "'select 1; drop table x'",
    "'{print $1 > \"f\"}'",
)


@given(program=st.sampled_from(sorted(PROGRAMS)), words=st.lists(st.sampled_from(WORDS), max_size=6))
@settings(max_examples=1500, deadline=None)
def test_every_program_of_the_table_takes_any_arguments(program: str, words: list[str]) -> None:
    found = classify(" ".join((program, *words)), CONTEXT)
    assert not [reason for reason in found.reasons if reason.rule == "failure"]


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_classified_twice_alike(text: str) -> None:
    first, second = classify(text, CONTEXT), classify(text, CONTEXT)
    assert first == second
    assert not [reason for reason in first.reasons if reason.rule == "failure"]


@given(st.lists(st.text(max_size=12), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_argument_vector_is_classified(argv: list[str]) -> None:
    found = classify_argv(argv, CONTEXT)
    assert not [reason for reason in found.reasons if reason.rule == "failure"]


@given(
    command=st.sampled_from(COMMANDS),
    words=st.sampled_from([c.split()[0] for c in COMMANDS]),
    to=st.sampled_from(list(Tier)),
)
@settings(max_examples=150, deadline=None)
def test_the_owners_table_never_lowers_high_or_deny(command: str, words: str, to: Tier) -> None:
    plain = tier(command)
    changed = classify(command, CONTEXT, Overrides((Override(words, to),))).tier
    if plain >= Tier.HIGH:
        assert changed >= plain


@given(st.sampled_from(COMMANDS))
def test_a_stricter_preset_never_lowers(command: str) -> None:
    tiers = [
        classify(command, CONTEXT, preset=preset).tier
        for preset in (Preset.OPEN, Preset.BALANCED, Preset.STRICT)
    ]
    assert tiers == sorted(tiers)


_FORBIDDEN = (
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "os.spawn",
    "open",
    "socket.",
    "shutil.",
    "os.listdir",
    "os.scandir",
    "glob.",
)
_watching: list[list[str]] = []


def _watch(event: str, _arguments: tuple[object, ...]) -> None:
    if _watching and event.startswith(_FORBIDDEN):
        _watching[-1].append(event)


sys.addaudithook(_watch)


def test_classification_opens_runs_and_lists_nothing() -> None:
    texts = [wrapper.format(command) for wrapper in BY_WORDS for command in COMMANDS]
    texts += [wrapper.format(shlex.quote(command)) for wrapper in BY_TEXT for command in COMMANDS]
    tier("ls")
    seen: list[str] = []
    _watching.append(seen)
    try:
        for text in texts:
            tier(text)
    finally:
        _watching.pop()
    assert seen == []

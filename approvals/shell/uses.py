"""What a program does with one word, judged: the functions behind ``Use``."""

import re
from collections.abc import Callable

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.code import hidden_commands, judge_code
from approvals.shell.effects import Effect
from approvals.shell.lexer import split_words
from approvals.shell.marks import STDIN, UNKNOWN, base, is_opaque, is_static
from approvals.shell.options import Reading
from approvals.shell.paths import normalise
from approvals.shell.rule import Rule, Use
from approvals.shell.sql import judge_sql, shell_escapes
from approvals.shell.tree import Source, Unreadable
from kernel.risk import Tier

_DEPLOYS = re.compile(r"deploy|release|publish|promote|rollout|ship|migrate", re.IGNORECASE)
REST = frozenset({Use.COMMAND, Use.SHELL_WORDS})
"""Uses that take this operand and all that follow."""


def apply_use(judge: Judging, use: Use, word: str, call: Call, label: str) -> None:
    """Judge one word by its use."""
    _FUNCTIONS[use](judge, word, call, label)


def judge_options(judge: Judging, reading: Reading, call: Call, label: str) -> None:
    """Judge the options of a command and what they do with their values."""
    for option, name, value in reading.found:
        if option.tier > Tier.NONE:
            judge.add(option.tier, f"{label} {name}", option.why, f"{name} {value or ''}".strip())
        if option.use is not None and value is not None:
            apply_use(judge, option.use, value, call, label)


def apply_rest(judge: Judging, use: Use, rule: Rule, words: list[str], call: Call, label: str) -> None:
    """Judge the remaining operands as one command."""
    inner = call if not rule.remote else call.inner(call.argv, call.scope.elsewhere())
    if rule.remote:
        judge.watch_remote(" ".join(words))
    if use is Use.COMMAND:
        judge.wrap(words, inner)
    else:
        run_text(judge, " ".join(words), inner, label)


def run_text(judge: Judging, text: str, call: Call, _label: str) -> None:
    """Judge a text that a shell runs."""
    judge.runs += 1
    judge.walk.text(text, call.scope.copy(), call.stdin)


def run_script(judge: Judging, word: str, call: Call, label: str = "script") -> None:
    """Judge running a file: at least medium, by its content where that is known."""
    judge.touch(Effect.READ, word, call)
    if is_opaque(word):
        judge.opaque("opaque.script", "which file it runs is not known beforehand", word)
        return
    content = judge.content(word, call)
    path = normalise(word, call.scope.directories[0])
    if word in STDIN or word in judge.walk.pipes or path in call.scope.files:
        _computed_script(judge, word, content, call)
        return
    judge.add(Tier.MEDIUM, "script", "runs a file", word)
    if any(_DEPLOYS.search(base(said)) for said in call.argv):
        judge.production(call, "script")
    if is_static(path):
        call.scripts.append(path)
    else:
        judge.opaque("opaque.script", "which file it runs is not known beforehand", word)
    if content != UNKNOWN and _is_shell(word, content):
        run_text(judge, content, call, label)


def _computed_script(judge: Judging, word: str, content: str, call: Call) -> None:
    """A script that this very text fetched or wrote."""
    if is_opaque(content):
        judge.opaque("opaque.script", "runs what another command wrote or fetched", word)
        return
    judge.add(Tier.MEDIUM, "script", "runs a file that it wrote itself", word)
    run_text(judge, content, call, "script")


def _is_shell(word: str, content: str) -> bool:
    first = content.split("\n", 1)[0]
    if first.startswith("#!"):
        return base(first.rstrip().split()[-1]) in {"sh", "bash", "dash", "zsh", "ksh"}
    return not base(word).endswith((".py", ".js", ".rb", ".pl", ".php", ".mjs", ".ts", ".lua"))


def run_code(judge: Judging, language: str, text: str, call: Call, _label: str) -> None:
    """Judge inline code of an interpreter."""
    if is_opaque(text):
        judge.opaque("opaque.code", "runs code that is not known beforehand", text)
        return
    for tier, rule, why in judge_code(language, text, judge.context(call)):
        judge.add(tier, rule, why, text)
    for command in hidden_commands(language, text):
        run_text(judge, command, call, language)


def run_statements(judge: Judging, text: str, call: Call, dialect: str) -> None:
    """Judge database statements."""
    if is_opaque(text):
        judge.opaque("opaque.sql", "runs statements that are not known beforehand", text)
        return
    for tier, rule, why, piece in judge_sql(text, dialect):
        judge.add(tier, rule, why, piece)
    for command in shell_escapes(text, dialect):
        run_text(judge, command, call, dialect)


def _path(effect: Effect) -> Callable[[Judging, str, Call, str], None]:
    def apply_effect(judge: Judging, word: str, call: Call, _label: str) -> None:
        judge.touch(effect, word, call)
        if effect is Effect.WRITE:
            judge.wrote(word, call)

    return apply_effect


def _any(judge: Judging, word: str, call: Call, _label: str) -> None:
    judge.watch(word, call)


def _data(_judge: Judging, _word: str, _call: Call, _label: str) -> None:
    """Data has no effect."""


def _url(judge: Judging, word: str, call: Call, _label: str) -> None:
    judge.watch(word, call)
    if word.startswith("file://"):
        judge.touch(Effect.READ, word.removeprefix("file://"), call)
    if is_opaque(word):
        judge.opaque("opaque.url", "which address it asks is not known beforehand", word)


def _directory(judge: Judging, word: str, call: Call, _label: str) -> None:
    judge.touch(Effect.READ, word, call)
    call.scope = call.scope.copy()
    call.scope.directories = tuple(normalise(word, directory) for directory in call.scope.directories)


def _script(judge: Judging, word: str, call: Call, label: str) -> None:
    run_script(judge, word, call, label)


def _program(judge: Judging, text: str, call: Call, label: str) -> None:
    """A text that runs as a command, at least medium."""
    if text == "":
        return
    judge.add(Tier.MEDIUM, f"{label}.runs", "makes another command run something", text)
    run_text(judge, text, call, label)


def _command(judge: Judging, text: str, call: Call, _label: str) -> None:
    source = Source(text, {})
    try:
        words = [raw.text for raw in split_words(source, 0, len(text))]
    except Unreadable as problem:
        judge.opaque("unreadable", str(problem), text)
        return
    judge.wrap(words, call)


def _code(judge: Judging, text: str, call: Call, label: str) -> None:
    run_code(judge, label.partition(" ")[0], text, call, label)


def _sql(judge: Judging, text: str, call: Call, label: str) -> None:
    run_statements(judge, text, call, label.partition(" ")[0])


def _sql_file(judge: Judging, word: str, call: Call, label: str) -> None:
    run_statements(judge, judge.read_file(word, call), call, label.partition(" ")[0])


def _assign(judge: Judging, word: str, call: Call, _label: str) -> None:
    judge.watch(word, call)


def _opaque(judge: Judging, word: str, call: Call, label: str) -> None:
    judge.touch(Effect.READ, word, call)
    judge.opaque(f"{label}.opaque", "obeys a file whose content is not seen", word)


_FUNCTIONS: dict[Use, Callable[[Judging, str, Call, str], None]] = {
    Use.ANY: _any,
    Use.DATA: _data,
    Use.NAME: _any,
    Use.URL: _url,
    Use.READ: _path(Effect.READ),
    Use.READ_TREE: _path(Effect.READ_TREE),
    Use.WRITE: _path(Effect.WRITE),
    Use.MAKE: _path(Effect.MAKE),
    Use.EMPTY: _path(Effect.EMPTY),
    Use.DELETE: _path(Effect.DELETE),
    Use.DELETE_TREE: _path(Effect.DELETE_TREE),
    Use.CHANGE: _path(Effect.CHANGE),
    Use.CHANGE_TREE: _path(Effect.CHANGE_TREE),
    Use.MOVE: _path(Effect.MOVE),
    Use.DIRECTORY: _directory,
    Use.SCRIPT: _script,
    Use.SHELL: run_text,
    Use.SHELL_WORDS: run_text,
    Use.PROGRAM: _program,
    Use.COMMAND: _command,
    Use.CODE: _code,
    Use.SQL: _sql,
    Use.SQL_FILE: _sql_file,
    Use.ASSIGN: _assign,
    Use.SETTING: _any,
    Use.OPAQUE: _opaque,
}

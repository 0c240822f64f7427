"""Shells and what hands a command to something else: bash, eval, source, env, sudo, command, xargs, parallel."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.environment import judge_assignment
from approvals.shell.job import Job
from approvals.shell.marks import DEEP, MANY, STDIN, TAME, UNKNOWN, is_opaque, is_static
from approvals.shell.options import Reading, read
from approvals.shell.scope import Scope
from approvals.shell.uses import apply_use, run_script, run_text
from kernel.risk import Tier

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_ACTIVATE = re.compile(r"(.*/)?(\.venv|venv|env|\.env)/bin/activate(\.\w+)?\Z")
_MAX_LINES = 6
_DELIMITERS = {"\\0": "\0", "\\n": "\n", "\\t": "\t"}
# Options of xargs that run the command several times.
_PORTIONS = ("-n", "-L", "-l", "--max-args", "--max-lines", "-s", "-P")
# Stands for a value that GNU parallel brings.
_VALUE = "_brought"


def _strict(judge: Judging, reading: Reading, label: str) -> None:
    if reading.unknown:
        judge.opaque(f"{label}.option", "has an option that the rules do not know", reading.unknown[0])
    if reading.uncertain and reading.operands[:1] == reading.uncertain[:1]:
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[0]
        )


def shell(job: Job) -> None:
    """``bash -c TEXT``, ``bash FILE``, ``… | bash``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    for option, _, value in reading.found:
        if option.use is not None and value is not None:
            apply_use(judge, option.use, value, call, label)
    if reading.calm:
        return
    inner = call.inner(call.argv, _child(call))
    # A lone dash ends the options, as two do.
    operands = reading.operands[1:] if reading.operands[:1] == ["-"] else reading.operands
    if reading.has("-c"):
        _command_text(judge, operands, inner, label)
    elif operands and not reading.has("-s") and operands[0] not in STDIN:
        inner.scope.positional = tuple(operands[1:])
        run_script(judge, operands[0], inner, label)
    elif call.stdin is None and call.scope.remote:
        judge.add(Tier.MEDIUM, f"{label}.interactive", "opens a shell elsewhere", " ".join(call.argv))
    elif call.stdin is None:
        judge.opaque(
            "opaque.shell", "starts a shell whose commands are not known beforehand", " ".join(call.argv)
        )
    else:
        if call.piped:
            judge.add(Tier.MEDIUM, "decoded", "runs as commands what another command prints", call.text)
        run_text(judge, call.stdin, inner, label)


def _child(call: Call) -> Scope:
    """Return the scope of a shell that the command starts: its environment on top of what is known."""
    scope = call.scope.copy()
    for name, value in call.environment.items():
        scope.assign(name, value)
    return scope


def _command_text(judge: Judging, operands: list[str], call: Call, label: str) -> None:
    if not operands:
        judge.opaque("opaque.shell", "runs a text that is not known beforehand", label)
        return
    call.scope.positional = tuple(operands[2:])
    call.scope.variables["0"] = operands[1] if len(operands) > 1 else label
    if MANY in operands[2:]:
        call.scope.positional = None
    run_text(judge, operands[0], call, label)


def evaluate(job: Job) -> None:
    """``eval`` runs its words in the same shell."""
    judge, args, call = job.judge, job.args, job.call
    words = args[1:] if args[:1] == ["--"] else args
    judge.runs += 1
    judge.walk.text(" ".join(words), call.scope, call.stdin)


def source(job: Job) -> None:
    """``source FILE`` runs a file in the same shell; the activation script of a virtual environment is expected."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if args and _ACTIVATE.match(args[0]) and is_static(args[0]) and args[0] not in call.scope.files:
        judge.touch(Effect.READ, args[0], call)
        return
    if not args:
        return
    word = args[0]
    if word == "-" or word in STDIN:
        judge.walk.text(call.stdin or UNKNOWN, call.scope)
        return
    run_script(judge, word, call, label)


def environ(job: Job) -> None:
    """``env`` and its kin: assignments, then a command."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    for option, name, value in reading.found:
        if name in {"-S", "--split-string"}:
            judge.runs += 1
            judge.wrap(_with_assignments(judge, (value or "").split() + reading.operands, call), call)
            return
        if option.use is not None and value is not None:
            apply_use(judge, option.use, value, call, label)
        elif option.tier > Tier.NONE:
            judge.add(option.tier, f"{label} {name}", option.why, name)
    if reading.calm:
        return
    rest = _with_assignments(judge, reading.operands, call)
    if rest:
        judge.wrap(rest, call)
    elif reading.has("-i", "-s", "--login", "--shell"):
        judge.opaque(
            "opaque.shell", "starts a shell whose commands are not known beforehand", " ".join(call.argv)
        )


def _with_assignments(judge: Judging, words: list[str], call: Call) -> list[str]:
    """Judge leading ``NAME=value`` words and return what follows them."""
    for index, word in enumerate(words):
        if not _ASSIGNMENT.match(word):
            return words[index:]
        name, _, value = word.partition("=")
        judge_assignment(judge.walk, name, value, call)
        call.environment = {**call.environment, name: value}
    return []


def plain(job: Job) -> None:
    """``command``, ``builtin``, ``exec``, ``time``: the rest is a command; ``command -v`` only looks it up."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    if reading.calm or not reading.operands:
        return
    judge.wrap(
        _with_assignments(judge, reading.operands, call) if label == "time" else reading.operands, call
    )


def switch_user(job: Job) -> None:
    """``su -c TEXT``, ``runuser -u USER -- COMMAND``, ``script -c TEXT``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    texts = reading.values("-c", "--command")
    for text in texts:
        run_text(judge, text, call, label)
    if reading.has("-u") and reading.operands:
        judge.wrap(reading.operands, call)
    elif not texts:
        judge.opaque(
            "opaque.shell", "starts a shell whose commands are not known beforehand", " ".join(call.argv)
        )


def lock(job: Job) -> None:
    """``flock FILE COMMAND`` or ``flock FILE -c TEXT``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    if not reading.operands:
        return
    rest = reading.operands[1:]
    if rest[:1] and rest[0] in {"-c", "--command"}:
        run_text(judge, " ".join(rest[1:2]), call, label)
    else:
        judge.wrap(rest, call)


def xargs(job: Job) -> None:
    """``xargs COMMAND``: its operands come from standard input."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    command = reading.operands or ["echo"]
    marks = reading.values("-I", "-i", "--replace")
    stdin = call.stdin
    for name in reading.values("-a", "--arg-file"):
        stdin = judge.read_file(name, call)
    values = _brought(reading, stdin) if stdin is not None else _values(stdin, lines=bool(marks))
    inner = call.inner(command)
    inner.stdin = None
    if not marks:
        judge.wrap([*command, *values], inner)
        # A few at a time means that each may stand first.
        for value in values[1:] if reading.has(*_PORTIONS) else ():
            judge.wrap([*command, value], inner)
        return
    mark = marks[-1] or "{}"
    for value in values or [UNKNOWN]:
        judge.wrap([word.replace(mark, value.replace(MANY, UNKNOWN)) for word in command], inner)


def _brought(reading: Reading, stdin: str) -> list[str]:
    """Return what xargs makes of its input: words, lines, or what stands between delimiters of its own."""
    delimiters = reading.values("-d", "--delimiter")
    if reading.has("-0", "--null"):
        delimiters = [*delimiters, "\\0"]
    if not delimiters or is_opaque(stdin):
        return _values(stdin, lines=bool(reading.values("-I", "-i", "--replace")))
    delimiter = _DELIMITERS.get(delimiters[-1], delimiters[-1])
    parts = [part for part in stdin.split(delimiter) if part]
    return parts if len(delimiter) == 1 and len(parts) <= _MAX_LINES else [MANY]


def _values(stdin: str | None, *, lines: bool) -> list[str]:
    """Return the words that standard input holds, or one unknown word."""
    if stdin is None or is_opaque(stdin):
        return [MANY]
    parts = [part for part in (stdin.split("\n") if lines else stdin.replace("\0", " ").split()) if part]
    if len(parts) > _MAX_LINES and lines:
        return [UNKNOWN]
    # Quotes and backslashes mean something to xargs that is not worked out here.
    return [MANY] if any(char in stdin for char in "'\"\\") and DEEP not in stdin else parts


def parallel(job: Job) -> None:
    """``parallel COMMAND ::: VALUES``: the command line is joined into a text for a shell."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    words = reading.operands
    cut = next((index for index, word in enumerate(words) if word.startswith(":::")), len(words))
    values = (
        [word for word in words[cut + 1 :] if not word.startswith(":::")]
        if cut < len(words)
        else _values(call.stdin, lines=True)
    )
    template = " ".join(words[:cut])
    inner = call.inner(call.argv)
    inner.stdin = None
    inner.scope = call.scope.copy()
    inner.scope.assign(_VALUE, UNKNOWN)
    for value in values[:_MAX_LINES] or [UNKNOWN]:
        # What is not known comes quoted, as one word: it can be an operand, never a command of its own.
        known = f'"${{{_VALUE}}}"' if template and is_opaque(value) else value.replace(MANY, UNKNOWN)
        text = template.replace("{}", known) if "{" in template else f"{template} {known}"
        if "{" in text and "{}" not in template:
            # `{.}`, `{/}` and the like are pieces of the value.
            text = text.replace("{", TAME).replace("}", "")
        run_text(judge, text, inner, label)
    if len(values) > _MAX_LINES:
        judge.opaque("opaque.words", "has too many words to be judged", template)


def texts(job: Job) -> None:
    """``watch``, ``hyperfine``, ``concurrently``: every operand is a text for a shell."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _strict(judge, reading, label)
    for option, _, value in reading.found:
        if option.use is not None and value is not None:
            apply_use(judge, option.use, value, call, label)
    if reading.calm:
        return
    found = [" ".join(reading.operands)] if rule.language == "joined" else reading.operands
    for text in found:
        if text:
            run_text(judge, text, call, label)


def from_input(job: Job) -> None:
    """``at`` and ``batch`` run later what they read now."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    judge.add(Tier.MEDIUM, label, "runs commands later", " ".join(call.argv))
    reading = read(args, rule)
    for name in reading.values("-f"):
        run_script(judge, name, call, label)
    if not reading.has("-f", "-l", "-c", "-r", "-d"):
        run_text(judge, call.stdin if call.stdin is not None else UNKNOWN, call, label)


def unclear(job: Job) -> None:
    """A wrapper whose options are not understood: high, and what looks like the wrapped command is judged as well."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    judge.add(Tier.HIGH, label, rule.why, " ".join(call.argv))
    for index, word in enumerate(args):
        if judge.rule_of(word.rpartition("/")[2]) is not None:
            judge.wrap(args[index:], call)
            return


FUNCTIONS = {
    "unclear": unclear,
    "shell": shell,
    "eval": evaluate,
    "source": source,
    "environ": environ,
    "plain": plain,
    "switch_user": switch_user,
    "lock": lock,
    "xargs": xargs,
    "parallel": parallel,
    "texts": texts,
    "from_input": from_input,
}

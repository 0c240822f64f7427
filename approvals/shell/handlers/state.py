"""Shell builtins that change what the shell knows: directories, variables, functions, traps, aliases."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.environment import judge_assignment
from approvals.shell.job import Job
from approvals.shell.marks import DEEP, MANY, TAME, UNKNOWN, is_opaque
from approvals.shell.paths import normalise
from approvals.shell.protect import is_token
from kernel.risk import Tier

_NAME = re.compile(r"([A-Za-z_]\w*)(\+?=)?(.*)", re.DOTALL)
_HIDDEN = re.compile(r"\[.*(\$\(|`)", re.DOTALL)


def _hides(judge: Judging, words: list[str]) -> bool:
    """Builtins evaluate the subscripts of names that they are given, quoted or not."""
    for word in words:
        if _HIDDEN.search(word):
            judge.opaque("opaque.subscript", "hides a substitution in a subscript", word)
            return True
    return False


def change_directory(job: Job) -> None:
    """``cd``, ``pushd``: later relative paths start there."""
    judge, args, call = job.judge, job.args, job.call
    words = [arg for arg in args if not re.fullmatch(r"-[LPe@n]+|--", arg)]
    target = words[0] if words else call.scope.value("HOME")
    if target == "-" or is_opaque(target) or target.startswith("+"):
        call.scope.directories = (UNKNOWN,)
        return
    judge.watch(target, call)
    found = tuple(normalise(target, directory) for directory in call.scope.directories)
    call.scope.directories = tuple(dict.fromkeys(found))


def leave_directory(job: Job) -> None:
    """``popd`` returns to a directory that is not tracked."""
    call = job.call
    call.scope.directories = (UNKNOWN,)


def declare(job: Job) -> None:
    """``export``, ``declare``, ``local``, ``readonly``: assignments, some of which other commands obey."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    flags = "".join(arg[1:] for arg in args if arg.startswith(("-", "+")))
    words = [arg for arg in args if not arg.startswith(("-", "+"))]
    if _hides(judge, words):
        return
    for word in words:
        match = _NAME.match(word)
        if match is None or is_opaque(match.group(1)) or MANY in word[:1]:
            judge.opaque("opaque.variable", "which variable it sets is not known beforehand", word)
            continue
        name, operator, value = match.groups()
        if "n" in flags:
            call.scope.forget(name)
        elif operator is None:
            if label in {"local", "declare", "typeset"} and name not in call.environment:
                call.scope.variables.setdefault(name, "")
            judge_assignment(judge.walk, name, call.scope.value(name), call)
        else:
            _set(judge, name, operator, value, call)


def _set(judge: Judging, name: str, operator: str, value: str, call: Call) -> None:
    whole = call.scope.value(name) + value if operator == "+=" else value
    whole = whole.replace(MANY, UNKNOWN)
    call.scope.assign(name, whole)
    judge_assignment(judge.walk, name, whole, call)


def unset(job: Job) -> None:
    """``unset`` removes variables; functions may be removed too."""
    judge, args, call = job.judge, job.args, job.call
    words = [arg for arg in args if not arg.startswith("-")]
    if _hides(judge, words):
        return
    for word in words:
        call.scope.forget(word)
        if word == "PATH":
            judge.add(Tier.MEDIUM, "variable.PATH", "changes where programs are found", word)


def read_names(job: Job) -> None:
    """``read``, ``mapfile``, ``getopts``: variables whose values come from elsewhere."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if _hides(judge, args):
        return
    if label in {"mapfile", "readarray"} and any(arg.startswith("-C") for arg in args):
        judge.opaque("opaque.callback", "runs a callback for each line", " ".join(call.argv))
    names = [arg for arg in args if re.fullmatch(r"[A-Za-z_]\w*", arg)] or ["REPLY"]
    line = call.stdin
    known = line is not None and DEEP in line and "\n" not in line.rstrip("\n") and len(names) == 1
    for name in names:
        call.scope.forget(name)
        if known and line is not None and label == "read":
            call.scope.variables[name] = line.rstrip("\n")


def let(job: Job) -> None:
    """``let`` evaluates arithmetic."""
    judge, args, call = job.judge, job.args, job.call
    if _hides(judge, args) or any("$(" in arg or "`" in arg for arg in args):
        judge.opaque("opaque.arithmetic", "hides a substitution in arithmetic", " ".join(args))
        return
    for arg in args:
        name = re.match(r"[A-Za-z_]\w*", arg)
        if name:
            call.scope.assign(name.group(), TAME)


def test(job: Job) -> None:
    """``test`` only looks, but evaluates the subscripts behind ``-v``."""
    judge, args = job.judge, job.args
    if "-v" in args or "-R" in args:
        _hides(judge, args)


def set_options(job: Job) -> None:
    """``set`` changes options and positional parameters."""
    args, call = job.args, job.call
    words = list(args)
    while words and words[0].startswith(("-", "+")) and words[0] != "--":
        words = words[2:] if words[0].endswith("o") else words[1:]
    if words:
        call.scope.positional = (
            None if MANY in "".join(words) else tuple(words[1:] if words[0] == "--" else words)
        )


def shift(job: Job) -> None:
    """``shift`` drops positional parameters."""
    args, call = job.args, job.call
    if call.scope.positional is not None:
        count = int(args[0]) if args and args[0].isdigit() else 1
        call.scope.positional = call.scope.positional[count:]


def trap(job: Job) -> None:
    """``trap TEXT SIGNAL`` runs a text later."""
    judge, args, call = job.judge, job.args, job.call
    words = [arg for arg in args if arg != "--"]
    if not words or words[0] in {"-l", "-p", "-", ""} or words[0].isdigit():
        return
    judge.runs += 1
    judge.walk.text(words[0], call.scope.copy())


def alias(job: Job) -> None:
    """``alias NAME=TEXT`` gives a text a name; the text is judged, and the name is no longer what it was."""
    judge, args, call = job.judge, job.args, job.call
    for arg in args:
        name, equals, text = arg.partition("=")
        if not equals:
            continue
        judge.runs += 1
        judge.walk.text(text, call.scope.copy())
        if is_opaque(name):
            judge.opaque("opaque.alias", "which name it gives a meaning is not known beforehand", arg)


def shell_option(job: Job) -> None:
    """``shopt``, ``enable``, ``hash -p``, ``complete -C``, ``bind -x``: what changes how names are resolved."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if label == "shopt" and "expand_aliases" not in args:
        return
    grave = {
        "enable": {"-f", "-n"},
        "hash": {"-p"},
        "complete": {"-C", "-F"},
        "compgen": {"-C", "-F"},
        "bind": {"-x"},
    }
    wanted = grave.get(label, set[str]())
    if label == "shopt" or any(arg[:2] in wanted for arg in args):
        judge.opaque(f"opaque.{label}", "changes what later commands mean", " ".join(call.argv))


def print_variables(job: Job) -> None:
    """``printenv NAME`` prints variables, ``printf -v`` sets one."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if label == "printf":
        if args[:1] == ["-v"]:
            _hides(judge, args[1:2])
            if len(args) > 1:
                call.scope.forget(args[1])
        return
    for arg in args:
        if is_token(arg):
            judge.add(Tier.DENY, "hermes.token", "reads one of Hermes' own secrets", arg)


FUNCTIONS = {
    "cd": change_directory,
    "popd": leave_directory,
    "declare": declare,
    "unset": unset,
    "read": read_names,
    "let": let,
    "test": test,
    "set": set_options,
    "shift": shift,
    "trap": trap,
    "alias": alias,
    "shopt": shell_option,
    "printenv": print_variables,
}

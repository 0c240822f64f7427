"""``find`` and ``fd``: expressions with actions of their own."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque, may_be_option
from approvals.shell.options import read
from approvals.shell.outputs import found_below, glob_marks
from approvals.shell.rule import Use
from approvals.shell.wordlist import words

_ONE_VALUE = words(
    """
    -name -iname -path -ipath -wholename -iwholename -regex -iregex -lname -ilname -type -xtype -size -mtime
    -atime -ctime -mmin -amin -cmin -newer -anewer -cnewer -user -group -uid -gid -perm -links -inum
    -samefile -fstype -maxdepth -mindepth -printf -used -regextype -context
    """
)
_NO_VALUE = words(
    """
    -print -print0 -ls -prune -quit -true -false -empty -depth -d -mount -xdev -follow -daystart -noleaf
    -readable -writable -executable -nouser -nogroup -a -and -o -or -not ! ( ) , -warn -nowarn
    -ignore_readdir_race -noignore_readdir_race -H -L -P -O0 -O1 -O2 -O3 --version --help
    """
)
_EXECUTES = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_WRITES = frozenset({"-fprint", "-fprint0", "-fls", "-fprintf"})


class _Expression:
    """One ``find`` command line, read from left to right."""

    def __init__(self, judge: Judging, args: list[str], call: Call) -> None:
        self.judge = judge
        self.call = call
        self.args = args
        self.position = 0
        self.roots: list[str] = []
        self.names: list[str] = []
        self.alternatives = 0
        self.negated = False

    def run(self) -> None:
        while self.position < len(self.args) and self._is_root(self.args[self.position]):
            self._root(self.args[self.position])
            self.position += 1
        self._collect_names()
        while self.position < len(self.args):
            word = self.args[self.position]
            self.position += 1
            if not self._predicate(word):
                self.judge.opaque("find.predicate", "has an expression that the rules do not know", word)
                return

    def _is_root(self, word: str) -> bool:
        return word in {"-H", "-L", "-P"} or not word.startswith(("-", "(", "!", ","))

    def _root(self, word: str) -> None:
        if word in {"-H", "-L", "-P"}:
            return
        if may_be_option(word):
            self.judge.opaque("opaque.option", "a word that is not known beforehand may be an option", word)
        self.judge.watch(word, self.call)
        self.roots.append(word)

    def _collect_names(self) -> None:
        for index, word in enumerate(self.args):
            if word in {"-name", "-iname"} and index + 1 < len(self.args):
                self.names.append(self.args[index + 1])
            self.alternatives += word in {"-o", "-or"}
            self.negated = self.negated or word in {"!", "-not"}

    def found(self) -> list[str]:
        """Return patterns of what the actions are applied to."""
        named = self.names and len(self.names) == self.alternatives + 1 and not self.negated
        # A name that everything has says nothing.
        names = [glob_marks(name) if name.strip("*") else "" for name in self.names] if named else [""]
        return [found_below(root, name) for root in self.roots or ["."] for name in names]

    def _predicate(self, word: str) -> bool:
        if word in _EXECUTES:
            self._execute()
        elif word == "-delete":
            for path in self.found():
                self.judge.touch(Effect.DELETE_TREE, path, self.call)
        elif word in _WRITES:
            self.judge.touch(Effect.WRITE, self._value(), self.call)
            self.position += word == "-fprintf"
        elif word in _ONE_VALUE or re.fullmatch(r"-newer[aBcmt]{2}", word):
            self._value()
        elif word == "-files0-from":
            self.judge.opaque("find.files0", "which files it works on is not known beforehand", word)
            self._value()
        else:
            return word in _NO_VALUE and not is_opaque(word)
        return True

    def _value(self) -> str:
        value = self.args[self.position] if self.position < len(self.args) else ""
        self.position += 1
        return value

    def _execute(self) -> None:
        command: list[str] = []
        while self.position < len(self.args):
            word = self._value()
            if word == ";" or (word == "+" and command[-1:] == ["{}"]):
                break
            command.append(word)
        else:
            self.judge.opaque("find.exec", "runs a command whose end is uncertain", " ".join(command))
        inner = self.call.inner(command)
        inner.stdin = None
        for path in self.found():
            self.judge.wrap([word.replace("{}", path) for word in command], inner)


def find(job: Job) -> None:
    """``find ROOTS EXPRESSION``."""
    judge, args, call = job.judge, job.args, job.call
    _Expression(judge, args, call).run()


def fd(job: Job) -> None:
    """``fd PATTERN [ROOT…] -x COMMAND``."""
    judge, rule, args, call = job.judge, job.rule, job.args, job.call
    actions = {"-x", "--exec", "-X", "--exec-batch"}
    cut = next(
        (
            index
            for index, word in enumerate(args)
            if word in actions or word.startswith(("--exec=", "--exec-batch="))
        ),
        len(args),
    )
    reading = read(args[:cut], rule)
    for word in reading.operands[1:]:
        judge.watch(word, call)
    command = args[cut + 1 :]
    if cut < len(args) and "=" in args[cut]:
        command = [args[cut].partition("=")[2], *command]
    if not command:
        return
    root = reading.operands[1] if len(reading.operands) > 1 else "."
    path = found_below(root, "")
    words = [word.replace("{}", path).replace("{.}", path).replace("{/}", path) for word in command]
    judge.wrap(words if words != command else [*words, path], call)


def read_tree(job: Job) -> None:
    """``grep`` and its kin: recursive only with an option, and the pattern is data."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    for option, name, value in reading.found:
        if option.use is Use.PROGRAM and value:
            judge.add(option.tier, f"{label} {name}", option.why, value)
            judge.wrap([value], call)
        elif option.use is Use.READ and value:
            judge.touch(Effect.READ, value, call)
    recursive = rule.language == "recursive" or reading.has(
        "-r", "-R", "--recursive", "--dereference-recursive"
    )
    patterns = reading.has("-e", "--regexp", "-f", "--file", "--files")
    paths = reading.operands if patterns else reading.operands[1:]
    if recursive and not paths and call.stdin is None:
        paths = ["."]
    for word in paths:
        judge.touch(Effect.READ_TREE if recursive else Effect.READ, word, call)


FUNCTIONS = {"find": find, "fd": fd, "read_tree": read_tree}

"""Programs on files whose operands are not just files: chmod, dd, tar, rsync, zip, rm."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import STAR, is_opaque
from approvals.shell.options import Reading, read
from approvals.shell.uses import judge_options, run_text
from kernel.risk import Tier

_OPEN_TO_ALL = re.compile(
    r"0*[0-7]?[0-7][0-7][2367]\Z|([ugoa]*[oa][ugoa]*|)[+=][rxXst]*w|.*[,]?[oa]\+\w*w|\+\w*w"
)
_SPECIAL = re.compile(r"0*[2-7][0-7]{3}\Z|.*[ugo+=,]\w*s")
_REMOTE = re.compile(r"([\w.-]+@)?[\w.-]+:(?!\\)|rsync://|\w+@")


def remove(job: Job) -> None:
    """``rm``: deletes trees with ``-r``, otherwise files."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    if reading.calm:
        return
    recursive = reading.has("-r", "-R", "--recursive")
    _doubts(judge, reading)
    if reading.has("--no-preserve-root"):
        judge.add(
            Tier.HIGH,
            f"{label} --no-preserve-root",
            "lifts the protection of the root directory",
            " ".join(call.argv),
        )
    for word in reading.operands:
        judge.touch(Effect.DELETE_TREE if recursive else Effect.DELETE, word, call)


def _doubts(judge: Judging, reading: Reading) -> None:
    if reading.uncertain:
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[0]
        )


def copy(job: Job) -> None:
    """``cp``, ``install``, ``ln``: many sources, one target; what is copied keeps its content."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm or len(reading.operands) < 2:  # noqa: PLR2004 - source and target
        return
    source, target = reading.operands[-2], reading.operands[-1]
    if source == "/dev/null":
        judge.touch(Effect.EMPTY, target, call)
    content = judge.content(source, call)
    if not is_opaque(content) or source in judge.walk.pipes:
        judge.wrote(target, call, content)
    if reading.has("-r", "-R", "-a", "--recursive", "--archive"):
        for word in reading.operands[:-1]:
            judge.touch(Effect.READ_TREE, word, call)


def mode(job: Job) -> None:
    """``chmod MODE FILES``."""
    judge, args, call = job.judge, job.args, job.call
    options = [arg for arg in args if re.fullmatch(r"-[Rvfc]+|--[a-z-]+(=.*)?", arg)]
    words = [arg for arg in args if arg not in options and arg != "--"]
    recursive = any(arg == "--recursive" or (not arg.startswith("--") and "R" in arg) for arg in options)
    given = words[:1] if not any(arg.startswith("--ref") for arg in options) else []
    for value in given:
        _mode_value(judge, value, " ".join(call.argv))
    for word in words[len(given) :]:
        judge.touch(Effect.CHANGE_TREE if recursive else Effect.CHANGE, word, call)


def _mode_value(judge: Judging, value: str, piece: str) -> None:
    if is_opaque(value):
        judge.opaque("opaque.mode", "which rights it gives is not known beforehand", piece)
    elif _SPECIAL.match(value):
        judge.add(Tier.HIGH, "chmod.setuid", "lets a program run with another user's rights", piece)
    elif _OPEN_TO_ALL.match(value):
        judge.add(Tier.MEDIUM, "chmod.open", "lets everybody write", piece)


def owner(job: Job) -> None:
    """``chown OWNER FILES`` and ``chgrp``, ``chattr``, ``setfacl``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    recursive = reading.has("-R", "--recursive")
    judge.add(Tier.MEDIUM, label, "changes who owns or may use files", " ".join(call.argv))
    skip = 0 if reading.has("--reference") else 1
    for word in reading.operands[skip:]:
        judge.touch(Effect.CHANGE_TREE if recursive else Effect.CHANGE, word, call)


def disk(job: Job) -> None:
    """``dd if=… of=…``."""
    judge, args, call = job.judge, job.args, job.call
    for arg in args:
        key, _, value = arg.partition("=")
        if key == "of":
            judge.touch(Effect.WRITE, value, call)
            judge.wrote(value, call)
        elif key == "if":
            judge.touch(Effect.READ, value, call)
        elif is_opaque(key):
            judge.opaque("opaque.option", "a word that is not known beforehand may be an option", arg)


def archive(job: Job) -> None:
    """``tar``: lists, creates or extracts; some options run programs."""
    judge, rule, args, call = job.judge, job.rule, job.args, job.call
    words = list(args)
    if words and not words[0].startswith("-"):
        words = _old_style(words)
    reading = read(words, rule)
    _doubts(judge, reading)
    judge_options(judge, reading, call, "tar")
    for value in reading.values("--checkpoint-action"):
        _checkpoint(judge, value, call)
    files = reading.values("-f", "--file")
    creates = not reading.has("-x", "--extract", "--get", "-t", "--list", "-d", "--diff", "--compare")
    for name in files:
        judge.touch(Effect.WRITE if creates else Effect.READ, name, call)
    if reading.has("-x", "--extract", "--get"):
        _extract(judge, reading, call)
    elif creates:
        for target in reading.values("-C", "--directory"):
            judge.touch(Effect.READ_TREE, target, call)
        removes = reading.has("--remove-files")
        for word in reading.operands:
            judge.touch(Effect.DELETE_TREE if removes else Effect.READ_TREE, word, call)


def _old_style(words: list[str]) -> list[str]:
    """``tar xzf FILE``: letters without a dash take their values in order."""
    letters, rest = words[0], words[1:]
    new: list[str] = []
    for letter in letters:
        new.append(f"-{letter}")
        if letter in "fCTXbgVNKIFL" and rest:
            new.append(rest.pop(0))
    return new + rest


def _extract(judge: Judging, reading: Reading, call: Call) -> None:
    for target in reading.values("-C", "--directory") or ["."]:
        judge.touch(Effect.WRITE, target, call)
    if reading.has("-P", "--absolute-names"):
        judge.add(Tier.HIGH, "tar -P", "writes wherever the archive says", " ".join(call.argv))


def _checkpoint(judge: Judging, value: str, call: Call) -> None:
    kind, _, text = value.partition("=")
    if kind == "exec":
        judge.add(Tier.MEDIUM, "tar --checkpoint-action", "runs a command", value)
        run_text(judge, text, call, "tar")
    elif is_opaque(kind):
        judge.opaque("tar --checkpoint-action", "runs something that is not known beforehand", value)


def synchronise(job: Job) -> None:
    """``rsync`` and ``scp``: another machine's side is not ours, and sending there is asked."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    _doubts(judge, reading)
    judge_options(judge, reading, call, label)
    if reading.calm or not reading.operands:
        return
    *sources, target = reading.operands
    for word in sources:
        if not _REMOTE.match(word):
            judge.touch(
                Effect.READ_TREE if label == "rsync" or reading.has("-r") else Effect.READ, word, call
            )
    if _REMOTE.match(target):
        judge.add(Tier.MEDIUM, f"{label}.remote", "sends files to another machine", target)
        judge.production(call, label)
    else:
        judge.touch(Effect.WRITE, target, call)
    if any(name.startswith("--del") for _, name, _ in reading.found) and not _REMOTE.match(target):
        judge.touch(Effect.DELETE_TREE, f"{target.rstrip('/')}/{STAR}", call)


FUNCTIONS = {
    "rm": remove,
    "copy": copy,
    "chmod": mode,
    "chown": owner,
    "dd": disk,
    "tar": archive,
    "rsync": synchronise,
}

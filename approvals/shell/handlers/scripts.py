"""``sed`` and ``awk``: little languages that can write files and run commands."""

import re
from collections.abc import Iterator

from approvals.shell.ansi import decode_ansi
from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque
from approvals.shell.options import read
from approvals.shell.uses import run_script, run_text
from kernel.risk import Tier

_ADDRESS = re.compile(
    r"\s*(?:(?:\d+(?:~\d+)?|\$|/(?:\\.|\[(?:\\.|[^]])*\]|[^/\\\n])*/[IM]*|\\(.)(?:\\."
    r"|(?!\1).)*\1[IM]*)\s*(?:,\s*(?:[+~]?\d+|\$|/(?:\\.|\[(?:\\.|[^]])*\]|[^/\\\n])*/[IM]*)\s*)?)?!*\s*",
    re.DOTALL,
)
_SIMPLE = frozenset("dDgGhHlnNpPqQxz=F{}")
_TO_LINE_END = frozenset("aic:btTr#R")
_NEXT = re.compile(r"[\s;]*")


def sed_commands(script: str) -> Iterator[tuple[str, str]]:
    """Yield each command that writes or executes as ``(kind, text)``; ``("?", …)`` when the script cannot be read."""
    position = 0
    while position < len(script):
        position = _end(_NEXT.match(script, position))
        if position >= len(script):
            return
        position = _end(_ADDRESS.match(script, position))
        letter = script[position : position + 1]
        position += 1
        if letter in _SIMPLE:
            continue
        if letter in {"s", "y"}:
            position, flags, written = _substitution(script, position)
            if position < 0:
                yield "?", script
                return
            if "e" in flags:
                yield "e", ""
            if written is not None:
                yield "w", written
            continue
        end = script.find("\n", position)
        end = len(script) if end < 0 else end
        rest = script[position:end].strip()
        if letter in {"w", "W", "e"}:
            yield letter.lower(), rest
        elif letter not in _TO_LINE_END:
            yield "?", script
            return
        position = _label_end(script, position, end) if letter in "btT:" else end


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _label_end(script: str, position: int, end: int) -> int:
    cut = script.find(";", position, end)
    return end if cut < 0 else cut


def _substitution(script: str, position: int) -> tuple[int, str, str | None]:
    """Read behind an ``s`` or ``y``: both parts, the flags, and a file that the ``w`` flag names."""
    delimiter = script[position : position + 1]
    if not delimiter or delimiter in "\n\\":
        return -1, "", None
    position += 1
    for part in range(2):
        position = _part_end(script, position, delimiter, classes=part == 0)
        if position < 0:
            return -1, "", None
    flags = re.compile(r"[0-9gpeIiMm]*").match(script, position)
    position = _end(flags)
    text = flags.group() if flags else ""
    if script[position : position + 1] == "w":
        end = script.find("\n", position)
        end = len(script) if end < 0 else end
        return end, text, script[position + 1 : end].strip()
    return position, text, None


def _part_end(script: str, position: int, delimiter: str, *, classes: bool) -> int:
    while position < len(script):
        char = script[position]
        if char == "\\":
            position += 2
        elif char == delimiter:
            return position + 1
        elif char == "[" and classes and delimiter not in "[]":
            close = re.compile(r"\[\^?\]?(?:\[:\w+:\]|[^]])*\]").match(script, position)
            position = close.end() if close and delimiter not in close.group() else position + 1
        else:
            position += 1
    return -1


def sed(job: Job) -> None:
    """``sed [-i] SCRIPT FILES``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    if reading.uncertain[:1] and reading.operands[:1] == reading.uncertain[:1]:
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[0]
        )
    for name in reading.values("-f", "--file"):
        run_script(judge, name, call, label)
    scripts = reading.values("-e", "--expression")
    files = reading.operands
    if not reading.has("-e", "-f", "--expression", "--file"):
        scripts, files = files[:1], files[1:]
    for script in scripts:
        _sed_script(judge, script, call)
    in_place = reading.has("-i", "--in-place")
    for word in files:
        judge.touch(Effect.WRITE if in_place else Effect.READ, word, call)
    if in_place and not reading.calm:
        judge.add(Tier.MEDIUM, "sed -i", "edits files in place", " ".join(call.argv))


def _sed_script(judge: Judging, script: str, call: Call) -> None:
    if is_opaque(script):
        if re.search(r"[\ue000\ue001]", script):
            judge.opaque("opaque.sed", "runs a script that is not known beforehand", script)
        return
    for kind, text in sed_commands(script):
        if kind == "w":
            if text not in {"/dev/stdout", "/dev/stderr"}:
                judge.touch(Effect.WRITE, text, call)
        elif kind == "e":
            judge.add(Tier.MEDIUM, "sed.e", "runs a command from its script", script)
            run_text(judge, text, call, "sed") if text else judge.opaque(
                "sed.e", "runs its input as commands", script
            )
        else:
            judge.add(Tier.MEDIUM, "sed.script", "has a script that is not understood", script)


_AWK_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_AWK_REGEX = re.compile(r"(?:(?<=[(,~!{};&|\n])|^|(?<=~\s)|(?<=[({,;&|!]\s))/(?:[^/\\\n]|\\.)+/")
_AWK_COMMENT = re.compile(r"#[^\n]*")
_AWK_SYSTEM = re.compile(r"\bsystem\s*\(\s*(\x00\d+\x00)?\s*(\)?)")
_AWK_PIPE_FROM = re.compile(r"(\x00\d+\x00)?\s*\|&?\s*getline")
_AWK_PIPE_TO = re.compile(r"(?<!\|)\|&?(?!\|)\s*(\x00\d+\x00)?\s*(?=[;}\n]|\Z)?")
_AWK_FILE = re.compile(r"\bprintf?\b[^;}\n]*?>{1,2}\s*([^;}\s]+)")


def awk(job: Job) -> None:
    """``awk PROGRAM FILES``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    for name in reading.values("-f", "--file", "-E", "-i", "--include", "-l", "--load"):
        run_script(judge, name, call, label)
    for text in reading.values("-e", "--source"):
        _awk_program(judge, text, call)
    words = reading.operands
    if not reading.has("-f", "--file", "-e", "--source", "-E"):
        if reading.uncertain[:1] == words[:1] and words:
            judge.opaque("opaque.awk", "runs a program that is not known beforehand", words[0])
        elif words:
            _awk_program(judge, words[0], call)
        words = words[1:]
    for word in words:
        judge.touch(Effect.READ, word, call)
    if "inplace" in reading.values("-i", "--include"):
        for word in words:
            judge.touch(Effect.WRITE, word, call)


def _awk_program(judge: Judging, program: str, call: Call) -> None:
    if is_opaque(program):
        judge.opaque("opaque.awk", "runs a program that is not known beforehand", program)
        return
    strings: list[str] = []

    def keep(match: re.Match[str]) -> str:
        strings.append(decode_ansi(match.group()[1:-1]))
        return f"\x00{len(strings) - 1}\x00"

    bare = _AWK_COMMENT.sub("", _AWK_REGEX.sub("0", _AWK_STRING.sub(keep, program)))
    if re.search(r"@(load|include)\b|@\w+\s*\(", bare):
        judge.opaque("awk.load", "loads or calls something indirectly", program)
    for text in _awk_runs(bare, strings):
        if text is None:
            judge.opaque("awk.runs", "runs a command that is not known beforehand", program)
            continue
        judge.add(Tier.MEDIUM, "awk.runs", "runs a command from its program", text)
        run_text(judge, text, call, "awk")
    for match in _AWK_FILE.finditer(bare.replace("||", "  ")):
        target = match.group(1)
        if not re.fullmatch(r"\x00\d+\x00", target):
            judge.opaque("awk.file", "writes to a file that is not known beforehand", program)
        elif not strings[int(target.strip("\x00"))].startswith("/dev/std"):
            judge.touch(Effect.WRITE, strings[int(target.strip("\x00"))], call)


def _awk_runs(bare: str, strings: list[str]) -> Iterator[str | None]:
    """Yield the commands of ``system()``, ``| getline`` and ``print |``; ``None`` where one is computed."""
    for match in _AWK_SYSTEM.finditer(bare):
        yield strings[int(match.group(1).strip("\x00"))] if match.group(1) and match.group(2) else None
    for match in _AWK_PIPE_FROM.finditer(bare):
        before = bare[: match.start()].rstrip()
        joined = before.endswith("\x00") or (before[-1:].isalnum() or before[-1:] in {")", "]", "_"})
        yield None if joined or not match.group(1) else strings[int(match.group(1).strip("\x00"))]
    for match in _AWK_PIPE_TO.finditer(_AWK_PIPE_FROM.sub("", bare)):
        yield strings[int(match.group(1).strip("\x00"))] if match.group(1) else None


FUNCTIONS = {"sed": sed, "awk": awk}

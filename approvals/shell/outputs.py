"""What a command prints, where that is known without running it: how literals hidden behind a decoder come to light."""

import base64
import binascii
import codecs
import re
from collections.abc import Callable

from approvals.shell.ansi import decode_ansi, decode_output
from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.marks import DEEP, STAR, TAME, UNKNOWN, is_opaque, is_static
from approvals.shell.rule import Rule
from approvals.shell.wordlist import words

MAX_DECODED = 65_536
_PRINTF = re.compile(r"%(%|[-+ #0]*\d*(?:\.\d+)?([sbdiuxXoqc]))")
_HEX = re.compile(r"[0-9A-Fa-f\s]+\Z")
_MARK = re.compile("[\ue000-\uf8ff]")


# Formats that print nothing but hashes.
_HASHES = re.compile(r"--(format|pretty)=(t?format:)?%[HhTt]")


def output_of(judge: Judging, rule: Rule, program: str, call: Call) -> str:
    """Return the output of a command in marked text."""
    producer = _PRODUCERS.get(program)
    if producer is not None:
        return producer(judge, call)
    if rule.prints == "tame":
        return TAME
    if rule.prints == "paths":
        return _paths(program, call)
    if rule.prints == "nothing":
        return ""
    if rule.prints == "lines":
        return _lines(call)
    return _git(call) if program == "git" else UNKNOWN


def _paths(program: str, call: Call) -> str:
    """Names below the directory that a listing starts in."""
    if program == "mktemp":
        return "/tmp/tmp." + TAME  # noqa: S108 - where mktemp makes them
    if program == "find":
        return _found(call)
    return call.scope.directories[0] + "/" + DEEP


def _lines(call: Call) -> str:
    """A filter passes on the paths that it is given; ``grep -l`` prints paths of its own."""
    if call.stdin is not None and DEEP in call.stdin and "\n" not in call.stdin.rstrip("\n"):
        return call.stdin
    if call.stdin == TAME:
        return TAME
    flags = "".join(arg[1:] for arg in call.argv[1:] if arg.startswith("-") and not arg.startswith("--"))
    if "l" in flags or "--files-with-matches" in call.argv or "--files" in call.argv:
        return call.scope.directories[0] + "/" + DEEP
    return UNKNOWN


def _found(call: Call) -> str:
    """``find`` prints what it finds below its roots; the last ``-name`` tells how the names look."""
    args = call.argv[1:]
    roots: list[str] = []
    for arg in args:
        if arg.startswith(("-", "(", "!")):
            break
        roots.append(arg)
    if len(roots) > 1 or any(arg in {"-printf", "-fprintf", "-exec"} for arg in args):
        return UNKNOWN
    root = roots[0] if roots else "."
    names = [args[index + 1] for index, arg in enumerate(args[:-1]) if arg in {"-name", "-iname"}]
    alternatives = any(arg in {"-o", "-or", "!", "-not"} for arg in args)
    name = glob_marks(names[0]) if len(names) == 1 and not alternatives else ""
    return found_below(root, name)


def found_below(root: str, name: str) -> str:
    """Return the pattern of what lies below a root under a name (or any name)."""
    return f"{root.rstrip('/') or ''}/{DEEP}" + (f"/{name}" if name else "")


def glob_marks(pattern: str) -> str:
    """Return a quoted glob with its wild cards as marks."""
    return re.sub(r"\*+", STAR, re.sub(r"\?|\[[^]]*\]", "\ue004", pattern))


_GIT_TAME = words("rev-parse merge-base describe rev-list symbolic-ref hash-object write-tree")
_GIT_PATHS = words("ls-files diff ls-tree status show")


def _git(call: Call) -> str:
    args = [arg for arg in call.argv[1:] if arg != "--no-pager"]
    verb = args[0] if args else ""
    if verb in _GIT_TAME or "--show-current" in args:
        return call.scope.directories[0] if "--show-toplevel" in args else TAME
    if verb in {"log", "show", "rev-list"} and any(_HASHES.fullmatch(arg) for arg in args):
        return TAME
    if verb == "ls-files" or (verb in _GIT_PATHS and "--name-only" in args):
        return call.scope.directories[0] + "/" + DEEP
    return UNKNOWN


def _known(text: str | None) -> str | None:
    return None if text is None or is_opaque(text) or len(text) > MAX_DECODED else text


def _clean(data: bytes) -> str:
    """Decoded bytes as text; a private-use character in it would pass for a mark."""
    return _MARK.sub("\ufffd", data.decode("utf-8", "replace"))[:MAX_DECODED]


def _echo(_judge: Judging, call: Call) -> str:
    words, escapes, newline = call.argv[1:], False, "\n"
    while words and re.fullmatch(r"-[neE]+", words[0]):
        escapes = escapes or "e" in words[0]
        newline = "" if "n" in words[0] else newline
        words = words[1:]
    text = " ".join(words)
    return (decode_output(text) if escapes else text) + newline


def _printf(_judge: Judging, call: Call) -> str:
    words = call.argv[1:]
    if words[:1] == ["--"]:
        words = words[1:]
    if not words or words[0] == "-v":
        return ""
    template, values = decode_output(words[0]), list(words[1:])
    printed: list[str] = []
    while True:
        printed.append(_PRINTF.sub(lambda match: _format(match, values), template))
        if not values or "%" not in template or len(printed) > MAX_PRINTF:
            break
    return "".join(printed)


MAX_PRINTF = 300


def _format(match: re.Match[str], values: list[str]) -> str:
    if match.group(1) == "%":
        return "%"
    value = values.pop(0) if values else ""
    kind = match.group(2)
    if kind == "b":
        return decode_output(value)
    if kind == "s":
        return value
    if kind == "c":
        return value[:1]
    return value if kind in "di" and is_static(value) and value.lstrip("-").isdigit() else TAME


def _input(judge: Judging, call: Call, *, skip: int = 0) -> str | None:
    """Return what a filter reads: its file operands, else its standard input."""
    names = [word for word in call.argv[1:] if not word.startswith("-") or word == "-"][skip:]
    if not names:
        return _known(call.stdin)
    return _known("".join(judge.content(name, call) for name in names))


def _filter(change: Callable[[str], str], *, skip: int = 0) -> Callable[[Judging, Call], str]:
    def run(judge: Judging, call: Call) -> str:
        text = _input(judge, call, skip=skip)
        if text is None:
            return UNKNOWN
        try:
            return change(text)
        except (ValueError, OSError, binascii.Error):
            return UNKNOWN

    return run


def _decoder(change: Callable[[str], str]) -> Callable[[Judging, Call], str]:
    """Return a filter that brings hidden text to light, and says so."""
    inner = _filter(change)

    def run(judge: Judging, call: Call) -> str:
        judge.walk.unveiled = True
        return inner(judge, call)

    return run


def _cat(judge: Judging, call: Call) -> str:
    return _input(judge, call) or (UNKNOWN if call.stdin != "" else "")


def _base64(judge: Judging, call: Call) -> str:
    if any(
        word in {"--decode", "-D"} or re.fullmatch(r"-[a-z]*d[a-z]*|--d\w*", word) for word in call.argv[1:]
    ):
        return _decoder(_decode_base64)(judge, call)
    return _filter(lambda text: base64.b64encode(text.encode()).decode() + "\n")(judge, call)


def _decode_base64(text: str) -> str:
    return _clean(base64.b64decode("".join(text.split()), validate=True))


def _decode_base32(text: str) -> str:
    return _clean(base64.b32decode("".join(text.split())))


def _decode_hex(text: str) -> str:
    if not _HEX.match(text):
        return UNKNOWN
    return _clean(bytes.fromhex("".join(text.split())))


def _xxd(judge: Judging, call: Call) -> str:
    if any("r" in word for word in call.argv[1:] if word.startswith("-")):
        return _decoder(_decode_hex)(judge, call)
    return UNKNOWN


def _openssl(judge: Judging, call: Call) -> str:
    judge.walk.unveiled = True
    if (
        {"base64", "-base64", "-a"} & set(call.argv)
        and "-d" in call.argv
        and not {"-in", "-k", "-pass"} & set(call.argv)
    ):
        text = _known(call.stdin)
        try:
            return UNKNOWN if text is None else _decode_base64(text)
        except (ValueError, binascii.Error):
            return UNKNOWN
    return UNKNOWN


def _tr(judge: Judging, call: Call) -> str:
    judge.walk.unveiled = True
    text = _known(call.stdin)
    words = [word for word in call.argv[1:] if not re.fullmatch(r"-[cCdst]+", word)]
    flags = "".join(word[1:] for word in call.argv[1:] if re.fullmatch(r"-[cCdst]+", word))
    if text is None or not words or set(flags) - {"d"}:
        return UNKNOWN
    first = _tr_set(words[0])
    if "d" in flags:
        return "".join(char for char in text if char not in first)
    second = _tr_set(words[1]) if len(words) > 1 else ""
    if not first or not second:
        return UNKNOWN
    second = second.ljust(len(first), second[-1])
    return text.translate({ord(char): second[index] for index, char in reversed(list(enumerate(first)))})


_CLASSES = {
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:digit:]": "0123456789",
}


def _tr_set(text: str) -> str:
    for name, chars in _CLASSES.items():
        text = text.replace(name, chars)
    text = decode_ansi(text)
    return re.sub(r"(.)-(.)", lambda match: _span(match.group(1), match.group(2)), text, flags=re.DOTALL)


def _span(first: str, last: str) -> str:
    return "".join(chr(code) for code in range(ord(first), min(ord(last), ord(first) + 512) + 1))


def _sed(_judge: Judging, call: Call) -> str:
    """Only plain literal substitutions are worked out."""
    words = [word for word in call.argv[1:] if word not in {"-e", "-E", "-r"}]
    text = _known(call.stdin)
    match = re.fullmatch(r"s(.)([\w ./-]*)\1([\w ./-]*)\1(g?)", words[0]) if len(words) == 1 else None
    if text is None or match is None or "." in match.group(2):
        return UNKNOWN
    limit = -1 if match.group(4) else 1
    return "\n".join(line.replace(match.group(2), match.group(3), limit) for line in text.split("\n"))


def _tee(_judge: Judging, call: Call) -> str:
    return call.stdin if call.stdin is not None else ""


def _name(_judge: Judging, call: Call) -> str:
    """``basename`` and ``dirname`` of a known path."""
    if len(call.argv) != 2 or not is_static(call.argv[1]):  # noqa: PLR2004 - program and path
        return TAME if call.argv[0].endswith("basename") else UNKNOWN
    folder, _, name = call.argv[1].rstrip("/").rpartition("/")
    return name if call.argv[0].endswith("basename") else (folder or ".")


def _pwd(_judge: Judging, call: Call) -> str:
    return call.scope.value("PWD")


def _which(_judge: Judging, call: Call) -> str:
    """``which NAME`` prints where a program of that name lies."""
    names = [word for word in call.argv[1:] if not word.startswith("-")]
    return f"/usr/bin/{names[0]}" if len(names) == 1 and names[0].isidentifier() else TAME


def _nothing(_judge: Judging, _call: Call) -> str:
    return ""


_PRODUCERS: dict[str, Callable[[Judging, Call], str]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tac": _filter(lambda text: "\n".join(reversed(text.rstrip("\n").split("\n")))),
    "tee": _tee,
    "base64": _base64,
    "base32": _decoder(_decode_base32),
    "xxd": _xxd,
    "openssl": _openssl,
    "rev": _decoder(lambda text: "\n".join(line[::-1] for line in text.split("\n"))),
    "tr": _tr,
    "sed": _sed,
    "rot13": _filter(lambda text: codecs.encode(text, "rot13")),
    "pwd": _pwd,
    "which": _which,
    "basename": _name,
    "dirname": _name,
    "true": _nothing,
    ":": _nothing,
}

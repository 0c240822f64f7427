"""The gate protects itself: what could decide, grant, configure or read Hermes is recognised wherever it is named."""

import re

from approvals.shell.context import Context
from approvals.shell.paths import is_protected, normalise

_PIECES = re.compile(r"[=:,;@\s]+")
_TOKENS = re.compile(
    r"(HERMES_\w*(TOKEN|SECRET|KEY|PASSWORD)\w*|TELEGRAM_BOT_TOKEN|DISCORD_BOT_TOKEN|SLACK_\w*TOKEN"
    r"|SLACK_WEBHOOK_URL)\Z"
)
_ENVIRON = re.compile(r"/proc/[^/\s'\"]+/(environ|mem)\b")
_API = re.compile(r"/api/hermes/(approvals|grants|tokens|settings|config|pairing|people)")
_MODULE = re.compile(
    r"\b(?:import|from)\s+(?:hermes\b|approvals\b|store\.(?:database|approvals|grants|tokens)\b)|-m\s+hermes\b|\brequire\(['\"]hermes"
)
_DECIDES = re.compile(
    r"\bhermes['\",\s]+(approve|deny|approvals|config|grants|grant|tokens|pairing|setup|trust|mode)\b"
)


def mentions(word: str, directories: tuple[str, ...], context: Context) -> bool:
    """Tell whether a word, or a piece of it such as ``--file=PATH`` or ``HOST:PATH``, lies in Hermes' home."""
    if context.hermes_home in word and _stands_alone(word, context):
        return True
    if "/" not in word and "." not in word and "~" not in word:
        return False
    if _ENVIRON.search(word):
        return True
    for piece in (word, *_PIECES.split(word)):
        path = _home(piece.removeprefix("file://"), context)
        if path and any(is_protected(normalise(path, directory), context) for directory in directories):
            return True
    return False


def _stands_alone(word: str, context: Context) -> bool:
    """The default workspace lies inside the home and is no secret."""
    return not any(root.startswith(context.hermes_home + "/") and root in word for root in context.roots)


def _home(piece: str, context: Context) -> str:
    if piece == "~" or piece.startswith("~/"):
        return context.home + piece[1:]
    # `-o/path` and `-I/path` carry their value in the same word.
    match = re.match(r"-{1,2}[A-Za-z]+(?=[/~])", piece)
    return _home(piece[match.end() :], context) if match else piece


def in_code(text: str, context: Context) -> str | None:
    """Return why a piece of code touches Hermes itself, or ``None``."""
    name = context.hermes_home.rstrip("/").rpartition("/")[2]
    if context.hermes_home in text and _stands_alone(text, context):
        return "names Hermes' home"
    if name.startswith(".") and re.search(re.escape(name) + r"(?![\w-])", text):
        return "names Hermes' home"
    if "HERMES_HOME" in text:
        return "names Hermes' home"
    if _ENVIRON.search(text) or re.search(r"/proc/.{0,40}environ", text):
        return "reads another process's environment"
    if _API.search(text) or _MODULE.search(text) or _DECIDES.search(text):
        return "would decide, grant or configure Hermes"
    return None


def is_token(name: str) -> bool:
    """Tell whether a variable holds one of Hermes' own secrets."""
    return _TOKENS.match(name) is not None


def is_own_api(url: str, context: Context) -> bool:
    """Tell whether an address is Hermes' own local interface; any host may be a name of this machine."""
    host = re.sub(r"^\w+://", "", url).partition("/")[0].rpartition("@")[2]
    return host.endswith(f":{context.port}") or "/api/hermes/" in url

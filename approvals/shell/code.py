"""Inline interpreter code: at least medium; high with dynamic execution, processes or the network in it."""

import re
from collections.abc import Iterator

from approvals.shell.context import Context
from approvals.shell.protect import in_code
from kernel.risk import Tier

_NETWORK = re.compile(
    r"\b(socket|urllib|urlopen|requests|httpx|aiohttp|http\.client|ftplib|smtplib|telnetlib|paramiko"
    r"|fetch|XMLHttpRequest|WebSocket"
    r"|axios|Net::HTTP|TCPSocket|UDPSocket|open-uri|OpenURI|URI\.open|LWP|IO::Socket|HTTP::Tiny"
    r"|fsockopen|curl_init|stream_socket"
    r"|dgram|net\.connect|createConnection|Net\.|URLSession|HttpClient|java\.net|WebClient|xmlrpc"
    r"|websocket\w*)\b"
    r"|require\(\s*['\"](node:)?(https?|net|tls|dgram|http2)['\"]|from\s+['\"](node:)?(https?|net)['\"]"
    r"|file_get_contents\s*\(\s*['\"](https?|ftp|php|data):|https?://",
)
_DYNAMIC = re.compile(
    r"\b(eval|exec|execfile|compile|__import__|importlib|runpy|getattr|setattr|globals|locals|vars"
    r"|subprocess|popen\w*|pty|ctypes|cffi"
    r"|marshal|pickle|shelve|dill|execSync|execFile\w*|spawn\w*|child_process|Function|vm"
    r"|process\.binding|fork|Kernel|instance_eval"
    r"|class_eval|send|public_send|const_get|IO\.popen|Open3|PTY|shell_exec|passthru|proc_open"
    r"|pcntl_exec|assert|create_function"
    r"|system|syscall|qx|dlopen|loadlib|dofile|loadstring|Runtime|ProcessBuilder|DynaLoader|Fiddle"
    r"|unserialize"
    r"|multiprocessing|threading|signal|atexit|b64decode|unhexlify|fromhex|atob|frombase64|codecs"
    r"|bytes\.fromhex|unpack|chr|fromCharCode"
    r")\b|Deno\.(run|Command)|Bun\.(\$|spawn\w*)|\bos:cmd\b|:os\.cmd\b|open_port|System\.(cmd|shell)\b"
    r"|\.execute\(\s*\)|Process\.(Start|new)\b|Port\.open|\bimport\(|\brequire\(\s*[^'\"\s)]"
    r"|os\.(exec\w*|spawn\w*|posix_spawn\w*|kill|fork)|`[^`]*`|%x[\[({|]|\|\s*['\"]"
    r"|open\s*\(?\s*['\"][^'\"]*\||<\(|\$\{?\{?IFS",
)
_DESTRUCTIVE = re.compile(
    r"\b(rmtree|removedirs|rimraf|rmSync|rmdirSync|unlinkSync|rm_rf|rm_r|remove_entry\w*|remove_tree"
    r"|remove_dir_all|removeSync|emptyDir\w*|truncate)\b"
    r"|fs\.rm\b|(FileUtils|File)\.(rm\w*|delete)|Deno\.remove",
)
_CRITICAL = re.compile(
    r"['\"](/|~|/etc|/usr|/home|/var|/root|/bin|/lib|/boot|/dev/sd\w*|/dev/nvme\w*)(/\*?)?['\"]"
    r"|expanduser\(['\"]~['\"]\)|homedir\(\)"
)
_WRITES_SYSTEM = re.compile(
    r"['\"](/etc|/usr|/boot|/bin|/sbin|/lib|/dev|/sys|/proc)/[^'\"]*['\"]\s*,\s*['\"][wax]"
)


def judge_code(language: str, text: str, context: Context) -> Iterator[tuple[Tier, str, str]]:
    """Yield a tier, a rule and a reason for code that an interpreter gets on its command line or standard input."""
    own = in_code(text, context)
    if own is not None:
        yield Tier.DENY, "code.hermes", own
    if _DESTRUCTIVE.search(text) and _CRITICAL.search(text):
        yield Tier.DENY, "code.destroys", "deletes a root of the system or of a home"
    elif _WRITES_SYSTEM.search(text):
        yield Tier.DENY, "code.system", "writes to a part of the operating system"
    if _NETWORK.search(text):
        yield Tier.HIGH, "code.network", "is inline code that uses the network"
    elif _is_dynamic(language, text):
        yield Tier.HIGH, "code.dynamic", "is inline code that runs something else"
    elif _DESTRUCTIVE.search(text):
        yield Tier.HIGH, "code.deletes", "is inline code that deletes files"
    else:
        yield Tier.MEDIUM, "code", "is inline code"


def _is_dynamic(language: str, text: str) -> bool:
    # A template string of JavaScript is no command; elsewhere backquotes run one.
    shown = re.sub(r"`[^`]*`", "''", text) if language in {"node", "deno", "bun"} else text
    return _DYNAMIC.search(shown) is not None


_COMMANDS = re.compile(
    r"\b(?:system|popen\d?|exec\w*|shell_exec|passthru|proc_open|spawn\w*|run|call|check_call"
    r"|check_output|getoutput|Popen|qx|sh)"
    r"\s*\(?\s*(?:\[\s*)?[rbf]?(?P<quote>[\"'`])(?P<text>(?:\\.|(?!(?P=quote)).)*)(?P=quote)",
    re.DOTALL,
)
_BACKQUOTED = re.compile(r"`([^`]*)`|%x[\[({|]([^\])}|]*)|\bqx[\[({|/]([^\])}|/]*)")


def hidden_commands(language: str, text: str) -> Iterator[str]:
    """Yield the literal texts in the code that it would hand to a shell."""
    for match in _COMMANDS.finditer(text):
        yield match.group("text")
    if language in {"ruby", "perl", "php"}:
        for match in _BACKQUOTED.finditer(text):
            yield next(group for group in match.groups() if group is not None)

"""curl, wget and what else talks to the network; ssh's options that run programs."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.handlers.files import synchronise
from approvals.shell.job import Job
from approvals.shell.marks import DEEP, STAR, UNKNOWN, base, is_opaque, is_static
from approvals.shell.options import Reading, read
from approvals.shell.protect import is_own_api
from approvals.shell.uses import apply_use, run_text
from approvals.shell.wordlist import words
from kernel.risk import Tier

_HOST_KNOWN = re.compile(r"(\w+://)?(\[[\d:a-fA-F]+\]|[\w.-]+)(:|/|\?|\Z)")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_RUNS = re.compile(
    r"(proxycommand|localcommand|knownhostscommand|pkcs11provider|securitykeyprovider|xauthlocation|match)\Z",
    re.IGNORECASE,
)
_RISKY_SETTING = re.compile(
    r"(permitlocalcommand|localforward|remoteforward|dynamicforward|forwardagent|sendenv|setenv|include"
    r"|proxyusefdpass|tunnel|identityagent)\Z",
    re.IGNORECASE,
)


# An address that stands for several things: a pattern, or the word for all of them.
_WIDE = re.compile(rf"[*{STAR}{DEEP}]|/_all\b")


def request(job: Job) -> None:
    """``curl`` and ``wget``: reading is free, sending and writing are judged."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    urls = reading.operands + reading.values("--url")
    for method in reading.values("-X", "--request", "--method"):
        if method.upper() not in _SAFE_METHODS:
            judge.add(
                Tier.MEDIUM,
                f"{label}.method",
                "sends a request with side effects",
                f"{method} {' '.join(urls)}",
            )
        if method.upper() == "DELETE" and any(_WIDE.search(url) for url in urls):
            judge.add(Tier.HIGH, f"{label}.delete", "deletes more than one thing by its name", " ".join(urls))
    _sent(judge, reading, call, label)
    for url in urls:
        _url(judge, url, call)
        if _keeps_name(reading, label):
            judge.wrote(base(url.partition("?")[0].rstrip("/")) or "index.html", call)
    if judge.walk.worst >= Tier.MEDIUM:
        judge.production(call, label)


_SENDS = words(
    "-d --data --data-raw --data-binary --data-urlencode --data-ascii --json -F --form --form-string -T"
    " --upload-file"
    " --post-data --post-file --body-data --body-file"
)


def _keeps_name(reading: Reading, label: str) -> bool:
    """Tell whether the answer becomes a file that is named like the address."""
    if label == "wget":
        return not reading.has("-O", "--output-document", "--spider")
    return reading.has("-O", "--remote-name", "--remote-name-all")


def _sent(judge: Judging, reading: Reading, call: Call, label: str) -> None:
    as_query = reading.has("-G", "--get")
    for _, name, value in reading.found:
        if name in _SENDS and not as_query:
            judge.add(Tier.MEDIUM, f"{label} {name}", "sends data", f"{name} {value or ''}")
        if value and name in _SENDS:
            _sent_file(judge, name, value, call)


def _sent_file(judge: Judging, name: str, value: str, call: Call) -> None:
    if name in {"-T", "--upload-file", "--post-file", "--body-file"}:
        judge.touch(Effect.READ, value, call)
    for match in re.finditer(r"(?:^|=)[@<]([^;,]+)", value):
        judge.touch(Effect.READ, match.group(1), call)


def _url(judge: Judging, url: str, call: Call) -> None:
    if url.startswith("file://"):
        judge.touch(Effect.READ, url.removeprefix("file://").removeprefix("localhost"), call)
    if is_own_api(url, judge.walk.context) and not call.scope.remote:
        grave = judge.walk.worst >= Tier.MEDIUM or "/api/hermes/" in url or "/mcp" in url
        judge.add(Tier.DENY if grave else Tier.MEDIUM, "hermes.api", "talks to Hermes' own interface", url)
    if is_opaque(url):
        known = _HOST_KNOWN.match(url) and not url.startswith(UNKNOWN)
        judge.add(
            Tier.MEDIUM if known else Tier.HIGH,
            "opaque.url",
            "which address it asks is not known beforehand",
            url,
        )


def secure_shell(job: Job) -> None:
    """``ssh HOST TEXT``: the text runs there; some options run programs here."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    if reading.unknown:
        judge.opaque(f"{label}.option", "has an option that the rules do not know", reading.unknown[0])
    if reading.uncertain[:1] and reading.operands[:1] == reading.uncertain[:1]:
        judge.opaque("opaque.host", "which host it reaches is not known beforehand", reading.uncertain[0])
    _ssh_options(judge, reading, label, call)
    if reading.calm or not reading.operands:
        return
    host, words = reading.operands[0], reading.operands[1:]
    scope = call.scope.elsewhere()
    scope.names = (*scope.names, host)
    inner = call.inner(call.argv, scope)
    before = judge.walk.worst
    judge.watch_remote(" ".join(words) or call.stdin or "")
    if words:
        run_text(judge, " ".join(words), inner, label)
    elif call.stdin is not None:
        run_text(judge, call.stdin, inner, label)
    elif not (host.startswith("git@") and reading.has("-T")):
        # The account of a code host only says who one is.
        judge.add(Tier.MEDIUM, f"{label}.interactive", "opens a session on another machine", host)
    if judge.walk.worst >= Tier.MEDIUM and judge.walk.worst > before and words:
        judge.production(inner, label)


def _ssh_options(judge: Judging, reading: Reading, label: str, call: Call) -> None:
    for option, name, value in reading.found:
        if option.tier > Tier.NONE:
            judge.add(option.tier, f"{label} {name}", option.why, f"{name} {value or ''}".strip())
        if option.use is not None and value is not None and name != "-o":
            apply_use(judge, option.use, value, call, label)
        if name == "-o" and value:
            _ssh_setting(judge, value, call, label)


def _ssh_setting(judge: Judging, setting: str, call: Call, label: str) -> None:
    key, _, value = re.sub(r"\s*=\s*|\s+", "=", setting.strip(), count=1).partition("=")
    if is_opaque(key):
        judge.opaque("opaque.option", "which setting it gives is not known beforehand", setting)
    elif _RUNS.match(key) and value.lower() != "none":
        judge.add(Tier.MEDIUM, f"{label} {key}", "runs a program on this machine", setting)
        if key.lower() == "match":
            judge.opaque(f"{label} Match", "may run a program to decide which settings hold", setting)
        else:
            run_text(judge, value, call, label)
    elif _RISKY_SETTING.match(key) and value.lower() not in {"no", "none"}:
        judge.add(Tier.MEDIUM, f"{label} {key}", "opens a way between the machines", setting)


def copy_over_ssh(job: Job) -> None:
    """``scp`` and ``sftp``: they take the settings of ssh, and copy files."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    for setting in read(args, rule).values("-o"):
        _ssh_setting(judge, setting, call, label)
    if label == "scp":
        synchronise(job)
    else:
        judge.by_table(rule, label, args, call, {})


def netcat(job: Job) -> None:
    """``nc -z`` only looks; everything else is a raw connection."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if str(judge.walk.context.port) in args:
        judge.add(Tier.DENY, "hermes.api", "talks to Hermes' own interface", " ".join(args))
    flags = "".join(arg[1:] for arg in args if re.fullmatch(r"-[A-Za-z0-9]+", arg))
    long = [arg for arg in args if arg.startswith("--")]
    if set("ecl") & set(flags) or any(
        arg.startswith(("--exec", "--sh-exec", "--lua", "--listen")) for arg in long
    ):
        judge.add(
            Tier.HIGH,
            f"{label}.opens",
            "opens a connection to a program or listens for one",
            " ".join(call.argv),
        )
    elif "z" not in flags:
        judge.add(Tier.MEDIUM, label, "opens a raw network connection", " ".join(call.argv))
    for arg in args:
        if is_opaque(arg) and not is_static(arg[:1]):
            judge.opaque("opaque.option", "a word that is not known beforehand may be an option", arg)


def httpie(job: Job) -> None:
    """``http METHOD URL ITEMS``: items and other methods than GET send something."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm or not reading.operands:
        return
    words = reading.operands
    method = words[0] if re.fullmatch(r"[A-Z]+", words[0]) else ""
    url, items = (words[1:2] or [""])[0] if method else words[0], words[2:] if method else words[1:]
    sends = any(re.match(r"[^=:]+(:=|=)(?!=)", item) for item in items) or call.stdin is not None
    if (method and method not in _SAFE_METHODS) or sends:
        judge.add(Tier.MEDIUM, f"{label}.method", "sends a request with side effects", " ".join(words))
    _url(judge, url, call)


_IP_LOOKS = words("show list ls get help monitor s sh l lst")


def ip(job: Job) -> None:
    """``ip addr show`` looks; ``ip link set`` changes."""
    judge, args = job.judge, job.args
    words = [arg for arg in args if not arg.startswith("-")]
    if words[:1] == ["netns"] and "exec" in words:
        judge.add(Tier.HIGH, "ip netns", "enters another network", " ".join(args))
    if "-b" in args or "-batch" in args or (len(words) > 1 and words[1] not in _IP_LOOKS):
        judge.add(Tier.HIGH, "ip", "changes the network", " ".join(args))


FUNCTIONS = {
    "httpie": httpie,
    "ip": ip,
    "request": request,
    "ssh": secure_shell,
    "scp": copy_over_ssh,
    "netcat": netcat,
}

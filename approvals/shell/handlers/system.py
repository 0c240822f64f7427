"""Processes, services, containers and Hermes itself."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque, is_static
from approvals.shell.options import Reading, read
from approvals.shell.paths import Zone, covers_home, locate
from approvals.shell.uses import run_text
from approvals.shell.wordlist import words
from kernel.risk import Tier

_HERMES = re.compile(r"(?<![A-Za-z])hermes(?![A-Za-z])", re.IGNORECASE)
_READS = words("status doctor classify ask help version --help --version -h")


def hermes(job: Job) -> None:
    """Hermes' own command: from a tool it may look and ask, never decide, grant or configure."""
    judge, args, call = job.judge, job.args, job.call
    words = [arg for arg in args if not arg.startswith("-")]
    verb = words[0] if words else (args[0] if args else "chat")
    if verb == "guard":
        cut = args.index("--") + 1 if "--" in args else args.index("guard") + 1
        judge.wrap(args[cut:], call)
    elif verb not in _READS:
        judge.add(
            Tier.DENY,
            "hermes.command",
            "would decide, grant or configure Hermes from a tool",
            " ".join(call.argv),
        )


def processes(job: Job) -> None:
    """``ps`` lists processes; the BSD letter ``e`` shows their environments."""
    judge, args, call = job.judge, job.args, job.call
    for before, arg in zip(["", *args], args, strict=False):
        takes_value = before.startswith("--") or re.fullmatch(r"-[A-Za-z]*[oOCuUpgGtsqN]", before)
        letters = arg if re.fullmatch(r"[A-Za-z]+", arg) and not takes_value else ""
        if "e" in letters or arg in {"-E", "-wwE"}:
            judge.add(
                Tier.DENY, "ps.environment", "shows the environments of other processes", " ".join(call.argv)
            )
            return


def kill(job: Job) -> None:
    """``kill``, ``pkill``: ends processes, never Hermes."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if args[:1] in [["-l"], ["-L"], ["--list"]] or args[:1] == ["-0"]:
        return
    whole = " ".join(args)
    unknown = any(not is_static(arg) for arg in args)
    if _HERMES.search(judge.walk.whole if unknown else whole):
        judge.add(Tier.DENY, "hermes.process", "would stop Hermes", whole)
    if label != "kill" and any(word == "-1" or word.strip("\ue003.*^$") == "" for word in args):
        judge.add(Tier.HIGH, f"{label}.all", "ends every process", whole)
    if label == "kill" and (args[-1:] == ["-1"] or "-1" in args[1:] or args[-1:] == ["1"]):
        judge.add(Tier.HIGH, "kill.all", "ends every process", whole)
    judge.add(Tier.MEDIUM, label, "ends processes", " ".join(call.argv))


def service(job: Job) -> None:
    """``systemctl`` and ``service``: looking is free, Hermes' own unit is not touched."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    before = judge.walk.worst
    if label == "service" and args[1:] == ["status"]:
        return
    judge.by_table(rule, label, args, call, {})
    shows = label == "systemctl" and "show" in args
    if (judge.walk.worst > before or shows) and _HERMES.search(" ".join(args)):
        judge.add(Tier.DENY, "hermes.service", "would stop or change Hermes' own service", " ".join(args))


_MOUNT = re.compile(r"(?:.*,)?(?:src|source)=([^,]*)")
_SOCKET = re.compile(r".*/(docker|containerd|podman|crio)\.sock\Z")


def container(job: Job) -> None:
    """``docker run``: a program in a container is unknown; what it may see of this machine decides."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None:
        return
    for value in reading.values("-v", "--volume"):
        _mounted(judge, value.split(":")[0], value, call)
    for value in reading.values("--mount"):
        match = _MOUNT.match(value)
        if match and "type=volume" not in value:
            _mounted(judge, match.group(1), value, call)


def _mounted(judge: Judging, path: str, piece: str, call: Call) -> None:
    if is_opaque(path) and not path.startswith("/"):
        judge.opaque("container.mount", "which directory the container sees is not known beforehand", piece)
        return
    if "/" not in path and not path.startswith((".", "~")):
        return
    context = judge.context(call)
    place = locate(path, call.scope.directories[0], context)
    judge.touch(Effect.READ, path, call)
    if covers_home(place.path, context):
        judge.add(Tier.DENY, "container.mount", "shows Hermes' own home to a container", piece)
    elif place.zone not in {Zone.WORKSPACE, Zone.ROOT, Zone.CACHE, Zone.TEMP} or _SOCKET.match(place.path):
        judge.add(Tier.HIGH, "container.mount", "gives a container a place outside the workspace", piece)


def schedule(job: Job) -> None:
    """``crontab``: what it installs runs later, unasked."""
    judge, rule, args, call = job.judge, job.rule, job.args, job.call
    reading = read(args, rule)
    if reading.has("-l"):
        return
    if reading.has("-r"):
        judge.add(Tier.HIGH, "crontab -r", "deletes every scheduled command", " ".join(call.argv))
        return
    judge.add(Tier.MEDIUM, "crontab", "changes what runs later by itself", " ".join(call.argv))
    for line in _installed(judge, reading, call):
        match = re.match(r"\s*(?:@\w+|(?:[\d*/,A-Za-z-]+\s+){5})\s*(\S.*)", line)
        if match and not line.lstrip().startswith("#"):
            run_text(judge, match.group(1), call, "crontab")


def _installed(judge: Judging, reading: Reading, call: Call) -> list[str]:
    name = reading.operands[0] if reading.operands else "-"
    content = (call.stdin or "") if name == "-" else judge.content(name, call)
    if name == "-" and is_opaque(content):
        judge.opaque("opaque.crontab", "what it will run is not known beforehand", call.text)
    return [] if is_opaque(content) else content.split("\n")


def kernel_settings(job: Job) -> None:
    """``sysctl NAME`` looks, ``sysctl NAME=VALUE`` changes."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    judge.by_table(rule, label, args, call, {})
    if any("=" in arg for arg in args):
        judge.add(Tier.HIGH, label, "changes the kernel's settings", " ".join(args))


def terminal(job: Job) -> None:
    """``tmux`` and ``screen``: a text typed into another shell runs there."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    if args and args[0] in {"send-keys", "send"}:
        words = [
            arg
            for index, arg in enumerate(args[1:], 1)
            if not arg.startswith("-") and args[index - 1] not in {"-t", "-N"}
        ]
        text = "\n".join(word for word in words if word not in {"Enter", "C-m", "C-c", "Space", "KPEnter"})
        judge.add(Tier.MEDIUM, f"{label} send-keys", "types into another terminal", text)
        run_text(judge, text, call, label)
        return
    if (
        label == "tmux"
        and args[:1]
        and args[0]
        in {"ls", "list-sessions", "list-windows", "list-panes", "capture-pane", "info", "has-session"}
    ):
        return
    if label == "screen" and args[:1] == ["-ls"]:
        return
    reading = read(args[1:] if label == "tmux" else args, rule)
    judge.add(Tier.MEDIUM, label, "runs something in another terminal", " ".join(call.argv))
    if reading.operands and (
        label == "screen"
        or args[0]
        in {
            "new",
            "new-session",
            "neww",
            "new-window",
            "split-window",
            "splitw",
            "run-shell",
            "run",
            "respawn-pane",
            "respawn-window",
            "if-shell",
            "if",
            "pipe-pane",
        }
    ):
        run_text(judge, " ".join(reading.operands), call, label)


FUNCTIONS = {
    "hermes": hermes,
    "ps": processes,
    "kill": kill,
    "service": service,
    "container": container,
    "crontab": schedule,
    "sysctl": kernel_settings,
    "terminal": terminal,
}

"""Looks at the machine and at what is within its reach; each returns what is wrong, or ``""``."""

import asyncio
import os
import re
import shutil
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from cron.recipe import Http, RecipeFailed
from cron.recipes import programs
from cron.recipes.prose import counted

TLS_PORT = 443
SECOND_MS = 1000
DAY_MS = 86_400_000
SECONDS = 20.0
MIB = 1024 * 1024
LONGEST_BODY = 2_000_000
USER = "user:"
_KIB = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_PROPERTIES = "--property=LoadState,ActiveState,SubState,Result,Type"
WELL = {"active", "reloading", "activating", "refreshing"}

Probe = Callable[[], Awaitable[str]]


def memory(percent: float) -> str:
    """Tell whether the machine's memory is used beyond a part."""
    sizes = _sizes(Path("/proc/meminfo"))
    total, free = sizes.get("MemTotal", 0), sizes.get("MemAvailable", 0)
    used = 100 * (total - free) / total if total else 0
    return f"{used:.0f} % is in use, {free / 1024:,.0f} MiB are left" if used >= percent else ""


def own_memory(megabytes: float) -> str:
    """Tell whether this process is larger than it should be."""
    used = _sizes(Path("/proc/self/status")).get("VmRSS", 0) / 1024
    return f"Hermes uses {used:,.0f} MiB" if megabytes and used >= megabytes else ""


def _sizes(path: Path) -> dict[str, int]:
    """Return the sizes of a table of the kernel in KiB; empty where this system has none."""
    try:
        return {name: int(size) for name, size in _KIB.findall(path.read_text())}
    except OSError:
        return {}


def disk(folder: Path, percent: float) -> str:
    """Tell whether the disk of a folder is fuller than a part, or the folder is not there."""
    try:
        usage, nodes = shutil.disk_usage(folder), os.statvfs(folder)
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    # What is reserved for root is not free for anybody else.
    used = 100 * (1 - usage.free / ((usage.used + usage.free) or 1))
    if used >= percent:
        return f"{used:.0f} % is in use, {usage.free / MIB:,.0f} MiB are left"
    files = 100 * (1 - nodes.f_favail / nodes.f_files) if nodes.f_files else 0
    return f"{files:.0f} % of its files are in use" if files >= percent else ""


async def endpoint(http: Http, url: str, status: int, contains: str) -> str:
    """Tell whether an address answers otherwise than it should."""
    try:
        reply = await http.get(url, limit=LONGEST_BODY)
    except RecipeFailed as error:
        return error.message.rstrip(".")
    if reply.status != status:
        return f"answered {reply.status} instead of {status}"
    return f"does not say {contains!r}" if contains and contains not in reply.text else ""


async def served_certificate(
    http: Http, place: str, days: float, now: int, trust: Callable[[], ssl.SSLContext]
) -> str:
    """Tell whether the certificate that ``host:port`` shows is not trusted or ends soon."""
    host, port = split(place)
    try:
        number = await http.address(host, port)
        context = await asyncio.to_thread(trust)
        async with asyncio.timeout(SECONDS):
            ends = await _shown(host, number, port, context)
    except ssl.SSLCertVerificationError as error:
        return f"is not trusted: {error.verify_message}"
    except (OSError, RecipeFailed) as error:
        return f"cannot be read: {str(error).rstrip('.') or type(error).__name__}"
    return _ending(ends, days, now)


async def _shown(host: str, number: str, port: int, context: ssl.SSLContext) -> str:
    _reader, writer = await asyncio.open_connection(number, port, ssl=context, server_hostname=host)
    try:
        return str((writer.get_extra_info("peercert") or {}).get("notAfter", ""))
    finally:
        # A peer that does not say goodbye is not waited for.
        writer.transport.abort()


def split(place: str) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port`` or ``[v6]:port``."""
    found = re.fullmatch(r"\[?(?P<host>[^\]]+?)\]?(?::(?P<port>\d+))?", place)
    if found is None or (":" in place and not place.startswith("[") and place.count(":") > 1):
        return place, TLS_PORT
    return found["host"], int(found["port"] or TLS_PORT)


async def certificate_file(path: str, days: float, now: int) -> str:
    """Tell whether the certificate in a PEM file ends soon, or cannot be read."""
    try:
        read = await programs.run("openssl", "x509", "-noout", "-enddate", "-in", path)
    except RecipeFailed as error:
        return error.message.rstrip(".")
    if read.code:
        return f"cannot be read: {read.said}"
    return _ending(read.out.strip().removeprefix("notAfter="), days, now)


def _ending(ends: str, days: float, now: int) -> str:
    try:
        left = (ssl.cert_time_to_seconds(ends) * SECOND_MS - now) / DAY_MS
    except ValueError:
        return f"ends at a time that cannot be read: {ends!r}"
    if left < 0:
        return f"ended {counted(int(-left), 'day')} ago"
    return f"ends in {counted(int(left), 'day')}" if left < days else ""


async def unit(name: str) -> str:
    """Tell whether a systemd unit does not run; ``user:`` before its name asks the user's own systemd."""
    mine = name.startswith(USER)
    words = ["--user"] if mine else []
    env = programs.environment(XDG_RUNTIME_DIR=f"/run/user/{os.getuid()}")
    try:
        asked = await programs.run(
            "systemctl", *words, "show", _PROPERTIES, "--", name.removeprefix(USER), env=env
        )
    except RecipeFailed as error:
        return error.message.rstrip(".")
    return unit_state(asked.out) if not asked.code else f"cannot be asked: {asked.said}"


def unit_state(shown: str) -> str:
    """Return what is wrong with a unit by what ``systemctl show`` says of it."""
    told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    if told.get("LoadState") == "not-found":
        return "there is no such unit"
    state, result = told.get("ActiveState", "unknown"), told.get("Result", "")
    at_rest = state == "inactive" and result == "success" and told.get("Type") == "oneshot"
    if (state in WELL or at_rest) and told.get("SubState") != "auto-restart":
        return ""
    return f"is {state}" + (f" ({result})" if result not in ("", "success") else "")

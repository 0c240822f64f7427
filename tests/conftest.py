"""What every test gets: loopback as its only network, an empty environment, no paid model, no silent skip."""

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from socket import gaierror

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

# A developer's own tokens, homes and proxies must not reach a test, nor a process that a test starts.
FOREIGN = re.compile(
    r"(HERMES|TELEGRAM|DISCORD|SLACK|XDG|OTEL|LOGFIRE)_.*|.*_(API_KEY|PROXY)|NOTIFY_SOCKET|WATCHDOG_.*",
    re.IGNORECASE,
)

# With CI=true every other skip is a failure: a machine that lacks what a test needs proves nothing.
ALLOWED_SKIPS = (r"runs as root", r"may not make namespaces")

# Folders whose tests talk to a model server of their own on loopback; elsewhere real models refuse to run.
MODEL_FOLDERS = ("integration", "acceptance", "contract", "docs", "soak")

refused: list[str] = []


class NetworkRefused(RuntimeError):
    """A test reached for the network; only loopback is open to it."""


def is_loopback(host: str) -> bool:
    """Tell whether ``host``, a name or a numeric address, is this machine."""
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_foreign(host: object) -> None:
    """Raise NetworkRefused unless ``host`` is this machine; the test fails even where the error is caught."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or is_loopback(name):
        return
    if name.endswith((".invalid", ".test")):
        raise gaierror(-2, "Name or service not known")
    refused.append(name)
    raise NetworkRefused(f"{name} is not this machine; tests talk to loopback only")


def guard(event: str, args: tuple[object, ...]) -> None:
    """Check the destination of every socket call that Python makes (an audit hook)."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = args[1]
        if isinstance(address, tuple) and address:
            refuse_foreign(address[0])
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        refuse_foreign(args[0])


def pytest_configure(config: pytest.Config) -> None:
    """Close the network, empty the environment and give the run a home of its own."""
    for name in filter(FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="hermes-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["HOME"] = home
    sys.addaudithook(guard)
    settings.register_profile("hermes", deadline=None, print_blob=True)
    settings.load_profile("hermes")


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """Fail a test that reached for the network, even if it survived the refusal."""
    refused.clear()
    yield
    assert not refused, f"reached for the network: {', '.join(refused)}"


@pytest.fixture(autouse=True)
def real_models_refuse(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every real model raise, except where a test folder brings a model server."""
    models = sys.modules.get("pydantic_ai.models")
    folder = request.path.relative_to(TESTS).parts[0]
    if models is not None and folder not in MODEL_FOLDERS:
        monkeypatch.setattr(models, "ALLOW_MODEL_REQUESTS", False)


def unexpected_skip(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return the reason of a skip that CI does not accept."""
    if not report.skipped or hasattr(report, "wasxfail") or os.environ.get("CI") != "true":
        return None
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else report.longreprtext
    return None if any(re.search(allowed, reason) for allowed in ALLOWED_SKIPS) else reason


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn an unexpected skip into a failure."""
    report: pytest.TestReport = yield
    if reason := unexpected_skip(report):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Turn the unexpected skip of a whole file into a failure."""
    report: pytest.CollectReport = yield
    if reason := unexpected_skip(report):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long the checks took in all, before pytest's own closing line."""
    if started := os.environ.get("CHECK_STARTED"):
        terminalreporter.write_line(f"all checks together: {time.time() - float(started):.0f} s")

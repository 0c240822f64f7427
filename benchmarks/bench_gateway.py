"""The gateway as a black box: the harness at ``HARNESS`` plays the users, and bare bots stand beside Hermes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Row, at_most, at_most_times, skipped

HERE = Path(__file__).parent / "harness"
VENV = Path(sys.executable).parent.parent
LONGEST = 900

Result = Mapping[str, Any]


def play(harness: Path, profile: Path, test: str, *arguments: str) -> Result:
    """Run one test of the harness with one profile and return the line it prints."""
    python = os.environ.get("HARNESS_PYTHON", sys.executable)
    command = [python, str(harness / "drive.py"), "--gateway", str(profile)]
    command += ["--var", f"venv={VENV}", "--var", f"here={HERE}", *arguments, test]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def rows(harness: Path | None) -> list[Row]:
    """Return the rows that a harness measures, or one skipped row where there is none."""
    if harness is None:
        return [skipped("gateway as a black box", "", "no HARNESS=path")]
    own = HERE / "hermes.json"
    return [
        *_round_trip(harness, own),
        *_throughput(play(harness, own, "throughput")),
        *_cold_start(harness, own),
        *_idle(play(harness, own, "idle")),
        *_kill(play(harness, own, "kill")),
        *_approval(play(harness, own, "approval"), play(harness, own, "approval-kill")),
        *_handoff(play(harness, own, "handoff")),
    ]


def _round_trip(harness: Path, own: Path) -> list[Row]:
    ours = play(harness, own, "rtt")
    null = play(harness, harness / "gateways" / "null.json", "rtt")
    bare = play(harness, HERE / "bare_bot.json", "rtt")
    return [
        at_most_times(
            "round trip p50", ours["rtt_ms"]["p50"], "ms", 10, ("null gateway", null["rtt_ms"]["p50"])
        ),
        at_most_times(
            "round trip p95", ours["rtt_ms"]["p95"], "ms", 10, ("null gateway", null["rtt_ms"]["p95"])
        ),
        at_most_times(
            "round trip p50", ours["rtt_ms"]["p50"], "ms", 1.6, ("bare bot", bare["rtt_ms"]["p50"])
        ),
        at_most("first message after the start", ours["first_message_ms"], "ms", 2000),
        at_most("memory after 50 turns", ours["mem_after_rss_mib"], "MiB", 160),
    ]


def _throughput(result: Result) -> list[Row]:
    after = result["later_rounds_same_chats"][-1]["mem_after"]["rss_mib"]
    before = result["mem_before"]["rss_mib"]
    return [
        at_most("200 chats at once, last reply", result["last_reply_s"], "s", 5),
        at_most("CPU a message", result["cpu_ms_per_message"], "ms", 25),
        at_most("replies lost or doubled", result["lost"] + result["duplicated"], "", 0),
        at_most_times("memory after two bursts", after, "MiB", 1.15, ("before", before)),
    ]


def _cold_start(harness: Path, own: Path) -> list[Row]:
    ours = play(harness, own, "coldstart")["median_ms"]
    bare = play(harness, HERE / "bare_poller.json", "coldstart")["median_ms"]
    return [at_most_times("cold start to the first poll, median", ours, "ms", 1.25, ("bare poller", bare))]


def _idle(result: Result) -> list[Row]:
    return [
        at_most("memory before the first turn", result["rss_mib"], "MiB", 100),
        at_most("idle CPU over 30 s", result["cpu_percent"], "%", 0.2),
        at_most("idle wake-ups", result["wakeups_per_s"], "/s", 4),
    ]


def _kill(result: Result) -> list[Row]:
    note = f"{result['answered_twice']} sent again, marked: its receipt was not stored at the kill"
    return [
        at_most("kill -9 with 50 in flight: never answered", result["never_answered"], "", 0),
        at_most("... sent while down, not answered", 2 - result["sent_while_down_answered"], "", 0),
        at_most(
            "... doubled outside the one in flight", max(0, result["answered_twice"] - 1), "", 0, note=note
        ),
    ]


def _approval(result: Result, after_kill: Result) -> list[Row]:
    run = result["click_to_executed_ms"]
    return [
        at_most("message to card, p50", result["message_to_prompt_ms"]["p50"], "ms", 40),
        at_most("tap to command started, p50", run["p50"], "ms", 15),
        at_most("tap to command started, slowest of 10", run["max"], "ms", 60),
        at_most(
            "kill -9 between card and tap: not carried out",
            int(not after_kill["executed_after_restart"]),
            "",
            0,
        ),
    ]


def _handoff(result: Result) -> list[Row]:
    arrival = result["request_to_message_ms"]
    ended = sum(state != "completed" for state in result["states"])
    return [
        at_most("handoff to the reply in its new place, p50", arrival["p50"], "ms", 60),
        at_most("handoff to the reply in its new place, p95", arrival["p95"], "ms", 150),
        at_most("handoffs that did not arrive", ended, "", 0),
    ]

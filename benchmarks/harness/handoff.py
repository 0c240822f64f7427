"""Hands terminal sessions over to Telegram, as the harness in shared/bench asks for it.

Prints ``ready``; then, for each line ``go N``, has a conversation of ten messages in the terminal, asks for its handoff
and prints one JSON line ``{"request_ns", "completed_ns", "state", "error"}`` (CLOCK_MONOTONIC).
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from hermes import daemon
from hermes.home import Home

MESSAGES = 10
WAIT_SECONDS = 20.0


class Terminal:
    """The terminal's chats, and the sessions behind them."""

    def __init__(self, info: daemon.DaemonInfo) -> None:
        headers = {"Authorization": f"Bearer {info.token}"}
        self._http = httpx.Client(base_url=info.url, headers=headers, trust_env=False, timeout=60)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Call the API; errors of the gateway are raised."""
        answer = self._http.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json()

    def say(self, chat: str, key: str, text: str) -> None:
        """Say something in a chat."""
        self.ask("POST", f"/api/chat/terminal/{chat}/messages", key=key, text=text)

    def answered(self, chat: str) -> int:
        """Return how many answers a chat has."""
        found = self.ask("GET", f"/api/chat/terminal/{chat}/history?limit=200")["messages"]
        return sum(one["direction"] == "out" and one["state"] == "sent" for one in found)


def converse(terminal: Terminal, chat: str) -> None:
    """Have ten messages answered."""
    for number in range(MESSAGES):
        terminal.say(chat, f"{chat}-message-{number}", f"message #m{chat}{number}#")
        while terminal.answered(chat) <= number:
            time.sleep(0.01)


def hand_over(terminal: Terminal, chat: str) -> dict[str, Any]:
    """Ask for a handoff and wait for its end."""
    session = terminal.ask("GET", f"/api/hermes/sessions/terminal:{chat}")["id"]
    asked = time.monotonic_ns()
    path = f"/api/hermes/sessions/{session}/handoff"
    found = terminal.ask("POST", path, to="telegram", wait=WAIT_SECONDS)
    ended = time.monotonic_ns()
    done = found["state"] == "completed"
    return {
        "request_ns": asked,
        "completed_ns": ended if done else None,
        "state": found["state"],
        "error": found["error"] or None,
    }


def main() -> None:
    """Serve the harness until its end of the pipe closes."""
    info = daemon.read(Home(Path(os.environ["HERMES_HOME"])))
    assert info is not None, "no gateway runs"
    terminal = Terminal(info)
    print("ready", flush=True)
    for line in sys.stdin:
        chat = f"bench-{line.split()[-1]}"
        converse(terminal, chat)
        print(json.dumps(hand_over(terminal, chat)), flush=True)


if __name__ == "__main__":
    main()

"""Makes one-shot jobs in a running daemon: ``cron_jobs.py ADDRESS '[["name", due], …]'``; due is seconds since 1970.

Each job's prompt holds ``#mNAME#``, which the harness's model answers, and its answer goes to the address.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from hermes import daemon
from hermes.home import Home

PATIENCE = 30.0


def main(place: str, jobs: str) -> int:
    """Make the jobs and print their numbers as the last line."""
    home = Home(Path(os.environ["HERMES_HOME"]))
    until = time.monotonic() + PATIENCE
    while (info := daemon.read(home)) is None:
        assert time.monotonic() < until, "no daemon runs here"
        time.sleep(0.1)
    made: list[int] = []
    with httpx.Client(
        base_url=info.url, headers={"Authorization": f"Bearer {info.token}"}, timeout=30
    ) as client:
        for name, due in json.loads(jobs):
            given = {
                "schedule": datetime.fromtimestamp(due, UTC).isoformat(),
                "kind": "prompt",
                "name": name,
                "text": f"#m{name}#",
                "deliver": [place],
            }
            answer = client.post("/api/hermes/cron", json=given)
            answer.raise_for_status()
            made.append(answer.json()["job"]["id"])
    print(json.dumps(made))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Coding agents cost nothing where nobody uses one: neither the protocol nor what speaks it is imported."""

import subprocess
import sys

LOADED = """
import sys
import hermes.rooms, agent.build, hermes.doctor.examination
print(*[name for name in sys.modules if name.split(".")[0] == "acp" or name.startswith("agent.acp.")])
"""
# Names, words and what was kept; they import neither the protocol nor a library.
LIGHT = {"agent.acp.profiles", "agent.acp.modes", "agent.acp.words"}


def test_a_daemon_without_a_coding_agent_imports_nothing_of_the_protocol() -> None:
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) <= LIGHT

"""Checks of the coding agents: is the program there, and is somebody logged in?"""

from pathlib import Path

from agent.acp.profiles import PRESETS, profiles
from agent.settings import AcpAgentSettings
from hermes.doctor.patient import Level, Patient, Result, program_of, unread

NAME = "coding agents"


def agents(patient: Patient) -> Result:
    """Check every coding agent: those of the settings have to be there, the known ones may be."""
    if patient.settings is None:
        return unread(NAME)
    chosen, path = patient.settings.agent.acp, patient.settings.agent.tools.terminal.path
    found = {name: _state(agent, path) for name, agent in profiles(chosen).items()}
    missing = [(name, *state) for name, state in found.items() if name in chosen and state[0]]
    logged_out = [(name, *state) for name, state in found.items() if state[0].endswith("logged in")]
    if troubled := missing or logged_out:
        words = "; ".join(f"{name} {sentence}" for name, sentence, _ in troubled)
        remedies = "; ".join(remedy for _, _, remedy in troubled)
        return Result(NAME, Level.WARN, f"{words}.", remedies)
    ready = [name for name, state in found.items() if not state[0]]
    if not ready:
        return Result(NAME, Level.SKIP, f"None is installed; {', '.join(PRESETS)} are known.")
    return Result(NAME, Level.OK, f"{', '.join(ready)} can be chosen with /agent.")


def _state(agent: AcpAgentSettings, path: str) -> tuple[str, str]:
    """Return what is wrong with an agent and the way out, both empty where nothing is."""
    own = agent.environment.get("PATH")
    if program_of(agent.command, own.get_secret_value() if own else path) is None:
        return (
            f"is not installed: there is no {agent.command}",
            agent.install or "Set its command in agent.acp.",
        )
    if agent.login_files and not any(Path(file).expanduser().exists() for file in agent.login_files):
        return "is not logged in", agent.login or "Log in with its program."
    return "", ""

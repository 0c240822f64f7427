"""Checks of the coding agents: is the program there, is somebody logged in, and which protocol does it speak?"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent.acp.profiles import PRESETS, VERSION, profiles
from agent.settings import AcpAgentSettings, TerminalSettings
from agent.tools.terminal.surroundings import pinned
from hermes.doctor.handshake import greet
from hermes.doctor.patient import Level, Patient, Result, program_of, unread

NAME = "coding agents"
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class State:
    """An agent as it was found: what is wrong with it and the way out, or what it speaks."""

    name: str
    problem: str = ""
    remedy: str = ""
    speaks: str = ""
    missing: bool = False


def agents(patient: Patient) -> Result:
    """Check every coding agent: those of the settings have to be there, the known ones may be."""
    if patient.settings is None:
        return unread(NAME)
    chosen, terminal = patient.settings.agent.acp, patient.settings.agent.tools.terminal
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(lambda one: _state(one[0], one[1], terminal), profiles(chosen).items()))
    troubled = [one for one in found if one.problem and (one.name in chosen or not one.missing)]
    if troubled:
        words = "; ".join(f"{one.name} {one.problem}" for one in troubled)
        return Result(NAME, Level.WARN, f"{words}.", "; ".join(one.remedy for one in troubled))
    ready = [one for one in found if not one.problem]
    if not ready:
        return Result(NAME, Level.SKIP, f"None is installed; {', '.join(PRESETS)} are known.")
    return Result(NAME, Level.OK, f"{_listed(ready)} can be chosen with /agent.")


def _listed(ready: Sequence[State]) -> str:
    return ", ".join(f"{one.name} ({one.speaks})" for one in ready)


def _state(name: str, agent: AcpAgentSettings, terminal: TerminalSettings) -> State:
    """Look at one agent."""
    own = agent.environment.get("PATH")
    program = program_of(agent.command, own.get_secret_value() if own else terminal.path)
    if program is None:
        way = f"Install it with: {agent.install}" if agent.install else "Set its command in agent.acp."
        return State(name, f"is not installed: there is no {agent.command}", way, missing=True)
    if agent.login_files and not any(Path(file).expanduser().exists() for file in agent.login_files):
        way = f"Log in with: {agent.login}" if agent.login else "Log in with its program."
        return State(name, "is not logged in", way)
    return _greeted(name, agent, program, terminal)


def _greeted(name: str, agent: AcpAgentSettings, program: str, terminal: TerminalSettings) -> State:
    given = {key: value.get_secret_value() for key, value in agent.environment.items()}
    hello = greet(program, agent.args, pinned(terminal) | given)
    update = (
        f"Install another version: {agent.install}" if agent.install else "Install another version of it."
    )
    if hello.problem:
        return State(name, hello.problem, update)
    release = f"{hello.release}, " if hello.release else ""
    if hello.version != VERSION:
        speaks = f"speaks version {hello.version} of the Agent Client Protocol, Hermes speaks {VERSION}"
        return State(name, speaks, update)
    return State(name, speaks=f"{release}protocol {hello.version}")

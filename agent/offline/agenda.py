"""What the offline operator still has to do, read from the messages of the conversation alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart, UserPromptPart

from agent import framing
from agent.offline.language import (
    VERBS,
    Call,
    Fail,
    Say,
    Step,
    Stop,
    answered,
    parse,
    parse_order,
    received,
    verb_of,
)
from agent.offline.showing import FAILED, shown
from agent.toolbox import ENDED, HELD

ASK = "ask_person"
# The arguments by which an event names what it is the answer to.
NAMED = ("question", "command", "path")

# How Hermes tells that the conversation continues at another place, and what stands before the facts.
ARRIVED = "[Handoff"
RULE = "\n---\n"

# What the gate says of an action that was refused; the lines after it counted on it and do not run either.
NOT_RUN = "It did not run."

# How the gate frames, for a model, the output of what was approved.
_OUTPUT = re.compile(r"^-{20}\n(.*)\n-{20}\Z", re.DOTALL | re.MULTILINE)
_FRAME = re.compile(r"\A<(\w+)\b[^>]*>(.*)</\1>\Z", re.DOTALL)


@dataclass(slots=True)
class Agenda:
    """The steps of one message (and of what was said while they ran).

    ``done`` counts the steps behind us, ``results`` is what the last calls brought, ``answer`` what a person chose.
    ``strict`` is a task's: a step that does not work ends it, as those behind it counted on it.
    """

    steps: list[Step] = field(default_factory=list[Step])
    done: int = 0
    held: bool = False
    results: list[str] = field(default_factory=list[str])
    answer: str = ""
    strict: bool = False

    @property
    def open(self) -> bool:
        """Whether steps are left."""
        return self.done < len(self.steps)

    def called(self) -> None:
        """Move behind the next step that calls a tool: it has been asked for."""
        self.results = []
        while self.open:
            self.done += 1
            if isinstance(self.steps[self.done - 1], Call):
                return

    def bring(self, results: Sequence[str]) -> None:
        """Take what the last calls brought."""
        broken = next((text for text in results if text.startswith(FAILED)), None)
        if broken is not None and self.strict:
            said = f"Step {self.done} of this task did not work: {broken.removeprefix(FAILED)}"
            self.steps = [*self.steps[: self.done], Fail(said, told=False)]
        self.results.extend(results)

    def add(self, steps: Sequence[Step]) -> None:
        """Add what was said while the steps ran; one that says to stop leaves out those that are left."""
        for step in steps:
            if isinstance(step, Stop):
                left = len(self.steps) - self.done
                self.steps = [*self.steps[: self.done], Say(f"I stop here; {left} steps were left out.")]
            else:
                self.steps.append(step)

    def next_part(self) -> list[Step]:
        """Return the steps up to and including the next call or failure."""
        part: list[Step] = []
        for step in self.steps[self.done :]:
            part.append(answered(step, self.answer))
            if isinstance(step, Call | Fail):
                break
        return part


def read(messages: Sequence[ModelMessage]) -> Agenda:
    """Return what is to be done next.

    A message begins an agenda or, while one runs, adds to it. A question suspends the agenda; what the person says
    meanwhile is an agenda of its own, and the answer, which Hermes itself delivers, resumes the one that asked last.
    A turn that was stopped takes its remaining steps with it.
    """
    current, waiting = Agenda(), list[Agenda]()
    for message in messages:
        if isinstance(message, ModelResponse):
            current = _answered(current, message)
            continue
        current.bring(_results(message))
        current.held = current.held or _is_held(message)
        if any(_ends(part) for part in message.parts):
            current = Agenda()
        for prompt in _prompts(message):
            if current.held:
                waiting.append(current)
                current = Agenda()
            current = _prompted(current, waiting, prompt)
    return current


def _answered(current: Agenda, response: ModelResponse) -> Agenda:
    if not response.tool_calls or response.state == "interrupted":
        return Agenda()
    for _ in response.tool_calls:
        current.called()
    return current


def _prompted(current: Agenda, waiting: list[Agenda], prompt: str) -> Agenda:
    if (order := framing.order_text(prompt)) is not None:
        return Agenda(parse_order(order), strict=True)
    event = framing.event_text(prompt)
    if event is not None and event.startswith(ARRIVED):
        # The conversation has moved here; what is known of it is the answer, and what waits goes on waiting.
        return Agenda(results=[event.partition(RULE)[2]])
    if event is None or (not waiting and verb_of(event) in VERBS):
        current.add(_wanted(prompt) if event is None else parse(event))
        return current
    resumed = _asked(waiting, event) if waiting else current
    resumed.held = False
    resumed.answer = event.partition("\n")[2].strip() or event
    tool = _call(resumed).tool if resumed.steps else ""
    asked = tool == ASK
    resumed.results = [f"You answered: {resumed.answer}" if asked else _told(event, tool)]
    if not asked and NOT_RUN in event:
        resumed.steps = resumed.steps[: resumed.done]
    return resumed


def _wanted(prompt: str) -> list[Step]:
    """Return the steps of a person's message; files that come without a word are acknowledged."""
    words = framing.plain(prompt)
    files = [] if words else framing.beside(prompt)
    return [Say(received(files))] if files else parse(words)


def _asked(waiting: list[Agenda], event: str) -> Agenda:
    """Take the agenda whose question or action the event names; the latest where it names none."""
    place = next((place for place, agenda in enumerate(waiting) if _is_about(event, agenda)), -1)
    return waiting.pop(place)


def _is_about(event: str, agenda: Agenda) -> bool:
    asked = next(
        (str(_call(agenda).arguments[name]) for name in NAMED if name in _call(agenda).arguments), ""
    )
    return bool(asked) and asked in event


def _call(agenda: Agenda) -> Call:
    """Return the call that an agenda made last."""
    step = agenda.steps[agenda.done - 1]
    return step if isinstance(step, Call) else Call("")


def _told(event: str, tool: str) -> str:
    """Return what a person is told of an event: the output it brings, how it ended, or what follows its title."""
    if (output := _OUTPUT.search(event)) is not None:
        return shown(tool, output.group(1).rstrip())
    title, _, rest = event.partition("\n")
    ending, refused, _ = rest.partition(f"\n{NOT_RUN}")
    # What follows is advice to a model, and the action, which the person has seen.
    return f"{ending} {NOT_RUN}" if refused else shown(tool, rest.strip() or title)


def _results(message: ModelRequest) -> list[str]:
    parts = [part for part in message.parts if isinstance(part, ToolReturnPart)]
    return [
        shown(part.tool_name, _unframed(part.model_response_str()).rstrip())
        for part in parts
        if not _held(part)
    ]


def _is_held(message: ModelRequest) -> bool:
    return any(_held(part) for part in message.parts if isinstance(part, ToolReturnPart))


def _ends(part: object) -> bool:
    """Tell whether the turn ended behind this result; requests are joined before a model sees them, parts are not."""
    if not isinstance(part, ToolReturnPart):
        return False
    return part.outcome == "interrupted" or (isinstance(part.metadata, dict) and ENDED in part.metadata)


def _held(part: ToolReturnPart) -> bool:
    return isinstance(part.metadata, dict) and HELD in part.metadata


def _prompts(message: ModelRequest) -> list[str]:
    found: list[str] = []
    for part in message.parts:
        if isinstance(part, UserPromptPart):
            content = [part.content] if isinstance(part.content, str) else part.content
            found.append("\n".join(item for item in content if isinstance(item, str)))
    return found


def _unframed(text: str) -> str:
    found = _FRAME.match(text)
    return found.group(2) if found else text

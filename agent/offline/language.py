"""The mini-language of the offline operator: what a line means, and the words said when it means nothing."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

LONGEST_SLEEP = 3600.0
ANSWER = "{answer}"
# How advice to a model begins that stands behind a file's path.
TO_MODELS = "You cannot hear it"


@dataclass(frozen=True, slots=True)
class Call:
    """A line that calls a tool."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Say:
    """A line that answers with a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """A line that waits."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail:
    """A line that ends the turn with an error; ``told`` says that the person asked for it."""

    reason: str
    told: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """A line that leaves out what was still to be done."""


Step = Call | Say | Sleep | Fail | Stop


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: how it is written, what it does, and how its rest becomes a step (``None``: badly written)."""

    usage: str
    summary: str
    read: Callable[[str], Step | None]


def _text(tool: str, argument: str) -> Callable[[str], Step | None]:
    """Read a rest that is one required argument."""
    return lambda rest: Call(tool, {argument: rest}) if rest else None


def _optional(tool: str, argument: str) -> Callable[[str], Step | None]:
    """Read a rest that is one argument or nothing."""
    return lambda rest: Call(tool, {argument: rest} if rest else {})


def _write(rest: str) -> Step | None:
    path, colon, text = rest.partition(":")
    return (
        Call("write_file", {"path": path.strip(), "text": text.strip() + "\n"})
        if path.strip() and colon
        else None
    )


def _ask(rest: str) -> Step | None:
    question, *options = [part.strip() for part in rest.split("|")]
    return (
        Call("ask_person", {"question": question, "options": [o for o in options if o]}) if question else None
    )


def _read_channel(rest: str) -> Step | None:
    address, since, query = (*(part.strip() for part in rest.split("|", 2)), "", "", "")[:3]
    given = {"address": address, "since": since, "query": query}
    return Call("read_channel", {name: text for name, text in given.items() if text})


def _sleep(rest: str) -> Step | None:
    try:
        seconds = float(rest)
    except ValueError:
        return None
    return Sleep(seconds) if 0 <= seconds <= LONGEST_SLEEP else None


def _start(rest: str) -> Step | None:
    return Call("terminal", {"command": rest, "background": True}) if rest else None


def _submit(rest: str) -> Step | None:
    """Read a summary and, behind bars, files to keep as results."""
    summary, *files = [part.strip() for part in rest.split("|")]
    arguments = {"summary": summary, **({"files": [file for file in files if file]} if files else {})}
    return Call("task_submit", arguments) if summary else None


def _review(verdict: str) -> Callable[[str], Step | None]:
    """Read a task's number and what is said of it; points that have to change stand behind bars."""

    def read(rest: str) -> Step | None:
        number, _, said = rest.partition(" ")
        feedback, *points = [part.strip() for part in said.split("|")]
        given = {
            "task": number,
            "verdict": verdict,
            "feedback": feedback,
            "points": [one for one in points if one],
        }
        return Call("task_review", {**given, "task": int(number)}) if number.isdecimal() else None

    return read


def _suggest(rest: str) -> Step | None:
    """Read a task's number and, behind bars, template, agent and when it is done; rules find what is left out."""
    number, *said = [part.strip() for part in rest.split("|")]
    given = dict(zip(("template", "agent", "acceptance"), said, strict=False))
    return Call("task_suggest", {"task": int(number), **given}) if number.isdecimal() else None


def _hand_off(rest: str) -> Step | None:
    receiver, _, notes = rest.partition(" ")
    return Call("task_hand_off", {"to": receiver, "notes": notes.strip()}) if receiver else None


def _stuck(rest: str) -> Step | None:
    return Call("task_submit", {"summary": rest, "outcome": "blocked"}) if rest else None


def _task(rest: str) -> Step | None:
    """Read a title and, behind bars, the lines of what is to be done."""
    title, *lines = [part.strip() for part in rest.split("|")]
    arguments = {"title": title, **({"description": "\n".join(lines)} if lines else {})}
    return Call("task_create", arguments) if title else None


def _diagnose(rest: str) -> Step | None:
    words, _, channel = rest.rpartition(" in ")
    return (
        Call("diagnose", {"words": words or channel, "channel": channel if words else ""}) if rest else None
    )


def _diagnosis(rest: str) -> Step | None:
    """Read a place, what stands there, the cause and the fix."""
    place, quote, cause, fix = (*(part.strip() for part in rest.split("|", 3)), "", "", "", "")[:4]
    file, _, line = place.rpartition(":")
    given = {"outcome": "found", "cause": cause, "fix": fix}
    evidence = [{"file": file, "line": int(line), "quote": quote}] if line.isdecimal() else []
    return Call("diagnosis_submit", {**given, "evidence": evidence}) if evidence and fix else None


def _remind(rest: str) -> Step | None:
    text = rest.removeprefix("me ").strip()
    return Call("remind", {"text": text}) if text and text != "me" else None


def _cron(rest: str) -> Step | None:
    """Read a time and, behind a bar, the prompt that is to run then; nothing lists what is planned."""
    if not rest:
        return Call("cron_list")
    schedule, _, text = (part.strip() for part in rest.partition("|"))
    return Call("cron_create", {"schedule": schedule, "text": text}) if schedule and text else None


def _push(rest: str) -> Step | None:
    """Read where to push to; that is for the gate to let through."""
    branch = rest.removeprefix("to ").strip()
    plain = bool(branch) and all(sign.isalnum() or sign in "-_./" for sign in branch)
    return (
        Call("terminal", {"command": f"git push origin HEAD:{branch}"})
        if plain and branch[0] != "-"
        else None
    )


def _keep(rest: str) -> Step | None:
    return Say("Going on.") if rest.rstrip(".!").lower() == "going" else None


def _make(rest: str) -> Step | None:
    simpler = rest.rstrip(".!").lower() == "it simpler"
    return Say("Simpler it is; my steps are as plain as they can be.") if simpler else None


def _stop(rest: str) -> Step | None:
    return Stop() if rest.rstrip(".!").lower() in ("after this", "") else None


def _help(rest: str) -> Step | None:
    del rest
    return Say(help_text())


VERBS: Mapping[str, Verb] = {
    "help": Verb("help", "shows this list", _help),
    "list": Verb("list [folder]", "lists files of the workspace", _optional("list_files", "folder")),
    "read": Verb("read FILE", "shows a file", _text("read_file", "path")),
    "search": Verb("search TEXT", "finds lines in files", _text("search_files", "text")),
    "write": Verb("write FILE: TEXT", "writes a file", _write),
    "fetch": Verb("fetch URL", "reads a web page", _text("fetch_url", "url")),
    "remember": Verb("remember TEXT", "keeps a note", _text("remember", "text")),
    "recall": Verb("recall [WORDS]", "finds notes", _optional("recall", "words")),
    "ask": Verb("ask QUESTION | option | option", "asks you and waits for the answer", _ask),
    "send": Verb("send FILE", "sends a file of the workspace here", _text("send_file", "path")),
    "read-channel": Verb(
        "read-channel [ADDRESS | SINCE | WORDS]", "shows what was said in a channel, or here", _read_channel
    ),
    "sleep": Verb("sleep SECONDS", "waits", _sleep),
    "say": Verb("say TEXT", "answers with the text", lambda rest: Say(rest) if rest else None),
    "fail": Verb(
        "fail [reason]", "ends the turn with an error", lambda rest: Fail(rest or "no reason given")
    ),
    "milestone": Verb("milestone TEXT", "names what a task has reached", _text("task_milestone", "text")),
    "submit": Verb("submit SUMMARY | file", "ends the work on a task with a result", _submit),
    "stuck": Verb("stuck REASON", "ends the work on a task: somebody must act first", _stuck),
    "hand-off": Verb("hand-off AGENT NOTES", "passes a task to another agent", _hand_off),
    "approve": Verb("approve TASK WORDS", "approves what a review is about", _review("approve")),
    "request-changes": Verb(
        "request-changes TASK WORDS | point | point",
        "sends it back with what has to change",
        _review("changes"),
    ),
    "reject": Verb("reject TASK REASON", "sends it back to somebody else", _review("reject")),
    "suggest": Verb(
        "suggest TASK | template | agent | done when", "suggests how a task in triage goes on", _suggest
    ),
    "diagnose": Verb("diagnose WORDS in CHANNEL", "has a bug diagnosed that was reported there", _diagnose),
    "diagnosis": Verb(
        "diagnosis FILE:LINE | QUOTE | CAUSE | FIX", "ends a diagnosis; its place is compared", _diagnosis
    ),
    "task:": Verb("task: TITLE", "puts a task on the board", _task),
    "keep": Verb("keep going", "goes on with the steps that are left", _keep),
    "make": Verb("Make it simpler", "is heard; the steps stay as they are", _make),
    "stop": Verb("stop after this", "leaves out the steps that are left", _stop),
    "push": Verb("push to BRANCH", "pushes what is committed; waits for an approval", _push),
    "tasks": Verb("tasks [WORDS]", "lists the tasks on the board", _optional("task_list", "words")),
    "remind": Verb("remind me WHEN WHAT", "reminds you, such as: remind me in 20 minutes call mum", _remind),
    "cron": Verb("cron [WHEN | PROMPT]", "schedules a prompt, or lists the jobs", _cron),
    "run": Verb(
        "run COMMAND", "runs a command; a risky one waits for an approval", _text("terminal", "command")
    ),
    "start": Verb("start COMMAND", "runs a command in the background", _start),
    "poll": Verb("poll ID", "shows how a background command fares", _text("process_poll", "id")),
    "kill": Verb("kill ID", "ends a background command", _text("process_kill", "id")),
}

UNCONFIGURED = (
    "No language model is configured, so I understand a few commands and nothing else. "
    "To talk to a model, run `hermes setup` or set `agent.model` (such as `openai:gpt-5.2`) and its key."
)


def help_text() -> str:
    """Return the list of commands."""
    lines = [f"- `{verb.usage}` {verb.summary}" for verb in VERBS.values()]
    return "\n".join(
        [
            "I am the offline operator: a few commands, no language model.",
            *lines,
            "",
            "Several lines are steps, in order; what follows `ask` waits for the answer, and `{answer}` stands for it.",
            "What follows something that must be approved waits for that.",
        ]
    )


def parse(text: str) -> list[Step]:
    """Return the steps of a message; one that does not begin with a command gets a friendly explanation."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or _verb(lines[0])[0] not in VERBS:
        return [Say(explanation(text))]
    return [_step(line) for line in lines]


def received(files: Sequence[str]) -> str:
    """Return what is said of files that came without a word; each is told by a note, or is a name."""
    lines = [f"- {_kept(file)}" for file in files]
    heard = any(file.startswith(("voice ", "audio ")) for file in files)
    way = (
        "I cannot listen to it. Write what you said, or `run` a program that transcribes it; nothing is lost meanwhile."
        if heard
        else "Say what is to be done; `help` lists what I understand."
    )
    return "\n".join(["I have received:", *lines, "", way])


def _kept(note: str) -> str:
    """Return a note about a file as a person reads it, with its path as it is written."""
    what, kept, rest = note.partition(", kept at ")
    path = rest.partition(f". {TO_MODELS}")[0]
    return f"{what}, kept at `{path}`" if kept else what


def parse_order(text: str) -> list[Step]:
    """Return the steps of a task; one with a line that is not understood fails as a whole, before its first step."""
    if verb_of(text) not in VERBS:
        return [Fail(f"This task needs a language model. {explanation(text)}", told=False)]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        if hint := misread(line):
            where = f"Line {number} of this task needs a language model or other words"
            return [Fail(f"{where}, and nothing of it was run: {hint}", told=False)]
    return parse(text)


def verb_of(text: str) -> str:
    """Return the command word that a text begins with, or whatever word it is."""
    return _verb(text.lstrip().partition("\n")[0])[0]


def answered(step: Step, answer: str) -> Step:
    """Return a step with ``{answer}`` filled in."""
    if isinstance(step, Say):
        return Say(step.text.replace(ANSWER, answer))
    if isinstance(step, Call):
        filled = {
            k: v.replace(ANSWER, answer) if isinstance(v, str) else v for k, v in step.arguments.items()
        }
        return Call(step.tool, filled)
    return step


def _verb(line: str) -> tuple[str, str]:
    """Return the command word of a line and its rest; a leading ``then`` is only for reading."""
    word, _, rest = line.partition(" ")
    if word.lower() == "then" and rest.strip():
        word, _, rest = rest.strip().partition(" ")
    return word.lower(), rest.strip()


def _step(line: str) -> Step:
    word, rest = _verb(line)
    step = VERBS[word].read(rest) if word in VERBS else None
    return step or Say(misread(line))


def misread(line: str) -> str:
    """Return what is said to a line that is not understood, or nothing where it is."""
    word, rest = _verb(line)
    if (verb := VERBS.get(word)) is None:
        return f"`{line[:80]}` is no command; `help` lists them."
    return "" if verb.read(rest) is not None else f"Write it as `{verb.usage}`."


def explanation(text: str) -> str:
    """Return what is said to a message that is no command: why, the way out, and what comes nearest."""
    words = [word.lower().strip(".,:;!?") for word in text.split()[:50]]
    near = [verb for word in words for verb in difflib.get_close_matches(word, VERBS, n=1, cutoff=0.75)]
    nearest = list(dict.fromkeys(near))[:3] or ["help", "list", "say"]
    return f"{UNCONFIGURED}\nTry: " + ", ".join(f"`{VERBS[verb].usage}`" for verb in nearest) + "."

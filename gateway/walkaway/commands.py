"""``/delegate /walkaway /tasks /task``: jobs in a chat, and the buttons under their cards."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from board import deciding, diagnostics, views
from board.service import Board
from gateway.walkaway import inputs, telling, words
from gateway.walkaway.buttons import Buttons, Pressed, Verb
from gateway.walkaway.service import Delegation, Here, Started, Steering
from gateway.walkaway.settings import WalkawaySettings
from gateway.walkaway.telling import Teller
from kernel.errors import AccessDenied, InvalidInput, Stale
from kernel.messages import Button, Sender
from kernel.people import Principal, Role
from kernel.specs import Command, CommandCall, CommandReply
from kernel.states import TaskState
from kernel.tasks import Task
from store import tasks
from store.inbox import InboxRow
from store.tasks import Filter

LISTED = 20
BUTTONS_FOR = 6
MILESTONES_SHOWN = 10
GO_ON = "Go on with what we have been talking about until it is done."
NOT_OURS = "This button is not one of mine."
NOBODY = "Nobody is at work on it now."


class JobCommands:
    """Carries commands, taps and replies out."""

    def __init__(
        self,
        board: Board,
        delegation: Delegation,
        steering: Steering,
        teller: Teller,
        buttons: Buttons,
        halt: Callable[[str, str], bool],
    ) -> None:
        self._board = board
        self._database = board.room.database
        self._delegation = delegation
        self._steering = steering
        self._teller = teller
        self._buttons = buttons
        self._halt = halt
        self._verbs: Mapping[str, Callable[[int, CommandCall, str], Awaitable[CommandReply]]] = {
            "": self._shown,
            "show": self._shown,
            "say": self._say,
            "stop": self._stop,
            "cancel": self._cancel,
            "retry": self._retry,
            "done": self._done,
        }

    @property
    def settings(self) -> WalkawaySettings:
        """The settings in force."""
        return self._delegation.settings

    def commands(self) -> Sequence[Command]:
        """Return the commands."""
        return (
            Command(
                "delegate",
                "Hand a job over: it pings you, listens and ends with a summary.",
                self.delegate,
                usage=inputs.USAGE,
                role=Role.OPERATOR,
            ),
            Command(
                "walkaway",
                "Turn this conversation into a job that goes on without you.",
                self.walkaway,
                usage="[--ping milestone|10m|done] [--to PLACE] [what is left to do]",
                role=Role.OPERATOR,
            ),
            Command(
                "tasks",
                "List the tasks on the board, and what wants attention.",
                self.tasks,
                usage="[all | words]",
                role=Role.OPERATOR,
            ),
            Command(
                "task",
                "Show a task, or say something to it, stop, cancel or retry it.",
                self.task,
                usage="NUMBER [say WORDS | stop | cancel | retry | done]",
                role=Role.OPERATOR,
            ),
        )

    async def delegate(self, call: CommandCall) -> CommandReply:
        """Carry out ``/delegate``."""
        if not call.args:
            raise InvalidInput("Say what is to be done.", remedy=f"/delegate {inputs.USAGE}")
        asked = inputs.read(call.args)
        started = await self._delegation.delegate(_here(call), asked)
        return CommandReply(_begun(started, call), (self._row(started.task),))

    async def walkaway(self, call: CommandCall) -> CommandReply:
        """Carry out ``/walkaway``."""
        asked = inputs.read(f"{call.args} {GO_ON}" if not _text_of(call.args) else call.args)
        asked = asked.model_copy(update={"mode": "walkaway"})
        started = await self._delegation.here(_here(call), asked, call.session_id)
        return CommandReply(_goes_on(started, call))

    async def tasks(self, call: CommandCall) -> CommandReply:
        """Carry out ``/tasks``."""
        everything = call.args == "all"
        wanted = Filter(unfinished=not everything, words="" if everything else call.args, limit=LISTED)
        found = await self._database.read(tasks.listed, wanted)
        attention = await self._board.attention()
        head = diagnostics.headline(attention)
        lines = [f"- {one.task.id}: {one.title}. {one.sentence}" for one in attention[:BUTTONS_FOR]]
        listed = telling.listed(found) or ["There is no such task. `/delegate` makes one."]
        text = "\n".join([*([f"**{head}**", *lines, ""] if head else []), *listed])
        return CommandReply(
            self._board.room.redact(text), tuple(self._row(one) for one in found[:BUTTONS_FOR])
        )

    def _row(self, task: Task) -> tuple[Button, ...]:
        return (self._buttons.make(f"📋 {task.id} {words.line(task.title, 24)}", task.id, Verb.SHOW),)

    async def task(self, call: CommandCall) -> CommandReply:
        """Carry out ``/task``."""
        number, _, rest = call.args.partition(" ")
        if not number.isdigit():
            raise InvalidInput("Say which task.", remedy="/tasks lists them; then /task NUMBER.")
        verb, _, more = rest.strip().partition(" ")
        handler = self._verbs.get(verb.lower())
        if handler is None:
            raise InvalidInput(
                f"I cannot {verb} a task.", remedy="/task NUMBER say WORDS, stop, cancel, retry or done."
            )
        return await handler(int(number), call, more.strip())

    async def _shown(self, id: int, call: CommandCall, rest: str) -> CommandReply:
        del call, rest
        text, task = await self._described(id)
        return CommandReply(text, self._teller.choices(task))

    async def _described(self, id: int) -> tuple[str, Task]:
        room = self._board.room
        found = await self._database.read(views.whole, id)
        task, brief = found.task, found.brief
        parts = [
            f"**{words.title(task)}**",
            f"{words.state(task)}. {task.state.sentence}",
            f"```\n{brief.description[:800]}\n```" if brief.description != task.title else "",
            "\n".join(words.told(one) for one in found.milestones[-MILESTONES_SHOWN:]),
            f"It asks: {task.question}" if task.question else "",
            f"It waits for {task.block_owner or 'somebody'}: {task.block_reason}"
            if task.block_reason
            else "",
            f"Last failure: {words.line(task.last_failure_error, 400)}" if task.last_failure_error else "",
            brief.result[:1500],
            f"⏱ {words.span((task.ended_at or room.clock.now()) - task.created_at)}, {words.cost(task, found.live)}",
        ]
        return room.redact("\n\n".join(part for part in parts if part)), task

    async def _say(self, id: int, call: CommandCall, text: str) -> CommandReply:
        if not text:
            raise InvalidInput("Say something.", remedy=f"/task {id} say make it simpler")
        speaker = f"{call.address.platform}:{call.sender_id}"
        await self._board.say(id, text, speaker, Sender(call.sender_id, call.principal.name))
        return CommandReply("It is heard at the next step.")

    async def _stop(self, id: int, call: CommandCall, rest: str) -> CommandReply:
        del rest
        return CommandReply(await self._halted(id, call.principal))

    async def _halted(self, id: int, principal: Principal) -> str:
        task = await self._database.read(tasks.get, id)
        if not task.session_id or not self._halt(task.session_id, principal.name or principal.id):
            return NOBODY
        return "It stops now."

    async def _cancel(self, id: int, call: CommandCall, rest: str) -> CommandReply:
        await self._board.cancel(id, actor=call.principal.id, reason=rest)
        return CommandReply(f"Task {id} is cancelled.")

    async def _retry(self, id: int, call: CommandCall, rest: str) -> CommandReply:
        del rest
        await self._database.write(deciding.reclaim, id, actor=call.principal.id)
        return CommandReply(f"Task {id} begins again, with a fresh budget of failures.")

    async def _done(self, id: int, call: CommandCall, rest: str) -> CommandReply:
        del rest
        await self._database.write(deciding.complete, id, actor=call.principal.id)
        return CommandReply(f"Task {id} is done.")

    async def tapped(self, row: InboxRow, principal: Principal) -> str:
        """Carry out what a button says and return a sentence for the one who tapped."""
        pressed = self._buttons.read(row.inbound.tap, self.settings.replies)
        if pressed is None:
            return NOT_OURS
        task = await self._database.read(tasks.get, pressed.task_id)
        if principal.role < Role.OPERATOR:
            raise AccessDenied("The board is for operators and owners.")
        try:
            return await self._pressed(row, principal, pressed, task)
        except Stale as stale:
            return stale.message

    async def _pressed(self, row: InboxRow, principal: Principal, pressed: Pressed, task: Task) -> str:
        match pressed.verb:
            case Verb.SAY:
                if task.state in (TaskState.DONE, TaskState.CANCELLED):
                    return "It has ended; reply to go on."
                speaker = f"{row.inbound.address.platform}:{row.inbound.sender.id}"
                await self._board.say(task.id, pressed.words, speaker, row.inbound.sender)
                return f"Told: {pressed.words}"
            case Verb.HALT:
                return await self._halted(task.id, principal)
            case Verb.AGAIN:
                await self._database.write(deciding.reclaim, task.id, actor=principal.id)
                return "It begins again."
            case Verb.CANCEL:
                await self._board.cancel(task.id, actor=principal.id)
                return "Cancelled."
            case Verb.SHOW:
                await self._show(row, task.id)
                return ""

    async def _show(self, row: InboxRow, id: int) -> None:
        text, task = await self._described(id)
        rows = self._teller.choices(task)
        await self._database.write(
            self._teller.say, row.inbound.address, f"task:{id}:shown:{row.id}", text, rows
        )

    async def replied(self, row: InboxRow, principal: Principal) -> str | None:
        """Take a message in a job's thread or to its card; ``None`` where it is about none."""
        if principal.role < Role.OPERATOR:
            return None
        inbound = row.inbound
        here = Here(principal, inbound.address, inbound.sender.id, f"inbox:{row.id}")
        return await self._steering.said(here, inbound.text, inbound.reply_to, inbound.sender)


def _text_of(args: str) -> str:
    """Return what stands beside the options of a command line."""
    try:
        return inputs.read(args).text
    except InvalidInput:
        return ""


def _here(call: CommandCall) -> Here:
    return Here(call.principal, call.address, call.sender_id, f"inbox:{call.inbox_id}")


def _goes_on(started: Started, call: CommandCall) -> str:
    place, task = started.place, started.task
    head = f"🚶 This goes on as task {task.id}"
    if place.platform != call.address.platform or place.chat != call.address.chat:
        return f"{head} at {place}, where it pings you. `/take` brings the conversation back."
    return f"{head}. Whatever you write here is heard at its next step."


def _begun(started: Started, call: CommandCall) -> str:
    place, task = started.place, started.task
    if place == call.address:
        where = "Reply to its card and it hears you at its next step."
    elif place[:3] == call.address[:3]:
        where = "It talks in its own thread."
    else:
        where = f"It talks at {place}."
    return f"🚶 **{words.title(task)}** is under way. {where}"

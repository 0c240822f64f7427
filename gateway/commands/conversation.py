"""Commands about the conversation one is in."""

import asyncio
import json
import re
import shutil
from collections.abc import Sequence

from agent.models import names
from gateway.commands.services import Services
from gateway.handoff.targets import Asker
from gateway.keys import answer_key, session_key
from kernel.clock import short_time
from kernel.errors import AccessDenied, InvalidInput
from kernel.messages import Inbound, Sender
from kernel.people import Role
from kernel.specs import Command, CommandCall, CommandReply
from kernel.states import HandoffState
from store import inbox, sessions
from store.inbox import InboxRow, Verdict
from store.sessions import Session

SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(m|min|h|hour|hours|d|day|days)?")
SECONDS = {"m": 60, "h": 3600, "d": 86400}
LISTED = 10
TITLE_LENGTH = 120
UNDER_WAY = (HandoffState.PENDING, HandoffState.RUNNING)


class ConversationCommands:
    """``/new /title /sessions /resume /take /stop /retry /undo /compact /model /quiet /verbose /forget``."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._database = services.database

    def commands(self) -> Sequence[Command]:
        """Return the commands in the order of the help."""
        return (
            Command("new", "Begin a fresh conversation; the old one is kept.", self.new, aliases=("reset",)),
            Command("title", "Show or set this conversation's title.", self.title, "[title]"),
            Command("sessions", "List your conversations.", self.list, "[words]"),
            Command("resume", "Continue an earlier conversation here.", self.resume, "[number, id or words]"),
            Command(
                "take",
                "Pull a conversation here from wherever it is: the one that left, or the latest elsewhere.",
                self.take,
                "[number, id or words]",
            ),
            Command("stop", "Stop what the agent is doing now.", self.stop),
            Command("retry", "Try the last message again.", self.retry),
            Command(
                "undo",
                "Take back the last exchange.",
                self.undo,
                "[how many]",
                confirm="Take back the last exchange? The agent forgets it; nothing it did is reversed.",
            ),
            Command(
                "model",
                "Show or choose the model of this conversation.",
                self.model,
                "[provider:name | default]",
            ),
            Command(
                "compact",
                "Summarise the older part of this conversation.",
                self.compact,
                aliases=("compress",),
            ),
            Command("quiet", "Show no progress and make no sound for a while.", self.quiet, "2h | off"),
            Command("verbose", "Show every step of the agent, or only the last.", self.verbose, "[on | off]"),
            Command(
                "forget",
                "Erase this conversation with its files.",
                self.forget,
                confirm="Erase this conversation and its files? This cannot be undone.",
            ),
        )

    async def _session(self, call: CommandCall) -> Session:
        return await self._database.read(sessions.get, call.session_id)

    def _when(self, milliseconds: int) -> str:
        return short_time(milliseconds, self._services.zone, self._services.clock.now())

    def _key(self, call: CommandCall) -> str:
        inbound = Inbound(call.address, "", "", Sender(call.sender_id), private=call.private)
        shared = self._services.settings.access.group_sessions == "shared"
        return session_key(inbound, shared_groups=shared)

    async def new(self, call: CommandCall) -> CommandReply:
        """Open a new session at this place."""
        self._services.turns.halt(call.session_id, "/new")
        await self._services.cancel(call.session_id, call.principal.id)
        await self._database.write(
            sessions.open_new, self._key(call), call.address, call.principal.id, private=call.private
        )
        return CommandReply("🆕 A fresh conversation. /sessions lists the earlier ones.")

    async def title(self, call: CommandCall) -> CommandReply:
        """Show or set the title."""
        if not call.args:
            session = await self._session(call)
            return CommandReply(f"This conversation is called **{session.title or 'nothing yet'}**.")
        title = " ".join(call.args.split())[:TITLE_LENGTH]
        await self._database.write(
            sessions.change, call.session_id, actor=call.principal.id, title=title, titled_by="person"
        )
        return CommandReply(f"This conversation is now called **{title}**.")

    async def _own(self, call: CommandCall, words: str = "", limit: int = LISTED) -> list[Session]:
        owner = "" if call.principal.role is Role.OWNER else call.principal.id
        return await self._database.read(sessions.recent, owner, words, limit)

    async def list(self, call: CommandCall) -> CommandReply:
        """List the caller's sessions; an owner sees everybody's."""
        found = await self._own(call, call.args)
        if not found:
            return CommandReply(
                "There are no conversations yet." if not call.args else "No conversation fits."
            )
        lines = [
            f"{number}. **{item.title or item.id}** · {item.address.platform} · {self._when(item.active_at)}"
            + (" · here" if item.id == call.session_id else "")
            + (" · being handed over" if item.handoff in UNDER_WAY else "")
            for number, item in enumerate(found, 1)
        ]
        return CommandReply("\n".join((*lines, "", "/resume NUMBER continues one here.")))

    async def resume(self, call: CommandCall) -> CommandReply:
        """Bind an earlier session to this place."""
        if not call.args:
            return await self.list(call)
        if await self._services.handoffs.done(answer_key(call.inbox_id)):
            return CommandReply("")
        session = await self._found(call)
        if session.id == call.session_id:
            return CommandReply("You are in this conversation already.")
        if session.id in self._services.turns.running:
            raise InvalidInput(
                "The agent is at work in that conversation.", remedy="Wait, or /stop it there."
            )
        return await self._pull(call, session)

    async def take(self, call: CommandCall) -> CommandReply:
        """Pull a conversation to this place: the one that left it, or the one that was active last elsewhere."""
        if call.args:
            return await self.resume(call)
        handoffs = self._services.handoffs
        if await handoffs.done(answer_key(call.inbox_id)):
            return CommandReply("")
        key = self._key(call)
        session = await self._database.read(sessions.departed, key) or await handoffs.latest(
            Asker(call.principal, call.address), key
        )
        handoffs.may(call.principal, session)
        return await self._pull(call, session)

    async def _pull(self, call: CommandCall, session: Session) -> CommandReply:
        asker, handoffs = Asker(call.principal, call.address), self._services.handoffs
        told = answer_key(call.inbox_id)
        await handoffs.pull(asker, session, call.sender_id, private=call.private, told=told)
        return CommandReply("")

    async def _found(self, call: CommandCall) -> Session:
        own = await self._own(call, limit=200)
        if call.args.isdigit() and 1 <= int(call.args) <= min(LISTED, len(own)):
            return own[int(call.args) - 1]
        words = call.args.casefold()
        fitting = [item for item in own if item.id == call.args] or [
            item for item in own if words in item.title.casefold()
        ]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise InvalidInput("No conversation fits.", remedy="/sessions lists them.")
        raise InvalidInput(f"{len(fitting)} conversations fit.", remedy="/sessions numbers them.")

    async def stop(self, call: CommandCall) -> CommandReply:
        """Stop the running turn, or withdraw an open question."""
        if self._services.turns.halt(call.session_id, call.principal.name or call.principal.id):
            return CommandReply("⏹ Stopping.")
        if await self._services.cancel(call.session_id, call.principal.id):
            return CommandReply("⏹ The open question is withdrawn.")
        return CommandReply("Nothing is running here.")

    async def retry(self, call: CommandCall) -> CommandReply:
        """Put the last message before the agent again, without what it answered."""
        if call.session_id in self._services.turns.running:
            raise InvalidInput("The agent is at work.", remedy="/stop it first.")
        dead = await self._database.read(inbox.last_dead, call.session_id)
        if dead is not None:
            await self._database.write(inbox.revive, dead.id)
            return CommandReply("")
        last = await self._database.read(inbox.last_of_session, call.session_id)
        if last is None:
            raise InvalidInput("There is nothing to try again.")
        await (await self._services.conversations()).undo(call.session_id, said=last.inbound.text)
        await self._again(call, last)
        return CommandReply("")

    async def _again(self, call: CommandCall, last: InboxRow) -> None:
        inbound = Inbound(
            call.address,
            f"retry:{call.inbox_id}",
            "",
            last.inbound.sender,
            text=last.inbound.text,
            private=call.private,
            attachments=last.inbound.attachments,
        )
        session_id = call.session_id
        await self._database.write(inbox.add, inbound, Verdict("admit", session=lambda _: session_id))

    async def undo(self, call: CommandCall) -> CommandReply:
        """Take back the last exchanges."""
        if call.session_id in self._services.turns.running:
            raise InvalidInput("The agent is at work.", remedy="/stop it first.")
        if call.args and not call.args.isdigit():
            raise InvalidInput(f"{call.args!r} is no number.", remedy="/undo or /undo 2.")
        conversations = await self._services.conversations()
        return CommandReply(await conversations.undo(call.session_id, int(call.args or 1)))

    async def compact(self, call: CommandCall) -> CommandReply:
        """Summarise the conversation's older part."""
        if call.session_id in self._services.turns.running:
            raise InvalidInput("The agent is at work.", remedy="/stop it first.")
        session = await self._session(call)
        return CommandReply(
            await (await self._services.conversations()).compact(call.session_id, session.model)
        )

    async def model(self, call: CommandCall) -> CommandReply:
        """Show or set the session's model."""
        session = await self._session(call)
        standard = self._services.model()
        if not call.args:
            chosen = session.model or f"{standard} (the configured one)"
            return CommandReply(f"This conversation uses `{chosen}`. `/model provider:name` changes it.")
        if call.principal.role < Role.OPERATOR:
            raise AccessDenied("Choosing a model is for operators.")
        name = "" if call.args in ("default", "reset") else names.full(call.args, standard)
        if name and (problem := names.trouble(name, base_url="the configured one")):
            raise InvalidInput(problem, remedy="/model default goes back to the configured one.")
        await self._database.write(sessions.change, call.session_id, actor=call.principal.id, model=name)
        return CommandReply(f"This conversation now uses `{name or standard}`.")

    async def quiet(self, call: CommandCall) -> CommandReply:
        """Be quiet for a while."""
        now = self._services.clock.now()
        seconds = 0 if call.args in ("off", "0") else span_seconds(call.args or "2h")
        until = now + seconds * 1000 if seconds else 0
        await self._database.write(
            sessions.change, call.session_id, actor=call.principal.id, quiet_until=until
        )
        if not seconds:
            return CommandReply("🔔 Progress is shown again.")
        return CommandReply(f"🔕 Quiet until {self._when(until)}. Questions still come. /quiet off ends it.")

    async def verbose(self, call: CommandCall) -> CommandReply:
        """Switch the detail of progress."""
        session = await self._session(call)
        wanted = {"on": True, "off": False}.get(call.args, not session.verbose)
        await self._database.write(
            sessions.change, call.session_id, actor=call.principal.id, verbose=int(wanted)
        )
        return CommandReply("🔎 Every step is shown." if wanted else "Only the last step is shown.")

    async def forget(self, call: CommandCall) -> CommandReply:
        """Erase the session with its files."""
        self._services.turns.halt(call.session_id, "/forget")
        await self._services.cancel(call.session_id, call.principal.id)
        columns = await self._database.read(sessions.attachments, call.session_id)
        count = sum(len(json.loads(column)) for column in columns)
        await self._database.write(sessions.forget, call.session_id, actor=call.principal.id)
        await asyncio.to_thread(shutil.rmtree, self._services.media / call.session_id, ignore_errors=True)
        return CommandReply(f"🗑 This conversation is erased, with {count} file{'s' if count != 1 else ''}.")


def span_seconds(text: str) -> int:
    """Return the seconds in ``30m``, ``2h`` or ``1d``; a bare number is hours. Raises InvalidInput."""
    parsed = SPAN.fullmatch(text.strip().lower())
    if parsed is None:
        raise InvalidInput(f"{text!r} is no span of time.", remedy="Write 30m, 2h or 1d.")
    return int(float(parsed[1]) * SECONDS[(parsed[2] or "h")[0]])

"""Commands about Hermes itself: help, status, usage, people, platforms."""

from collections.abc import Callable, Sequence
from typing import Any

from gateway.commands.registry import Registry
from gateway.commands.services import Services
from gateway.directory import Place
from kernel.errors import InvalidInput
from kernel.people import Role
from kernel.specs import Command, CommandCall, CommandReply
from kernel.turns import Usage
from store import channels, usage

LISTED = 20
ROLES = {role.word: role for role in Role if role is not Role.NONE}

WAITING = {
    "inbox_queued": "waiting to be answered",
    "turns_running": "being answered",
    "turns_interrupted": "interrupted",
    "turns_suspended": "waiting for a decision",
    "outbox_pending": "to be sent",
    "outbox_uncertain": "sent without a receipt",
    "outbox_dead": "undeliverable",
    "inbox_dead": "set aside",
}


class DaemonCommands:
    """``/help /status /usage /whoami /sethome /pair /platforms /restart``."""

    def __init__(self, services: Services, registry: Callable[[], Registry]) -> None:
        self._services = services
        self._registry = registry

    def commands(self) -> Sequence[Command]:
        """Return the commands in the order of the help."""
        return (
            Command("help", "Show what I understand.", self.help, "[command]", aliases=("start",)),
            Command("status", "Show how Hermes is.", self.status),
            Command("usage", "Show what models have used today and in this conversation.", self.usage),
            Command("whoami", "Show who you are to Hermes.", self.whoami),
            Command("sethome", "Send notices of this platform here.", self.sethome, role=Role.OPERATOR),
            Command(
                "pair",
                "Admit somebody by their code.",
                self.pair,
                "CODE [user|operator|owner]",
                role=Role.OWNER,
            ),
            Command(
                "platforms",
                "Show the connections and known chats; pause, resume, name.",
                self.platforms,
                "[pause NAME | resume NAME | name NAME [ADDRESS]]",
                role=Role.OPERATOR,
            ),
            Command(
                "restart",
                "Restart Hermes.",
                self.restart,
                role=Role.OWNER,
                confirm="Restart Hermes? Running work continues afterwards.",
            ),
        )

    async def help(self, call: CommandCall) -> CommandReply:
        """Show the help."""
        return CommandReply(self._registry().help(call.principal.role, call.args))

    async def status(self, call: CommandCall) -> CommandReply:
        """Show how the daemon and this session are."""
        status = await self._services.status()
        running = self._services.turns.running.get(call.session_id)
        doing = f"at work: {running.stage.doing}" if running else "idle"
        shaping = await self._services.shaping(self._services.workspace(call.session_id))
        where = await self._services.handoffs.whereabouts(call.session_id, call.address)
        lines = [*status_lines(status), f"**This conversation** {doing}, {where}"]
        if shaping:
            lines.append(f"**Shaped by** {', '.join(shaping)}")
        return CommandReply("\n".join(f"- {line}" for line in lines))

    async def usage(self, call: CommandCall) -> CommandReply:
        """Show usage of today, of the month and of this session."""
        day = self._services.today()
        database = self._services.database
        today = await database.read(usage.of_day, day)
        month = await database.read(usage.since, f"{day[:8]}01")
        session = await database.read(usage.of_session, call.session_id)
        parts = [("Today", today), ("This month", month), ("This conversation", session)]
        return CommandReply("\n\n".join(f"**{name}**\n{usage_lines(rows)}" for name, rows in parts))

    async def whoami(self, call: CommandCall) -> CommandReply:
        """Show the caller's id, role and place."""
        principal = call.principal
        return CommandReply(
            f"You are `{principal.id}`, {principal.role.word}. This place is `{call.address}`, "
            f"the conversation `{call.session_id}`."
        )

    async def sethome(self, call: CommandCall) -> CommandReply:
        """Make this place the home channel of its platform."""
        await self._services.database.write(channels.set_home, call.address, actor=call.principal.id)
        return CommandReply(f"🏠 Notices of {call.address.platform} come here from now on.")

    async def pair(self, call: CommandCall) -> CommandReply:
        """Admit a stranger by their pairing code."""
        code, _, word = call.args.partition(" ")
        role = ROLES.get(word.strip() or "user")
        if not code or role is None:
            raise InvalidInput("That is no pairing.", remedy="/pair CODE, or /pair CODE operator.")
        person = await self._services.access.approve(code, role, actor=call.principal.id)
        return CommandReply(f"✅ {person.name or person.id} ({person.platform}) is admitted as {role.word}.")

    async def platforms(self, call: CommandCall) -> CommandReply:
        """Show, pause or resume connections; name the chats that are known."""
        verb, _, rest = call.args.partition(" ")
        name, actor = rest.strip(), call.principal.id
        match verb:
            case "pause":
                return CommandReply(await self._services.switches.pause(name, actor=actor))
            case "resume":
                return CommandReply(await self._services.switches.resume(name, actor=actor))
            case "name":
                return await self._name(call, name)
            case "":
                return CommandReply(await self._listed())
            case _:
                raise InvalidInput(f"I cannot {verb!r} a platform.", remedy="/help platforms shows how.")

    async def _name(self, call: CommandCall, rest: str) -> CommandReply:
        """Call this chat, or the one of a given address, by a name."""
        name, _, address = rest.partition(" ")
        directory = self._services.directory
        named = await directory.name(address.strip() or str(call.address), name, actor=call.principal.id)
        return CommandReply(f"`{named}` is called **{name.casefold()}** from now on.")

    async def _listed(self) -> str:
        homes = await self._services.database.read(channels.homes)
        lines = [
            f"- **{item.name}**: {item.sentence}"
            + (f" Home: `{homes[item.name]}`." if item.name in homes else "")
            for item in self._services.connections().values()
        ]
        places = await self._services.directory.places(limit=LISTED)
        known = [_place_line(place) for place in places]
        return "\n".join((*lines, "", "**Known chats**", *known))

    async def restart(self, call: CommandCall) -> CommandReply:
        """End the daemon once this answer is stored; its supervisor starts it again."""
        self._services.restart(call.principal.id)
        return CommandReply("🔄 Restarting. Running work continues afterwards.")


def _place_line(place: Place) -> str:
    name = f" **{place.nickname}**" if place.nickname else ""
    title = f" `{place.title}`" if place.title else ""
    return f"- `{place.address}`{name}{title}{' 🏠' if place.home else ''}"


def status_lines(status: dict[str, Any] | Any) -> list[str]:
    """Return a status as lines of Markdown."""
    connections = [f"**{item['name']}** {item['sentence']}" for item in status["connections"]]
    waiting = {WAITING[name]: count for name, count in status["queues"].items() if count and name in WAITING}
    state = "" if status["state"] == "ok" else f"{status['state']}, "
    queues = ", ".join(f"{count} {what}" for what, count in waiting.items()) or "empty"
    lines = [
        f"**Hermes {status['version']}** {state}up {status['uptime']}",
        *connections,
        f"**Model** `{status['model']}`",
        f"**Queues** {queues}",
    ]
    facts = status["facts"]
    lines += [f"**MCP server {one['name']}** {one['sentence']}" for one in facts.get("mcp_servers", ())]
    if waiting := facts.get("approvals_pending", 0) + facts.get("approvals_held", 0):
        lines.append(f"**Approvals** {waiting} waiting for a decision: /approvals")
    return [*lines, *(f"⚠️ {warning}" for warning in status["warnings"])]


def usage_lines(rows: Sequence[Usage]) -> str:
    """Return usage by model as lines of Markdown."""
    if not rows:
        return "nothing"
    return "\n".join(
        f"- `{row.model}`: {row.requests} request{'s' if row.requests != 1 else ''}, "
        f"{row.input_tokens:,} tokens in, {row.output_tokens:,} out"
        + (f", ${row.cost:.4f}" if row.cost is not None else ", price unknown" if row.input_tokens else "")
        for row in rows
    )

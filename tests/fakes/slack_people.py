"""What people do on the fake Slack: write, edit, press, fill in forms, use the slash command, bring files.

In an organisation (Enterprise Grid) in which the app is installed for all of it, what is handed over says so.
"""

import itertools
import time
from typing import Any

from tests.fakes.loopback import Loopback
from tests.fakes.slack_socket import Envelope, Sockets
from tests.fakes.slack_world import APP_ID, BOT_USER, TEAM_ID, Channel, Json, Message, World


class People(Loopback):
    """The users' side of the server: each act changes the world and hands over what an app gets for it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.sockets = Sockets(self.changed)
        self.tells_events = True
        self._ids = itertools.count(1)

    def person(self, id: str, name: str = "") -> str:
        """Add somebody and return the id of their direct messages with the app."""
        return self.world.person(id, name)

    def channel(self, id: str, name: str, *members: str, kind: str = "channel") -> Channel:
        """Add a channel with the app and these people in it."""
        return self.world.channel(id, name, BOT_USER, *members, kind=kind)

    def says(self, channel: str, text: str, *, user: str = "", thread: str = "", **more: Any) -> Message:
        """Have somebody write mrkdwn as their client sends it (the three characters escaped by the caller)."""
        place = self.world.place(channel)
        message = self.world.add(channel, user or place.user, text, thread_ts=thread, **more)
        self.tell(message)
        return message

    def types(self, channel: str, text: str, **more: Any) -> Message:
        """Have somebody type a text, which their client escapes."""
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return self.says(channel, escaped, **more)

    def tell(self, message: Message, kind: str = "message", **more: Any) -> Envelope | None:
        """Hand a message over as an event."""
        place = self.world.place(message.channel)
        given = message.wire() | {"type": kind, "channel": place.id, "channel_type": place.kind}
        given |= {"event_ts": message.ts} | more
        if message.files and not message.bot:
            given["subtype"] = "file_share"
        if message.thread_ts:
            first = [m for m in place.messages if m.ts == message.thread_ts]
            given |= {"parent_user_id": first[0].user} if first else {}
        return self.event(given)

    def event(self, given: Json) -> Envelope | None:
        """Hand an event over."""
        payload: Json = {
            "token": "t",
            "team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": given,
            "type": "event_callback",
            "event_id": f"Ev{next(self._ids):08}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": TEAM_ID, "user_id": BOT_USER, "is_bot": True}],
        }
        if grid := self.world.grid:
            payload["enterprise_id"] = payload["context_enterprise_id"] = grid.id
            payload["authorizations"][0] |= {
                "enterprise_id": grid.id,
                "team_id": None,
                "is_enterprise_install": True,
            }
        return self.sockets.push("events_api", payload) if self.tells_events else None

    def edits(self, message: Message, text: str) -> None:
        """Have somebody change what they wrote."""
        old = message.wire()
        message.text, message.edited = text, self.world.tick()
        self.event(self._change(message) | {"message": message.wire(), "previous_message": old})

    def deletes(self, message: Message) -> None:
        """Have somebody delete what they wrote."""
        message.deleted = True
        changed = self._change(message) | {"subtype": "message_deleted", "deleted_ts": message.ts}
        self.event(changed | {"previous_message": message.wire()})

    def _change(self, message: Message) -> Json:
        place = self.world.place(message.channel)
        ts = self.world.tick()
        return {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "channel": place.id,
            "channel_type": place.kind,
            "ts": ts,
            "event_ts": ts,
        }

    def _workspace(self) -> Json:
        """Return where something was pressed or filled in."""
        grid = self.world.grid
        team: Json = {"id": TEAM_ID, "domain": "acme"}
        if grid is None:
            return {"team": team, "enterprise": None, "is_enterprise_install": False}
        team |= {"enterprise_id": grid.id, "enterprise_name": grid.name}
        return {"team": team, "enterprise": {"id": grid.id, "name": grid.name}, "is_enterprise_install": True}

    def trigger(self) -> str:
        """Return a fresh trigger id."""
        id = f"{next(self._ids)}.{next(self._ids)}.abcdef"
        self.world.triggers[id] = time.monotonic()
        return id

    def tap(self, message: Message, label: str, *, user: str = "") -> Envelope:
        """Have somebody press a button or choose from a menu."""
        action = next(action for known, action in message.elements if known == label)
        return self.tap_action(message, action, user=user)

    def tap_action(self, message: Message, action: Json, *, user: str = "") -> Envelope:
        """Have a press come with any action."""
        place = self.world.place(message.channel)
        who = user or place.user
        name = self.world.people.get(who, who)
        payload: Json = {
            "type": "block_actions",
            "user": {"id": who, "username": name.casefold(), "name": name, "team_id": TEAM_ID},
            "api_app_id": APP_ID,
            **self._workspace(),
            "container": {"type": "message", "message_ts": message.ts, "channel_id": place.id},
            "trigger_id": self.trigger(),
            "channel": {"id": place.id, "name": place.name or "directmessage"},
            "message": message.wire(),
            "response_url": f"{self.root}/actions/1",
            "actions": [action | {"action_ts": self.world.tick()}],
        }
        return self.sockets.push("interactive", payload)

    def submits(self, view: Json, text: str, *, user: str) -> Envelope:
        """Have somebody fill in a form."""
        block = view["blocks"][0]
        values = {
            block["block_id"]: {block["element"]["action_id"]: {"type": "plain_text_input", "value": text}}
        }
        payload: Json = {
            "type": "view_submission",
            "user": {"id": user, "username": user, "name": self.world.people.get(user, user)},
            "trigger_id": self.trigger(),
            "view": view | {"state": {"values": values}},
            # A form of an app that is installed for all of an organisation belongs to none of its workspaces.
            **(self._workspace() | {"team": None} if self.world.grid else self._workspace()),
        }
        return self.sockets.push("interactive", payload)

    def slash(self, channel: str, text: str, *, user: str = "", command: str = "/hermes") -> Envelope:
        """Have somebody use a slash command."""
        return self.sockets.push("slash_commands", self.slash_payload(channel, text, user, command))

    def slash_payload(self, channel: str, text: str, user: str = "", command: str = "/hermes") -> Json:
        """Return what Slack tells of a slash command."""
        place = self.world.place(channel)
        who = user or place.user
        grid = self.world.grid
        whole = {"enterprise_id": grid.id, "enterprise_name": grid.name} if grid else {}
        return {
            **whole,
            "is_enterprise_install": str(grid is not None).lower(),
            "token": "t",
            "team_id": TEAM_ID,
            "channel_id": place.id,
            "channel_name": place.name or "directmessage",
            "user_id": who,
            "user_name": self.world.people.get(who, who),
            "command": command,
            "text": text,
            "api_app_id": APP_ID,
            "response_url": f"{self.root}/commands/1",
            "trigger_id": self.trigger(),
        }

    def brings(
        self, channel: str, data: bytes, *, name: str = "notes.txt", mime: str = "text/plain"
    ) -> Message:
        """Have somebody send a file."""
        id = f"F{next(self._ids):06}"
        self.world.bytes[id] = data
        address = f"{self.root}/files-pri/{id}/{name}"
        file = {
            "id": id,
            "name": name,
            "title": name,
            "mimetype": mime,
            "size": len(data),
            "mode": "hosted",
            "url_private": address,
            "url_private_download": address,
        }
        self.world.files[id] = file
        return self.says(channel, "", files=[file])

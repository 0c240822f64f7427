"""Who we are and who people are, asked of Slack as rarely as possible."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from gateway.platforms.slack.convert import Me
from gateway.platforms.slack.web import Api, CallFailed, Flooded, Refused, Unreachable

NAMES_KEPT = 10_000
# An envelope is to be acknowledged within three seconds; a name is worth a part of them.
NAME_SECONDS = 0.8


class Introduction:
    """Keeps the answer of ``auth.test`` and people's names; ``headers`` are those of that answer."""

    def __init__(self, account: str) -> None:
        self.me = Me(account)
        self.scopes: frozenset[str] = frozenset()
        self._names: OrderedDict[str, str] = OrderedDict()
        self._asks_names = True

    async def learn(self, api: Api) -> Me:
        """Ask once; raise CallFailed."""
        found, headers = await api.answer("auth.test")
        self.me = Me(
            self.me.account,
            str(found.get("user_id") or ""),
            str(found.get("bot_id") or ""),
            str(found.get("app_id") or ""),
            str(found.get("user") or ""),
            str(found.get("team_id") or ""),
            str(found.get("enterprise_id") or ""),
            bool(found.get("is_enterprise_install")),
        )
        listed = str(headers.get("x-oauth-scopes") or "")
        self.scopes = frozenset(scope.strip() for scope in listed.split(",") if scope.strip())
        return self.me

    def name(self, user: str) -> str:
        """Return what somebody is called, or the id."""
        return self._names.get(user, user)

    def call(self, user: str, name: str) -> None:
        """Remember a name."""
        self._names[user] = name
        self._names.move_to_end(user)
        if len(self._names) > NAMES_KEPT:
            self._names.popitem(last=False)

    async def meet(self, api: Api, users: Iterable[str]) -> None:
        """Learn the names of those not met before, within a short time; without the scope nobody is asked again."""
        new = {user for user in users if user and user not in self._names} if self._asks_names else set[str]()
        if not new:
            return
        asking = [asyncio.ensure_future(self._ask(api, user)) for user in new]
        _, late = await asyncio.wait(asking, timeout=NAME_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, api: Api, user: str) -> None:
        try:
            found = (await api.call("users.info", user=user)).get("user") or {}
        except Refused as error:
            if error.code in {"missing_scope", "unknown_method", "not_allowed_token_type"}:
                self._asks_names = False
            self.call(user, user)
            return
        except (Flooded, Unreachable, CallFailed):
            # The id is a name too; the next message asks again.
            return
        profile = found.get("profile") or {}
        self.call(user, profile.get("display_name") or found.get("real_name") or found.get("name") or user)

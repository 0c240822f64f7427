"""An organisation (Enterprise Grid) that has installed the app for all of its workspaces."""

import pytest

from gateway.adapter import Form
from kernel.messages import Button, Outbound
from tests.fakes.slack_server import Grid, post
from tests.fakes.slack_world import BOT_USER, TEAM_ID
from tests.integration.slack_apps import CHANNEL, App, app

MEMBER = "W012A3CDE"
DIRECT = "D012A3CDE"


def joined(slack: App) -> None:
    """Add somebody with an id that belongs to the whole organisation."""
    slack.server.person(MEMBER, "Grace")
    slack.server.world.place(CHANNEL).members.add(MEMBER)


async def test_somebody_of_another_workspace_is_known_by_their_id_whatever_they_do() -> None:
    async with app(grid=Grid(), team_id=TEAM_ID) as slack:
        joined(slack)
        slack.server.says(CHANNEL, f"<@{BOT_USER}> hello", user=MEMBER)
        slack.server.types(DIRECT, "in private")
        await slack.link.until_committed(2)
        await slack.adapter.send(
            Outbound(slack.at(DIRECT), "Go?", buttons=((Button("Yes", "y"),),), nonce="a")
        )
        card = slack.server.messages(DIRECT)[-1]
        slack.server.tap(card, "Yes")
        tap = (await slack.link.until_committed(3))[-1]
        assert await slack.adapter.open_form(tap.tap_id, Form("Why?", "Because", "v:1"))
        (view,) = slack.server.world.views.values()
        slack.server.submits(view, "so be it", user=MEMBER)
        slack.server.slash(CHANNEL, "status", user=MEMBER)
        heard = await slack.link.until_committed(5)
        assert [one.text for one in heard] == ["hello", "in private", "", "so be it", "/status"]
        assert {one.sender.id for one in heard} == {MEMBER}
        assert {one.sender.name for one in heard[:2]} == {"Grace"}
        assert {one.address.account for one in heard} == {slack.adapter.identity.account}
        assert [one.address.chat for one in heard] == [CHANNEL, DIRECT, DIRECT, DIRECT, CHANNEL]
        assert slack.link.quarantined == []


async def test_what_was_missed_is_fetched_from_the_workspace_that_is_named() -> None:
    async with app(grid=Grid(), team_id=TEAM_ID) as slack:
        joined(slack)
        slack.server.types(DIRECT, "before")
        await slack.link.until_committed(1)
        await slack.stop()
        slack.server.tells_events = False
        slack.server.types(DIRECT, "meanwhile")
        slack.server.says(CHANNEL, f"<@{BOT_USER}> here too", user=MEMBER)
        await slack.restart()
        await slack.link.until(lambda: {"meanwhile", "here too"} <= set(slack.texts))
        assert [call.given.get("team_id") for call in slack.server.calls("users.conversations")][
            -1
        ] == TEAM_ID


@pytest.mark.parametrize(("team", "named"), [("", False), (TEAM_ID, True)])
async def test_a_workspace_that_is_not_named_is_missed_in_words_and_hinders_nothing(
    team: str, named: bool
) -> None:
    async with app(grid=Grid(), team_id=team) as slack:
        joined(slack)
        slack.server.types(DIRECT, "hello")
        await slack.link.until_committed(1)
        await slack.restart()
        await slack.connected()
        probe = await slack.adapter.probe()
        assert any("platforms.slack.team_id" in warning for warning in probe.warnings) is not named


@pytest.mark.parametrize("grid", [None, Grid()])
async def test_only_an_app_of_a_whole_organisation_needs_a_workspace_to_be_named(grid: Grid | None) -> None:
    async with app(grid=grid, run=False) as slack:
        warned = any(
            "platforms.slack.team_id" in warning for warning in (await slack.adapter.probe()).warnings
        )
        assert warned is (grid is not None)


async def test_posts_of_an_organisation_are_heard_like_any_other() -> None:
    async with app(grid=Grid(), team_id=TEAM_ID, mode="http", http={"port": 0}, app_token="") as slack:
        joined(slack)
        await slack.connected()
        url = f"http://127.0.0.1:{slack.adapter.http.port}/slack/events"
        said = slack.server.says(CHANNEL, f"<@{BOT_USER}> by post", user=MEMBER)
        envelope = slack.server.tell(said)
        assert envelope is not None
        assert (await post(url, envelope.payload))[0] == 200
        command = slack.server.slash_payload(CHANNEL, "status", MEMBER)
        assert (await post(url, command, form="fields"))[0] == 200
        assert [(one.text, one.sender.id) for one in slack.link.committed] == [
            ("by post", MEMBER),
            ("/status", MEMBER),
        ]

"""The supervisor: every platform connected on its own, with states that tell what to do."""

import asyncio
from itertools import pairwise
from pathlib import Path

from gateway.adapter import Link
from gateway.supervisor import Connection
from kernel.errors import (
    DeliveryDeferred,
    PlatformConflict,
    PlatformUnauthorised,
    PlatformUnavailable,
    StoreFull,
)
from kernel.states import AdapterState
from tests.fakes.adapter import ScriptedAdapter
from tests.support.gateway import Rig, running


def state(rig: Rig, name: str = "fake") -> AdapterState:
    """Return how a platform is connected."""
    return rig.gateway.connections[name, "bot"].state


async def test_a_connection_that_proves_nothing_for_two_minutes_is_repaired(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        adapter.deaf = True
        begun = rig.clock.monotonic()
        await adapter.until(lambda: adapter.runs == 2, within=600)
        assert 100 <= rig.clock.monotonic() - begun <= 180
        adapter.deaf = False
        await adapter.say("are you there")
        await adapter.until_sent(containing="echo: are you there")
        await asyncio.sleep(3600)
        assert adapter.runs == 2


async def test_trouble_is_retried_with_growing_delays(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.extend(PlatformUnavailable("No network.") for _ in range(6))
    async with running(tmp_path, adapter) as rig:
        assert state(rig) is AdapterState.DEGRADED
        assert "No network." in rig.gateway.connections["fake", "bot"].sentence
        begun = rig.clock.monotonic()
        await adapter.until(lambda: adapter.runs == 7, within=600)
        assert 15 <= rig.clock.monotonic() - begun <= 100
        assert state(rig) is AdapterState.CONNECTED


async def test_the_platforms_own_wish_to_wait_is_honoured(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.append(PlatformUnavailable("Flood.", retry_after=777))
    async with running(tmp_path, adapter) as rig:
        begun = rig.clock.monotonic()
        await adapter.until(lambda: adapter.runs == 2, within=1000)
        # The wait began with the refusal, a little before the gateway had begun.
        assert 770 <= rig.clock.monotonic() - begun <= 778


async def test_a_refused_token_is_not_tried_again_until_a_person_acts(tmp_path: Path) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other):
        await other.say("hello")
        await other.until_sent(containing="echo: hello")
    adapter.troubles.append(PlatformUnauthorised("Telegram refuses the token."))
    async with running(tmp_path, adapter, other) as rig:
        await asyncio.sleep(3600)
        assert (adapter.runs, state(rig)) == (2, AdapterState.UNAUTHORISED)
        await other.until_sent(containing="refuses the token")
        assert not any("refuses" in sent.text for sent in adapter.sent)
        rig.gateway.connections["fake", "bot"].resume()
        await adapter.until(lambda: adapter.runs == 3)
        await asyncio.sleep(0)
        assert state(rig) is AdapterState.CONNECTED


async def test_a_conflict_is_an_alarm_on_another_channel_and_no_storm(tmp_path: Path) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other):
        await other.say("hello")
        await adapter.say("hello")
    adapter.troubles.extend(PlatformConflict("Another program polls.") for _ in range(1000))
    async with running(tmp_path, adapter, other) as rig:
        runs = adapter.runs
        await asyncio.sleep(600)
        assert state(rig) is AdapterState.CONFLICT
        assert adapter.runs - runs <= 20
        alarms = [text for text in other.texts() if "Another program" in text]
        assert len(alarms) == 1


async def test_when_a_platform_that_raised_an_alarm_is_steady_again_the_owner_hears_it_once(
    tmp_path: Path,
) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other):
        await other.say("hello")
        await adapter.say("hello")
    adapter.troubles.append(PlatformConflict("Another program polls."))
    async with running(tmp_path, adapter, other):
        await asyncio.sleep(20)
        assert any("Another program" in text for text in other.texts())
        await asyncio.sleep(50)
        assert "✅ fake answers again." not in other.texts()
        await asyncio.sleep(600)
        assert other.texts().count("✅ fake answers again.") == 1
        assert not any("answers again" in text for text in adapter.texts())


async def test_a_bug_of_one_adapter_touches_no_other(tmp_path: Path) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    adapter.troubles.extend(ZeroDivisionError() for _ in range(3))
    async with running(tmp_path, adapter, other) as rig:
        await other.say("hello")
        await other.until_sent(containing="echo: hello")
        await adapter.until(lambda: adapter.runs == 4, within=600)
        await asyncio.sleep(0)
        assert state(rig) is AdapterState.CONNECTED


async def test_a_paused_platform_stays_paused_until_it_is_resumed(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        connection = rig.gateway.connections["fake", "bot"]
        connection.pause()
        await asyncio.sleep(3600)
        assert (adapter.runs, state(rig)) == (1, AdapterState.PAUSED)
        connection.resume()
        await adapter.until(lambda: adapter.runs == 2)


async def test_a_platform_that_is_paused_while_it_waits_for_its_next_try_stays_paused(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.append(PlatformUnavailable("No network.", retry_after=60))
    async with running(tmp_path, adapter) as rig:
        connection = rig.gateway.connections["fake", "bot"]
        connection.pause()
        await asyncio.sleep(3600)
        assert (adapter.runs, state(rig)) == (1, AdapterState.PAUSED)
        connection.resume()
        await adapter.until(lambda: adapter.runs == 2)


async def test_resuming_a_platform_that_waits_tries_at_once(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.append(PlatformUnavailable("No network.", retry_after=6000))
    async with running(tmp_path, adapter) as rig:
        begun = rig.clock.monotonic()
        rig.gateway.connections["fake", "bot"].resume()
        await adapter.until(lambda: adapter.runs == 2, within=60)
        assert rig.clock.monotonic() - begun < 1


async def test_what_could_not_be_stored_is_not_acknowledged(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.database.refusals["store.inbox.accept"] = [StoreFull("The disk is full.")]
        message = rig.adapter.message("hello")
        try:
            await rig.adapter.hand_over(message)
        except StoreFull:
            await rig.adapter.hand_over(message)
        await rig.adapter.until_sent(containing="echo: hello")
        assert rig.adapter.texts() == ["echo: hello"]


async def test_a_deaf_connection_is_told_on_another_channel_once(tmp_path: Path) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other):
        await other.say("hello")
        await other.until_sent(containing="echo: hello")
    async with running(tmp_path, adapter, other):
        adapter.deaf = True
        await asyncio.sleep(600)
        adapter.deaf = False
        alarms = [text for text in other.texts() if "open but deaf" in text]
        assert len(alarms) == 1
        assert not any("deaf" in text for text in adapter.texts())
        await asyncio.sleep(3600)
        adapter.deaf = True
        await asyncio.sleep(150)
        assert sum("open but deaf" in text for text in other.texts()) == 2


async def test_trouble_that_lasts_is_told_on_another_channel_and_trouble_that_passes_is_not(
    tmp_path: Path,
) -> None:
    adapter, other = ScriptedAdapter(), ScriptedAdapter("other")
    async with running(tmp_path, adapter, other):
        await other.say("hello")
        await other.until_sent(containing="echo: hello")
    adapter.troubles.extend(PlatformUnavailable("No network.") for _ in range(6))
    async with running(tmp_path, adapter, other):
        await adapter.until(lambda: adapter.runs == 8, within=600)
        assert not any("No network." in text for text in other.texts())
    adapter.troubles.extend(PlatformUnavailable("No network.") for _ in range(60))
    async with running(tmp_path, adapter, other):
        await asyncio.sleep(1800)
        assert sum("No network." in text for text in other.texts()) == 1


async def test_an_outage_is_outlived_however_long_it_lasts(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        intake = rig.gateway.intake
    # Alone, and with more tries than a float has powers of two.
    adapter, states = ScriptedAdapter(), list[AdapterState]()
    adapter.troubles.extend(PlatformUnavailable("No network.") for _ in range(1100))
    connection = Connection(adapter, intake, rig.clock, lambda it, _: states.append(it.state))
    begun = rig.clock.monotonic()
    async with asyncio.TaskGroup() as group:
        supervising = group.create_task(connection.supervise())
        await adapter.until(lambda: states[-1:] == [AdapterState.CONNECTED], within=3 * 86_400)
        supervising.cancel()
    assert adapter.runs == 1101
    assert rig.clock.monotonic() - begun > 1000 * 30


async def test_delays_differ_from_try_to_try(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.extend(PlatformUnavailable("No network.") for _ in range(20))
    async with running(tmp_path, adapter) as rig:
        moments: list[float] = []
        for number in range(10, 21):
            await adapter.until(lambda number=number: adapter.runs > number, within=600)
            moments.append(rig.clock.monotonic())
        gaps = {round(later - earlier, 1) for earlier, later in pairwise(moments)}
        assert len(gaps) > 3
        assert all(29 <= gap <= 91 for gap in gaps)


async def test_a_long_wish_to_wait_before_sending_shows_and_passes(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        adapter.refuse(DeliveryDeferred("Too many messages.", retry_after=300))
        await adapter.say("hello")
        await rig.until_event("outbox.defer")
        assert state(rig) is AdapterState.RATE_LIMITED
        connection = rig.gateway.connections["fake", "bot"]
        assert "Sending waits 300 s" in connection.sentence
        assert any("300 s" in warning for warning in (await rig.gateway.reporter.status()).warnings)
        await asyncio.sleep(200)
        assert state(rig) is AdapterState.RATE_LIMITED
        await adapter.until_sent(containing="echo: hello", within=600)
        assert state(rig) is AdapterState.CONNECTED
        assert adapter.runs == 1


async def test_a_short_wish_to_wait_is_no_state(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        adapter.refuse(DeliveryDeferred("Too many messages.", retry_after=2))
        await adapter.say("hello")
        await rig.until_event("outbox.defer")
        assert state(rig) is AdapterState.CONNECTED
        await adapter.until_sent(containing="echo: hello")


async def test_a_wish_to_wait_before_connecting_is_its_own_state(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    adapter.troubles.append(PlatformUnavailable("Too many logins.", retry_after=900))
    async with running(tmp_path, adapter) as rig:
        assert state(rig) is AdapterState.RATE_LIMITED
        assert "Too many logins." in rig.gateway.connections["fake", "bot"].sentence
        await adapter.until(lambda: adapter.runs == 2, within=1000)


async def test_what_an_adapter_says_after_it_was_paused_or_refused_changes_nothing(tmp_path: Path) -> None:
    adapter = ScriptedAdapter()
    async with running(tmp_path, adapter) as rig:
        connection = rig.gateway.connections["fake", "bot"]
        connection.pause()
        connection.degraded("I was cut off.")
        connection.connected()
        connection.limited(600, "Slowly.")
        assert state(rig) is AdapterState.PAUSED
        await asyncio.sleep(60)
        assert (adapter.runs, state(rig)) == (1, AdapterState.PAUSED)


class _Stubborn(ScriptedAdapter):
    """An adapter whose run goes on although it was told to stop; ``bitter`` turns its end into an error."""

    bitter = False

    async def run(self, link: Link) -> None:
        try:
            await super().run(link)
        finally:
            if self.bitter:
                raise PlatformUnavailable("Cut off.")
            await asyncio.sleep(10_000)


async def test_an_adapter_that_does_not_stop_is_left_behind(tmp_path: Path) -> None:
    adapter = _Stubborn()
    async with running(tmp_path, adapter) as rig:
        adapter.deaf = True
        await adapter.until(lambda: adapter.runs == 2, within=600)
        adapter.deaf, adapter.bitter = False, True
        await adapter.say("hello")
        await adapter.until_sent(containing="echo: hello")
        assert state(rig) is AdapterState.CONNECTED


async def test_an_adapter_that_fails_while_it_is_paused_stays_paused(tmp_path: Path) -> None:
    adapter = _Stubborn()
    adapter.bitter = True
    async with running(tmp_path, adapter) as rig:
        rig.gateway.connections["fake", "bot"].pause()
        await asyncio.sleep(3600)
        assert (adapter.runs, state(rig)) == (1, AdapterState.PAUSED)


async def test_where_nobody_answers_silence_is_no_deafness(tmp_path: Path) -> None:
    adapter = ScriptedAdapter(receives=False)
    adapter.deaf = True
    async with running(tmp_path, adapter) as rig:
        await asyncio.sleep(3600)
        assert (adapter.runs, state(rig)) == (1, AdapterState.CONNECTED)
        assert "nobody can answer" in (await rig.gateway.reporter.status()).connections[0].sentence

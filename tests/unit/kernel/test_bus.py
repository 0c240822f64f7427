"""The bus: listeners hear what is committed, subscriptions are bounded and say what they dropped."""

import asyncio

from kernel.bus import Bus
from kernel.events import Event


def event(seq: int, kind: str = "inbox.admit") -> Event:
    """Return an event."""
    return Event(seq, 0, kind, str(seq))


def test_a_listener_hears_the_kinds_it_asked_for_in_order() -> None:
    bus, heard = Bus(), list[int]()
    bus.listen("inbox.", lambda item: heard.append(item.seq))
    bus.publish([event(1), event(2, "outbox.add"), event(3, "inbox.start")])
    assert heard == [1, 3]


def test_a_listener_that_ended_hears_nothing_more_also_while_events_are_handed_on() -> None:
    bus, heard = Bus(), list[int]()

    def once(item: Event) -> None:
        heard.append(item.seq)
        end()

    end = bus.listen("", once)
    bus.publish([event(1), event(2)])
    assert heard == [1]


def test_what_was_held_is_heard_in_order_by_those_who_listen_at_its_release() -> None:
    bus, heard = Bus(), list[int]()
    bus.hold()
    bus.publish([event(1), event(2)])
    bus.hold()
    bus.listen("", lambda item: heard.append(item.seq))
    bus.publish([event(3)])
    assert heard == []
    bus.release()
    bus.publish([event(4)])
    assert heard == [1, 2, 3, 4]


async def test_a_subscription_yields_what_was_published_before_and_after_it_is_read() -> None:
    bus = Bus()
    subscription = bus.subscribe()
    bus.publish([event(1)])
    reader = aiter(subscription)
    assert (await anext(reader)).seq == 1
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    bus.publish([event(2)])
    assert (await waiting).seq == 2
    bus.unsubscribe(subscription)
    bus.unsubscribe(subscription)
    bus.publish([event(3)])
    assert subscription.dropped == 0


async def test_a_reader_that_falls_behind_loses_the_oldest_and_knows_how_many() -> None:
    bus = Bus()
    subscription = bus.subscribe(limit=3)
    bus.publish(event(number) for number in range(10))
    reader = aiter(subscription)
    assert [(await anext(reader)).seq for _ in range(3)] == [7, 8, 9]
    assert subscription.dropped == 7

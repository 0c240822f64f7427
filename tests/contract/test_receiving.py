"""Receiving: nothing is acknowledged before it is committed, and nothing is lost or reordered on the way."""

import pytest

from kernel.messages import Button, InboundKind, Outbound
from tests.contract.harness import Harness


async def test_a_message_arrives_as_it_was_written(harness: Harness) -> None:
    await harness.says("Grüße 🙂 <b>&amp;</b> *x*")
    (inbound,) = await harness.link.until_committed(1)
    assert inbound.text == "Grüße 🙂 <b>&amp;</b> *x*"
    assert inbound.kind is InboundKind.MESSAGE
    assert (inbound.address, inbound.sender.id) == (harness.chat, harness.person)
    assert inbound.private
    assert inbound.addressed
    assert inbound.message_id


async def test_the_address_names_the_adapter_s_own_platform_and_account(harness: Harness) -> None:
    await harness.says("hello")
    (inbound,) = await harness.link.until_committed(1)
    identity = harness.adapter.identity
    assert (inbound.address.platform, inbound.address.account) == (identity.platform, identity.account)


async def test_a_message_is_acknowledged_only_after_its_commit(harness: Harness) -> None:
    harness.link.hold()
    await harness.says("hello")
    await harness.link.until_offered(1)
    assert harness.unacknowledged() == 1
    assert harness.link.committed == []


async def test_a_kill_before_the_commit_loses_nothing(harness: Harness) -> None:
    harness.link.hold()
    await harness.says("hello")
    (before,) = list(await harness.link.until_offered(1))
    await harness.crash()
    (after,) = await harness.link.until_committed(1)
    assert (after.key, after.text) == (before.key, "hello")


async def test_a_message_that_could_not_be_stored_comes_again(harness: Harness) -> None:
    harness.link.fail(1)
    await harness.says("hello")
    (inbound,) = await harness.link.until_committed(1)
    assert inbound.text == "hello"
    assert [offered.key for offered in harness.link.offered] == [inbound.key] * 2


async def test_what_is_handed_over_twice_has_one_key(harness: Harness) -> None:
    await harness.says("hello")
    await harness.link.until_committed(1)
    await harness.hands_over_again()
    first, second = await harness.link.until_committed(2)
    assert first == second


async def test_equal_words_said_twice_have_two_keys(harness: Harness) -> None:
    await harness.says("yes")
    await harness.says("yes")
    first, second = await harness.link.until_committed(2)
    assert first.key != second.key


async def test_messages_keep_their_order(harness: Harness) -> None:
    for number in range(30):
        await harness.says(f"message {number}")
    committed = await harness.link.until_committed(30)
    assert [inbound.text for inbound in committed] == [f"message {number}" for number in range(30)]


async def test_order_outlives_a_kill_in_the_middle(harness: Harness) -> None:
    await harness.says("message 0")
    await harness.link.until_committed(1)
    harness.link.hold()
    for number in range(1, 6):
        await harness.says(f"message {number}")
    await harness.link.until_offered(2)
    await harness.crash()
    await harness.link.until(lambda: any(inbound.text == "message 5" for inbound in harness.link.committed))
    unique = list({inbound.key: inbound.text for inbound in harness.link.committed}.values())
    assert unique == [f"message {number}" for number in range(6)]


async def test_a_very_long_text_arrives_whole(harness: Harness) -> None:
    await harness.says("a" * 1_000_000)
    (inbound,) = await harness.link.until_committed(1)
    assert len(inbound.text) == 1_000_000


async def test_the_connection_is_reported_before_the_first_message(harness: Harness) -> None:
    await harness.says("hello")
    await harness.link.until_committed(1)
    assert harness.link.states[:1] == ["connected"]


@pytest.mark.parametrize("value", ["yes", "v" * 64, "ja:1:ü"])
async def test_a_pressed_button_brings_its_value_back(harness: Harness, value: str) -> None:
    receipt = await harness.adapter.send(
        Outbound(harness.chat, "Go on?", buttons=((Button("Yes", value), Button("No", "no")),), nonce="card")
    )
    await harness.shown()
    await harness.taps(receipt.message_ids[-1], "Yes")
    (inbound,) = await harness.link.until_committed(1)
    assert (inbound.kind, inbound.tap) == (InboundKind.TAP, value)
    assert inbound.message_id == receipt.message_ids[-1]
    assert (inbound.address, inbound.sender.id) == (harness.chat, harness.person)
    assert inbound.tap_id


async def test_two_presses_have_two_keys(harness: Harness) -> None:
    receipt = await harness.adapter.send(
        Outbound(harness.chat, "Go on?", buttons=((Button("Yes", "y"),),), nonce="card")
    )
    await harness.shown()
    await harness.taps(receipt.message_ids[-1], "Yes")
    await harness.taps(receipt.message_ids[-1], "Yes")
    first, second = await harness.link.until_committed(2)
    assert first.key != second.key

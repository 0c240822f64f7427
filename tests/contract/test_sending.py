"""Sending: a receipt names what people see, and every failure says what to do about it."""

import pytest

from gateway.adapter import Threads, ability
from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.messages import Button, Outbound, OutboundKind
from tests.contract.harness import Harness, Refusals


async def test_the_receipt_names_the_message_people_see(harness: Harness) -> None:
    receipt = await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
    (shown,) = await harness.shown()
    assert list(receipt.message_ids) == [shown.id]
    assert shown.text == "hello"


async def test_messages_are_shown_in_the_order_they_were_sent(harness: Harness) -> None:
    for number in range(5):
        await harness.adapter.send(Outbound(harness.chat, f"message {number}", nonce=f"n{number}"))
    shown = await harness.shown(5)
    assert [message.text for message in shown] == [f"message {number}" for number in range(5)]
    assert len({message.id for message in shown}) == 5


async def test_an_edit_changes_the_message_in_place(harness: Harness) -> None:
    first = await harness.adapter.send(
        Outbound(harness.chat, "Go on?", buttons=((Button("Yes", "y"),),), nonce="a")
    )
    edited = await harness.adapter.send(
        Outbound(harness.chat, "Gone on.", kind=OutboundKind.EDIT, replaces=first.message_ids[-1], nonce="b")
    )
    await harness.adapter.send(Outbound(harness.chat, "after", nonce="c"))
    shown = await harness.shown(2)
    assert [(message.text, message.buttons) for message in shown] == [("Gone on.", ()), ("after", ())]
    assert edited.message_ids == first.message_ids


async def test_the_same_edit_twice_is_no_error(harness: Harness) -> None:
    first = await harness.adapter.send(Outbound(harness.chat, "one", nonce="a"))
    for nonce in ("b", "c"):
        edit = Outbound(harness.chat, "two", replaces=first.message_ids[-1], nonce=nonce)
        assert (await harness.adapter.send(edit)).message_ids == first.message_ids
    assert [message.text for message in await harness.shown()] == ["two"]


async def test_a_text_at_the_limit_is_one_message(harness: Harness) -> None:
    text = "x" * harness.adapter.capabilities.text_limit
    receipt = await harness.adapter.send(Outbound(harness.chat, text, nonce="a"))
    assert [message.text for message in await harness.shown()] == [text]
    assert len(receipt.message_ids) == 1


async def test_every_button_is_shown(harness: Harness) -> None:
    rows = tuple((Button(f"Choice {number}", f"c{number}"),) for number in range(8))
    await harness.adapter.send(Outbound(harness.chat, "Which?", buttons=rows, nonce="a"))
    (shown,) = await harness.shown()
    assert shown.buttons == tuple(f"Choice {number}" for number in range(8))


async def test_a_file_is_shown_under_its_name(harness: Harness) -> None:
    path = harness.folder / "made.bin"
    path.write_bytes(b"made")
    message = Outbound(harness.chat, "", OutboundKind.FILE, file=path, file_name="report.pdf", nonce="a")
    receipt = await harness.adapter.send(message)
    (shown,) = await harness.shown()
    assert (shown.id, shown.file_name) == (receipt.message_ids[0], "report.pdf")


@pytest.mark.needs.with_args(Threads)
async def test_a_thread_is_an_address_in_both_directions(harness: Harness) -> None:
    threads = ability(harness.adapter, Threads)
    assert threads is not None
    address = await threads.create_thread(harness.threaded, "A long story")
    assert address is not None
    assert address.parent == harness.threaded
    await harness.adapter.send(Outbound(address, "inside", nonce="a"))
    (shown,) = [message for message in await harness.shown() if message.text == "inside"]
    assert shown.thread == address.thread
    await harness.says("inside too", thread=address.thread)
    assert (await harness.link.until_committed(1))[-1].address == address


@pytest.mark.needs.with_args(Refusals)
class TestRefusals:
    """What a platform's refusals mean."""

    async def test_a_wish_to_wait_is_handed_on(self, harness: Harness) -> None:
        refusing(harness).asks_to_wait(17)
        with pytest.raises(DeliveryDeferred) as caught:
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
        assert caught.value.retry_after == 17

    @pytest.mark.parametrize("wish", [None, "soon", -5, 0, 10**9, "NaN"])
    async def test_a_senseless_wish_to_wait_becomes_a_sensible_one(
        self, harness: Harness, wish: float | str | None
    ) -> None:
        refusing(harness).asks_to_wait(wish)
        with pytest.raises(DeliveryDeferred) as caught:
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
        assert 1 <= caught.value.retry_after <= 3600

    async def test_a_server_error_is_waited_out(self, harness: Harness) -> None:
        refusing(harness).fails()
        with pytest.raises(DeliveryDeferred):
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
        await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
        assert [message.text for message in await harness.shown()] == ["hello"]

    async def test_a_platform_that_is_away_is_waited_for(self, harness: Harness) -> None:
        await refusing(harness).goes_away()
        with pytest.raises(DeliveryDeferred):
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))

    async def test_a_lost_receipt_is_an_uncertain_delivery(self, harness: Harness) -> None:
        refusing(harness).loses_the_receipt()
        with pytest.raises(DeliveryUncertain):
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))

    async def test_a_second_sending_after_an_uncertain_one_can_be_told_apart(self, harness: Harness) -> None:
        refusing(harness).loses_the_receipt()
        with pytest.raises(DeliveryUncertain):
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))
        await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a", resend=True))
        texts = [message.text for message in await harness.shown()]
        if harness.adapter.capabilities.reconciles:
            assert texts == ["hello"]
        else:
            assert texts[0] == "hello"
            assert texts[1].endswith("hello")
            assert texts[1] != "hello"

    async def test_a_person_who_left_is_not_written_to_again(self, harness: Harness) -> None:
        await harness.says("hello")
        await harness.link.until_committed(1)
        refusing(harness).shuts_the_person_out()
        with pytest.raises(DeliveryRejected):
            await harness.adapter.send(Outbound(harness.chat, "hello", nonce="a"))

    async def test_a_chat_nobody_knows_is_rejected(self, harness: Harness) -> None:
        nowhere = harness.chat._replace(chat="999999")
        with pytest.raises(DeliveryRejected):
            await harness.adapter.send(Outbound(nowhere, "hello", nonce="a"))

    async def test_an_address_of_another_platform_is_rejected(self, harness: Harness) -> None:
        with pytest.raises(DeliveryRejected):
            await harness.adapter.send(Outbound(harness.chat._replace(chat="not-an-id"), "hello", nonce="a"))

    async def test_nothing_to_say_is_rejected(self, harness: Harness) -> None:
        with pytest.raises(DeliveryRejected):
            await harness.adapter.send(Outbound(harness.chat, "  \n ", nonce="a"))

    async def test_a_file_that_is_gone_is_rejected(self, harness: Harness) -> None:
        gone = Outbound(harness.chat, "", OutboundKind.FILE, file=harness.folder / "gone", nonce="a")
        with pytest.raises(DeliveryRejected):
            await harness.adapter.send(gone)


def refusing(harness: Harness) -> Refusals:
    """Return the harness as one whose platform refuses."""
    assert isinstance(harness, Refusals)
    return harness

"""Abilities: each that is named is there and does what it says; capabilities make sense."""

import pytest

from gateway import adapter as contract
from gateway.adapter import (
    Bubbles,
    Closes,
    Drafts,
    Fetches,
    Mark,
    MenuEntry,
    Menus,
    Probes,
    Reactions,
    Streaming,
    Taps,
    Typing,
    ability,
)
from kernel.errors import DeliveryRejected
from kernel.messages import Attachment, AttachmentKind, Button, Outbound
from tests.contract.harness import Harness

KINDS = [
    kind
    for kind in vars(contract).values()
    if isinstance(kind, type) and getattr(kind, "_is_runtime_protocol", False)
]
LIMIT = 1000


def test_the_suite_knows_every_ability() -> None:
    assert {kind.__name__ for kind in KINDS} == {
        "Drafts", "Bubbles", "Typing", "Reactions", "Taps", "Fetches", "Menus", "Threads", "Forms",
        "Reads", "Names", "FreshChats", "Probes", "Closes",
    }  # fmt: skip


async def test_a_named_ability_is_there(harness: Harness) -> None:
    for kind in harness.adapter.capabilities.abilities:
        assert isinstance(harness.adapter, kind)
        assert ability(harness.adapter, kind) is harness.adapter


async def test_an_ability_that_is_not_named_is_not_found(harness: Harness) -> None:
    for kind in set(KINDS) - harness.adapter.capabilities.abilities:
        assert ability(harness.adapter, kind) is None


async def test_capabilities_make_sense(harness: Harness) -> None:
    capabilities = harness.adapter.capabilities
    assert capabilities.length_unit in {"utf16", "characters", "bytes"}
    assert capabilities.text_limit >= 500
    assert 0 <= capabilities.client_split <= 4 * capabilities.text_limit
    assert min(capabilities.per_second, capabilities.per_chat, capabilities.per_group_minute) > 0
    assert capabilities.edit_interval > 0
    assert capabilities.file_limit > 0


async def test_flags_and_abilities_agree(harness: Harness) -> None:
    capabilities = harness.adapter.capabilities
    assert capabilities.threads == (contract.Threads in capabilities.abilities)
    assert capabilities.reactions == (Reactions in capabilities.abilities)
    assert (Taps in capabilities.abilities) or not capabilities.buttons
    wanted = {Streaming.DRAFT: Drafts, Streaming.EDIT: Bubbles}.get(capabilities.streaming)
    assert wanted is None or wanted in capabilities.abilities


async def test_the_identity_needs_no_network(harness: Harness) -> None:
    fresh = harness.make_adapter()
    assert fresh.identity == harness.adapter.identity
    assert fresh.identity.platform
    assert fresh.identity.account


@pytest.mark.needs.with_args(Fetches)
class TestFetching:
    """Attachments are downloaded whole, within a limit, or not at all."""

    async def test_an_attachment_is_fetched_whole(self, harness: Harness) -> None:
        item = await harness.attaches(b"x" * LIMIT)
        target = harness.folder / "kept"
        assert await fetching(harness).fetch(item, target, LIMIT) == LIMIT
        assert target.read_bytes() == b"x" * LIMIT

    async def test_what_is_larger_than_the_limit_leaves_nothing_behind(self, harness: Harness) -> None:
        item = await harness.attaches(b"x" * (LIMIT + 1))
        folder = harness.folder / "media"
        folder.mkdir()
        with pytest.raises(DeliveryRejected):
            await fetching(harness).fetch(item, folder / "kept", LIMIT)
        assert list(folder.iterdir()) == []

    async def test_what_is_gone_is_said_to_be_gone(self, harness: Harness) -> None:
        gone = Attachment(AttachmentKind.DOCUMENT, str(harness.folder / "no-such-file"), "gone.txt")
        with pytest.raises(DeliveryRejected, match="gone"):
            await fetching(harness).fetch(gone, harness.folder / "kept", LIMIT)


def fetching(harness: Harness) -> Fetches:
    """Return the ability to fetch."""
    found = ability(harness.adapter, Fetches)
    assert found is not None
    return found


@pytest.mark.needs.with_args(Bubbles)
async def test_closing_twice_is_harmless(harness: Harness) -> None:
    for _ in range(2):
        if closes := ability(harness.adapter, Closes):
            await closes.close()


async def test_a_bubble_is_shown_changed_and_removed(harness: Harness) -> None:
    await harness.says("hello")
    await harness.link.until_committed(1)
    bubbles = ability(harness.adapter, Bubbles)
    assert bubbles is not None
    bubble = await bubbles.bubble(harness.chat, "", "thinking")
    assert await bubbles.bubble(harness.chat, bubble, "reading") == bubble
    await bubbles.burst(harness.chat, bubble)
    await bubbles.burst(harness.chat, bubble)
    await harness.adapter.send(Outbound(harness.chat, "done", nonce="a"))
    assert [message.text for message in await harness.shown()] == ["done"]


@pytest.mark.needs.with_args(Drafts, Typing, Reactions)
async def test_progress_signs_are_taken(harness: Harness) -> None:
    await harness.says("hello")
    (inbound,) = await harness.link.until_committed(1)
    drafts, typing = ability(harness.adapter, Drafts), ability(harness.adapter, Typing)
    reactions = ability(harness.adapter, Reactions)
    assert drafts is not None
    assert typing is not None
    assert reactions is not None
    for text in ("", "So", "So **far", "So **far** so\n```python\nprint("):
        await drafts.draft(harness.chat, 5, text)
    await typing.typing(harness.chat)
    for mark in Mark:
        await reactions.react(harness.chat, inbound.message_id, mark)


@pytest.mark.needs.with_args(Taps)
async def test_a_tap_is_acknowledged_and_an_old_one_is_no_error(harness: Harness) -> None:
    taps = ability(harness.adapter, Taps)
    assert taps is not None
    receipt = await harness.adapter.send(
        Outbound(harness.chat, "Go on?", buttons=((Button("Yes", "y"),),), nonce="card")
    )
    await harness.shown()
    await harness.taps(receipt.message_ids[-1], "Yes")
    (inbound,) = await harness.link.until_committed(1)
    await taps.acknowledge(inbound.tap_id, "On it." * 100)
    await taps.acknowledge("long ago", "")


@pytest.mark.needs.with_args(Menus)
async def test_the_menu_takes_every_command(harness: Harness) -> None:
    menus = ability(harness.adapter, Menus)
    assert menus is not None
    await menus.menu([MenuEntry(f"command_{number}", "Does something. " * 40) for number in range(120)])
    await menus.menu([])


@pytest.mark.needs.with_args(Probes)
async def test_the_probe_names_the_bot(harness: Harness) -> None:
    probes = ability(harness.adapter, Probes)
    assert probes is not None
    assert (await probes.probe()).name

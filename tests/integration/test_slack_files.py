"""Files to and from Slack: shared once, fetched from Slack alone, and servers that take none."""

from pathlib import Path

import pytest

from kernel.errors import DeliveryDeferred, DeliveryRejected, DeliveryUncertain
from kernel.messages import Attachment, AttachmentKind, Outbound, OutboundKind
from tests.fakes.faults import DropAfter, DropBefore, Refuse
from tests.fakes.slack_server import refusal
from tests.integration.slack_apps import CHANNEL, CHAT, PERSON, app


async def test_a_file_goes_up_into_its_thread_and_the_message_is_found(tmp_path: Path) -> None:
    path = tmp_path / "made.bin"
    path.write_bytes(b"x" * 600_000)
    async with app(run=False) as slack:
        root = slack.server.says(CHANNEL, "root", user=PERSON)
        message = Outbound(
            slack.at(CHANNEL, root.ts),
            "*look*",
            OutboundKind.FILE,
            file=path,
            file_name="report.pdf",
            nonce="a",
        )
        receipt = await slack.adapter.send(message)
        (shown,) = slack.server.messages(CHANNEL)
        assert (shown.ts, shown.thread_ts, shown.text) == (receipt.message_ids[0], root.ts, "_look_")
        assert slack.server.world.bytes[shown.files[0]["id"]] == b"x" * 600_000


@pytest.mark.parametrize("forgets", [False, True])
async def test_a_file_whose_receipt_was_lost_is_not_shared_twice(tmp_path: Path, *, forgets: bool) -> None:
    path = tmp_path / "made.bin"
    path.write_bytes(b"made")
    async with app(run=False) as slack:
        slack.server.fault("files.completeUploadExternal", DropAfter())
        message = Outbound(slack.at(), "", OutboundKind.FILE, file=path, nonce="a")
        with pytest.raises(DeliveryUncertain):
            await slack.adapter.send(message)
        if forgets:
            await slack.restart_sender()
        again = Outbound(slack.at(), "", OutboundKind.FILE, file=path, nonce="a", resend=True)
        receipt = await slack.adapter.send(again)
        (shown,) = slack.server.messages(CHAT)
        assert receipt.message_ids[0] == shown.ts


async def test_an_upload_that_failed_shows_nothing_and_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "made.bin"
    path.write_bytes(b"made")
    async with app(run=False) as slack:
        slack.server.fault("upload", DropBefore())
        message = Outbound(slack.at(), "", OutboundKind.FILE, file=path, nonce="a")
        with pytest.raises(DeliveryDeferred):
            await slack.adapter.send(message)
        await slack.adapter.send(message)
        assert len(slack.server.messages(CHAT)) == 1


async def test_a_file_elsewhere_never_gets_the_token(tmp_path: Path) -> None:
    async with app(run=False) as slack:
        for place in (
            "http://127.0.0.1:1/files-pri/x",
            "https://files.slack.com.example.org/x",
            "https://files.slack.com/x",
            "http://169.254.169.254/latest",
        ):
            stolen = Attachment(AttachmentKind.DOCUMENT, place, "x.txt", "text/plain", 3)
            with pytest.raises(DeliveryRejected, match="not lie at Slack"):
                await slack.adapter.fetch(stolen, tmp_path / "x", 100)


async def test_a_page_to_sign_in_is_not_taken_for_the_file(tmp_path: Path) -> None:
    async with app() as slack:
        slack.server.brings(CHAT, b"content")
        (inbound,) = await slack.link.until_committed(1)
        slack.server.fault("download", Refuse(200, b"<html>sign in</html>", content_type="text/html"))
        with pytest.raises(DeliveryRejected, match="files:read"):
            await slack.adapter.fetch(inbound.attachments[0], tmp_path / "x", 100)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_a_server_that_takes_no_files_is_told_of_in_words(method: str, tmp_path: Path) -> None:
    path = tmp_path / "made.bin"
    path.write_bytes(b"made")
    async with app(run=False) as slack:
        slack.server.fault(method, refusal("unknown_method"))
        message = Outbound(slack.at(), "Here.", OutboundKind.FILE, file=path, nonce="a")
        with pytest.raises(DeliveryRejected, match="without it"):
            await slack.adapter.send(message)
        assert slack.server.messages(CHAT) == []

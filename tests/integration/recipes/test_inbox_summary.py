"""The inbox summary against an IMAP server on loopback."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from cron.recipe import RecipeFailed
from cron.recipes.mailbox import Account, Visit, Wanted, look
from kernel.clock import at
from kernel.errors import InvalidInput
from tests.fakes.imap_server import SEEN, ImapServer
from tests.support.recipes import HOUR, NOW, Bench

WHEN = at(NOW - HOUR)


def mail(subject: str, text: str = "Hello.", sender: str = "Grace <grace@example.org>") -> str:
    return f"From: {sender}\nSubject: {subject}\nMessage-ID: <{subject[:3]}@example.org>\n\n{text}\n"


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[ImapServer]:
    async with ImapServer().running() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path, server: ImapServer) -> Bench:
    options = {"host": "127.0.0.1", "port": server.port, "security": "none", "user": "ada"}
    return Bench("inbox_summary", tmp_path, options, {"mail": server.password})


async def test_unread_mails_are_listed_with_who_and_what_and_links(bench: Bench, server: ImapServer) -> None:
    server.add(mail("Lunch on Friday", "Shall we? https://menu.example.org/friday?x=(1)"), WHEN)
    server.add(mail("Read already"), WHEN, SEEN)
    result = await bench.run(open="https://mail.example.org/m/{id}")
    assert "1 unread mail" in result.text
    assert "Grace: [Lunch on Friday](https://mail.example.org/m/Lun%40example.org)" in result.text
    assert "[link](https://menu.example.org/friday?x=%281)" in result.text
    assert "Shall we?" in result.text
    assert "Read already" not in result.text


async def test_nothing_is_marked_as_read_and_the_mailbox_is_only_examined(
    bench: Bench, server: ImapServer
) -> None:
    stored = server.add(mail("One"), WHEN)
    await bench.run()
    assert stored.flags == set()
    assert server.said("EXAMINE")
    assert not server.said("SELECT")
    assert not server.said("STORE")
    assert all("BODY.PEEK" in command for command in server.said("FETCH"))


async def test_each_mail_is_told_once_and_read_ones_never(bench: Bench, server: ImapServer) -> None:
    server.add(mail("First"), WHEN)
    assert "First" in (await bench.run()).text
    assert not (await bench.run()).changed
    server.add(mail("Second"), WHEN)
    server.add(mail("Third"), WHEN, SEEN)
    told = (await bench.run()).text
    assert "Second" in told
    assert "First" not in told
    assert "Third" not in told


async def test_a_mailbox_that_was_made_anew_is_read_by_time(bench: Bench, server: ImapServer) -> None:
    for number in range(5):
        server.add(mail(f"Old {number}"), at(NOW - 2 * HOUR))
    await bench.run()
    server.validity, server.mails = 8, []
    server.add(mail("Before the last run"), at(NOW - HOUR))
    bench.now += HOUR
    server.add(mail("After it"), at(bench.now - 1000))
    told = (await bench.run()).text
    assert "After it" in told
    assert "Before" not in told


async def test_the_first_run_looks_back_a_day_and_no_further(bench: Bench, server: ImapServer) -> None:
    server.add(mail("Last month"), datetime(2026, 10, 21, tzinfo=UTC))
    server.add(mail("Yesterday morning"), WHEN - timedelta(hours=30))
    server.add(mail("Tonight"), WHEN)
    told = (await bench.run()).text
    assert "Tonight" in told
    assert "Yesterday" not in told
    assert "Last month" not in told
    assert not (await bench.run()).changed


async def test_a_model_summarises_and_the_links_stay(bench: Bench, server: ImapServer) -> None:
    server.add(mail("Invoice 12", "Please pay until Monday."), WHEN)
    bench.summary = "One invoice is due on Monday."
    told = (await bench.run()).text
    assert "One invoice is due on Monday." in told
    assert "Invoice 12" in told
    [(_instruction, material)] = bench.asked
    assert "From: Grace\nSubject: Invoice 12\nPlease pay until Monday." in material


async def test_more_mails_than_are_listed_are_counted(bench: Bench, server: ImapServer) -> None:
    for number in range(5):
        server.add(mail(f"Mail {number}"), WHEN)
    told = (await bench.run(most=2)).text
    assert "5 unread mails" in told
    assert "Mail 4" in told
    assert "Mail 2" not in told
    assert "and 3 older mails." in told
    assert not (await bench.run()).changed


async def test_answers_in_another_order_are_read_as_well(bench: Bench, server: ImapServer) -> None:
    server.uid_last = True
    server.add(mail("Order"), WHEN)
    assert "Order" in (await bench.run()).text


ODD = (
    b"",
    b"\xff\xfe no headers at all",
    b"From: =?nonsense?q?Grace?= <g@example.org>\nSubject: =?utf-8?b?!!!?=\n\nx",
    b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n<p>Cut in the mid",
    b"Content-Type: text/plain; charset=klingon\nContent-Transfer-Encoding: base64\n\n////",
    b"Subject: a\n b\n\n" + b"[click](javascript:alert(1)) " * 10,
)


@pytest.mark.parametrize("raw", ODD, ids=range(len(ODD)))
async def test_a_malformed_mail_stops_nothing(bench: Bench, server: ImapServer, raw: bytes) -> None:
    server.add(raw, WHEN)
    server.add(mail("Whole"), WHEN)
    told = (await bench.run()).text
    assert "2 unread mails" in told
    assert "Whole" in told
    assert "[click](" not in told


async def test_words_in_other_scripts_are_decoded(bench: Bench, server: ImapServer) -> None:
    server.add("From: =?utf-8?q?J=C3=BCrgen?= <j@x.org>\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n\nhi", WHEN)
    assert "Jürgen: Grüße" in (await bench.run()).text


async def test_a_wrong_password_is_said_without_the_password(bench: Bench) -> None:
    bench.secrets["mail"] = "wrong battery"
    with pytest.raises(RecipeFailed, match="does not let ada in") as failed:
        await bench.run()
    assert "battery" not in str(failed.value)


async def test_a_password_beyond_ascii_logs_in(bench: Bench, server: ImapServer) -> None:
    server.password = bench.secrets["mail"] = "pässwörd"
    server.add(mail("In"), WHEN)
    assert "In" in (await bench.run()).text


async def test_a_folder_beyond_ascii_is_named_as_imap_writes_it(bench: Bench, server: ImapServer) -> None:
    server.folder = "Entw&APw-rfe &- mehr"
    server.add(mail("Draft"), WHEN)
    assert "Draft" in (await bench.run(folder="Entwürfe & mehr")).text


async def test_a_missing_secret_or_folder_is_said(bench: Bench) -> None:
    with pytest.raises(RecipeFailed, match="no folder 'Nowhere'"):
        await bench.run(folder="Nowhere")
    with pytest.raises(RecipeFailed, match="no secret 'other'"):
        await bench.run(secret="other")


async def test_a_server_that_is_down_or_hangs_up_is_said(bench: Bench, server: ImapServer) -> None:
    server.silent = True
    with pytest.raises(RecipeFailed, match=r"127\.0\.0\.1"):
        await bench.run()
    with pytest.raises(RecipeFailed, match="cannot be reached"):
        await bench.run(port=1)


async def test_a_server_that_says_nothing_holds_nobody_who_stops(bench: Bench, server: ImapServer) -> None:
    server.hangs = True
    account = Account("127.0.0.1", "127.0.0.1", server.port, "none", "ada", "pw", "INBOX")
    visit = Visit()
    looking = asyncio.get_running_loop().run_in_executor(None, look, account, Wanted(0, 0, WHEN, 1), visit)
    async with asyncio.timeout(15):
        while not server.commands:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        visit.end()
        with pytest.raises(RecipeFailed):
            await looking


async def test_a_private_server_must_be_allowed(bench: Bench) -> None:
    bench.allowed = ()
    with pytest.raises(RecipeFailed, match=r"cron\.allow_private"):
        await bench.run()


async def test_a_line_break_in_a_setting_is_refused(bench: Bench) -> None:
    with pytest.raises(InvalidInput, match="user"):
        await bench.run(user="ada\r\nA1 DELETE INBOX")


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_tls_is_checked_against_the_authority(tmp_path: Path, security: str) -> None:
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    await asyncio.to_thread(subprocess.run, [*words.split(), *files], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    server = ImapServer(tls=tls) if security == "tls" else ImapServer(starttls=tls)
    server.add(mail("Sealed"), WHEN)
    async with server.running():
        options = {"host": "localhost", "port": server.port, "security": security, "user": "ada"}
        bench = Bench("inbox_summary", tmp_path, options, {"mail": server.password})
        with pytest.raises(RecipeFailed, match="is not trusted"):
            await bench.run()
        assert not server.said("LOGIN")
        assert "Sealed" in (await bench.run(authorities=str(tmp_path / "ca.pem"))).text

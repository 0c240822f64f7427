"""Markdown, names, settings and limits: the small parts that keep the page safe."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kernel.clock import Clock
from kernel.errors import InvalidInput
from kernel.messages import AttachmentKind
from web.chat.article import article, size_text
from web.chat.files import attachment_of, safe_name
from web.chat.media import kind_of, mime_of
from web.chat.names import cursor, key
from web.chat.shapes import FileView, MessageView, UploadView
from web.guard import allowed_names, name_of, same_origin
from web.limits import REMEMBERED, FailureLimit
from web.markdown import LIMIT, render
from web.settings import WebSettings

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>1</script>)",
    "![x](javascript:alert(1))",
    '[x](https://a.example/"onmouseover="alert(1))',
    "```html\n<script>1</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "<svg/onload=alert(1)>",
    "| a |\n|---|\n| <b onclick=x> |",
    "`<script>`",
    "<https://a.example/<script>>",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_makes_no_element_that_the_text_asks_for(text: str) -> None:
    html = render(text)
    for word in ("<script", "<img", "<svg", "<b ", 'href="javascript', 'href="data'):
        assert word not in html.lower()


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_markdown_renders_any_text_without_a_script_or_style(text: str) -> None:
    html = render(text).lower()
    assert "<script" not in html
    assert " style=" not in html.replace("&quot;", "") or "style" in text.lower()


def test_links_open_elsewhere_and_tell_nothing() -> None:
    assert 'rel="noopener noreferrer nofollow" target="_blank"' in render("[a](https://a.example)")


def test_a_picture_becomes_a_link_so_that_reading_tells_nobody() -> None:
    assert "<img" not in render("![cat](https://a.example/cat.png)")
    assert ">cat</a>" in render("![cat](https://a.example/cat.png)")


def test_a_tables_columns_are_aligned_by_classes() -> None:
    html = render("| a | b |\n|--:|:-:|\n| 1 | 2 |")
    assert '<th class="right">' in html
    assert '<td class="center">' in html


def test_a_text_too_long_to_render_is_shown_as_written() -> None:
    assert render("<b>" * LIMIT).startswith('<pre class="long">&lt;b&gt;')


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a b.txt", "a b.txt"),
        ("", "file"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\n\x1b[31m.txt", "a_b___31m.txt"),
        ("Rechnung März.pdf", "Rechnung März.pdf"),
        ("x\u202egnp.exe", "x_gnp.exe"),
        ("$(rm -rf ~).sh", "_(rm -rf _).sh"),
    ],
)
def test_a_files_name_means_nothing_to_a_file_system(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@example("a" * 119 + " b")
@example("a." + "b" * 15 + " c")
@given(st.text(max_size=400))
def test_any_name_becomes_a_short_plain_one(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe.encode()) <= 120
    assert "/" not in safe
    assert not safe.startswith(".")
    assert safe_name(safe) == safe


@pytest.mark.parametrize("upload", ["../x", "x", "0" * 32 + "--", "0" * 32 + "--a/b", "0" * 32 + "--..\x00"])
def test_an_upload_is_named_as_it_was_answered_or_refused(tmp_path: Path, upload: str) -> None:
    with pytest.raises(InvalidInput):
        attachment_of(tmp_path, UploadView(upload=upload, name="x"))


def test_what_a_file_is_follows_from_its_name() -> None:
    assert kind_of(mime_of("a.jpg")) is AttachmentKind.PHOTO
    assert kind_of(mime_of("a.mp3")) is AttachmentKind.AUDIO
    assert kind_of(mime_of("a.mp4")) is AttachmentKind.VIDEO
    assert kind_of(mime_of("a.html")) is AttachmentKind.DOCUMENT
    assert mime_of("nothing") == "application/octet-stream"


@pytest.mark.parametrize("text", ["1", "1.2.3", "-1.2", "a.b", "9" * 20 + ".1", "1.2\n"])
def test_a_cursor_that_was_not_made_here_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        cursor(text)


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "with space", "key-0001\n", "ümlaute-"])
def test_a_key_has_its_shape(text: str) -> None:
    with pytest.raises(InvalidInput):
        key(text)


def view(**more: object) -> MessageView:
    fields: dict[str, object] = {
        "id": "in-1", "direction": "in", "message_id": 'k"><script>', "session_id": "s", "text": "<b>hi</b>",
        "buttons": [], "attachments": [], "state": "done", "sentence": "Done.", "error": "", "reply_to": "",
        "edited": False, "at": 1_795_000_000_000,
    }  # fmt: skip
    return MessageView.model_validate({**fields, **more})


def test_an_article_shows_what_people_wrote_and_nothing_else() -> None:
    file = FileView(
        name='"><img src=x>.pdf', mime="application/pdf", size=2048, kind="document", url="/f", problem=""
    )
    buttons = [[{"label": "<i>", "value": '"x'}]]
    html = article(view(attachments=[file], buttons=buttons))
    assert "<script" not in html
    assert "<img" not in html
    assert "<i>" not in html
    assert 'data-tap="&quot;x"' in html
    assert "<b>hi" not in html
    assert "2 kB" in html


def test_a_message_says_why_it_was_not_taken_in() -> None:
    html = article(view(state="ignored", sentence="Not meant for us.", error="Not addressed."))
    assert "Not taken in" in html
    assert "Not addressed." in html


def test_sizes_read_well() -> None:
    assert [size_text(size) for size in (0, 1023, 1024, 1_500_000, 3 * 1024**3)] == [
        "0 bytes", "1023 bytes", "1 kB", "1.43 MB", "3 GB",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.5", "::", "example.org"])
def test_showing_the_page_to_the_network_without_encryption_is_refused_with_the_way_out(host: str) -> None:
    with pytest.raises(ValidationError, match="without encryption: set tls_certificate"):
        WebSettings(host=host)
    assert WebSettings(host=host, behind_proxy=True).host == host
    assert WebSettings(host=host, tls_certificate="c.pem", tls_key="k.pem").secure


@pytest.mark.parametrize(
    "wrong",
    [
        {"tls_certificate": "c.pem"},
        {"public_url": "hermes.example.org"},
        {"public_url": "https://hermes.example.org/path"},
        {"port": 65_536},
        {"prot": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebSettings.model_validate(wrong)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("LocalHost:80", "localhost"),
        ("[::1]:80", "::1"),
        ("a.example.", "a.example"),
        ("", ""),
        ("[::1", ""),
        ("x@y", "y"),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert name_of(host) == name


def test_names_of_ours_are_this_machine_and_what_the_settings_say() -> None:
    settings = WebSettings(
        host="::", behind_proxy=True, public_url="https://a.example:8443", trusted_hosts=["B.example"]
    )
    assert allowed_names(settings) == {"localhost", "127.0.0.1", "::1", "a.example", "b.example"}


def test_an_origin_is_ours_by_scheme_host_and_port() -> None:
    settings = WebSettings(public_url="https://a.example")
    assert same_origin("http://127.0.0.1:8420", "127.0.0.1:8420", settings)
    assert same_origin("https://a.example", "127.0.0.1:8420", settings)
    for origin in (
        "http://127.0.0.1:8421",
        "null",
        "http://a.example",
        "file://127.0.0.1:8420",
        "https://a.example.evil",
    ):
        assert not same_origin(origin, "127.0.0.1:8420", settings)


class Stopped(Clock):
    """A clock that stands where it is put."""

    seconds = 0.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


def test_failures_count_for_a_while_and_by_source() -> None:
    clock = Stopped()
    limit = FailureLimit(clock, 2, 60)
    limit.fail("a")
    clock.seconds = 30
    limit.fail("a")
    assert (limit.wait("a"), limit.wait("b")) == (30, 0)
    clock.seconds = 61
    assert limit.wait("a") == 0
    limit.fail("a")
    limit.clear("a")
    limit.fail("a")
    assert limit.wait("a") == 0


def test_the_sources_remembered_are_bounded() -> None:
    limit = FailureLimit(Stopped(), 1, 60)
    for number in range(REMEMBERED * 2):
        limit.fail(str(number))
    assert limit.wait("0") == 0
    assert limit.wait(str(REMEMBERED * 2 - 1)) == 60

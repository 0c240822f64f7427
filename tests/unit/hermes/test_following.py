"""``hermes logs -f`` shows what is written from now on, also after the file was rotated."""

import threading
from pathlib import Path

from hermes.cli.log_files import following, readable


def test_lines_are_followed_over_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "hermes.log"
    path.write_text("old\n")
    lines = following(path)
    seen: list[str] = []
    began = threading.Event()

    def read() -> None:
        began.set()
        seen.extend(next(lines) for _ in range(3))

    reader = threading.Thread(target=read)
    reader.start()
    began.wait()
    # The file is opened at its end before the first pause; what follows is new.
    threading.Event().wait(0.2)
    with path.open("a") as file:
        file.write("one\n")
    threading.Event().wait(0.5)
    path.rename(tmp_path / "hermes.log.1")
    path.write_text("two\nthree\n")
    reader.join(10)
    lines.close()
    assert seen == ["one", "two", "three"]


def test_a_line_that_is_no_json_is_shown_as_it_is() -> None:
    assert readable("Traceback (most recent call last):") == "Traceback (most recent call last):"

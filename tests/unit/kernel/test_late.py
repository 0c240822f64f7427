"""Loading late, with libraries that count as not installed meanwhile."""

import sys
from pathlib import Path

import pytest

from kernel.late import load


def test_a_part_is_loaded_by_its_name() -> None:
    assert load("kernel.late:load") is load


def test_a_library_is_hidden_from_one_import_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "late_library.py").write_text("")
    (tmp_path / "late_sdk.py").write_text(
        "try:\n    import late_library\n    FOUND = True\nexcept ImportError:\n    FOUND = False\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load("late_sdk:FOUND", ("late_library",)) is False
    assert "late_library" not in sys.modules
    assert load("late_library:__name__") == "late_library"
    del sys.modules["late_sdk"]
    assert load("late_sdk:FOUND", ("late_library",)) is True
    del sys.modules["late_sdk"], sys.modules["late_library"]

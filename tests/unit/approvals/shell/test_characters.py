"""Characters that are invisible, reorder text or imitate others; and those of ordinary languages."""

import pytest

from approvals.shell import classify
from approvals.shell.characters import escape
from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import CONTEXT, tier_of


@pytest.mark.parametrize(
    "text",
    [
        "ls\u200b",
        "ls \u202egnp.exe",
        "ls\u00a0-la",
        "echo a\u2028rm x",
        "ls\x07",
        "ls\x1b[2J",
        "ls\r",
        "ls\x0b-la",
        "ls\x0c",
        "l\x00s",
        "ls\ufeff",
        "\uff4c\uff53",
        "ls \uff0d\uff4c\uff41",
        "\u0455udo ls",
        "git pu\u0455h",
        "cat /etc/p\u0430sswd",
        "curl http://ex\u0430mple.com",
        "rm \u2010rf x",
        "ls \u2215etc",
        "ls \ue000",
        "ls \ud800",
        "l\u0338s",
        "\U0001d425\U0001d42c",
        "echo \U0001f468\u200d\U0001f469",
        "git commit -m 'p\u0430ssword'",
    ],
)
def test_a_text_with_odd_characters_is_high(text: str) -> None:
    assert tier_of(text) is Tier.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "git commit -m 'Исправить ошибку \u0441 входом'",
        "git commit -m '修正: ログイン画面'",
        "git commit -m 'Größe prüfen - naïve café'",
        "git commit -m 'it’s done … 50 % → 60 %'",
        "git commit -m '✨ new'",
        "cat документ.txt",
        "echo 'مرحبا'",
        "grep 'señal' notas.txt",
        "echo 'Ωμέγα'",
    ],
)
def test_ordinary_languages_are_ordinary(text: str) -> None:
    assert tier_of(text) is Tier.NONE


def test_reasons_show_odd_characters_escaped() -> None:
    found = classify("rm \u202ex\u0430b", CONTEXT)
    assert "\\u202e" in found.reasons[0].text
    assert all(segment.text.isascii() for segment in found.segments)
    assert escape("a\x07b") == "a\\u0007b"
    assert escape("x" * 400).endswith("…")

"""The pre-pass over characters: what is invisible, reorders text or imitates another character is never trusted."""

import re
import unicodedata
from collections.abc import Iterator

# Letters of other scripts that a reader takes for Latin ones (after the Unicode confusables table).
_CONFUSABLE = frozenset(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԁԛԝвкмнтгпΑΒΕΖΗΙΚΜΝΟΡΤΥΧοναιρυκχτεηϲյօսհցոԍɡɑɩոѵᴀᴄᴅᴇɪᴊᴋᴍɴᴏᴘʀᴛᴜᴠᴡᴢ"
)
# Punctuation that a reader takes for what the shell acts on.
_CONFUSABLE_PUNCTUATION = frozenset("∕⁄⧸╱⟋‐‑‒–—−﹣˗∣ǀ⎮❘ˋ‵′ʹ‚․‥﹒∗⁎٭﹡∶ː։׃﹕＝ᐸᐳ‹›❮❯˃˂")
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SAFE = re.compile(r"[\t\n -~]*\Z")
_ODD = re.compile(r"[^\t\n -~]+")
_LETTER_RUN = re.compile(r"[^\W\d_]+")
_SUPERSCRIPTS = frozenset("ªº²³¹")


def escape(text: str, limit: int = 300) -> str:
    """Return the text with control, invisible and look-alike characters as escapes, cut at ``limit``."""
    shown = text if len(text) <= limit else text[:limit] + "…"
    if _SAFE.match(shown):
        return shown
    return "".join(_escape_one(char) for char in shown)


def _escape_one(char: str) -> str:
    if char in "\t\n…" or " " <= char <= "~":
        return char
    if _is_forbidden(char) or char in _CONFUSABLE or char in _CONFUSABLE_PUNCTUATION or _imitates_ascii(char):
        return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
    return char


def suspicious(text: str) -> str | None:
    """Return what is wrong with the characters of a text as half a sentence, or ``None``."""
    if _SAFE.match(text):
        return None
    for match in _ODD.finditer(text):
        for char in match.group():
            if _is_forbidden(char):
                return f"contains the invisible or control character U+{ord(char):04X}"
            if _imitates_ascii(char):
                return f"contains U+{ord(char):04X}, which imitates {unicodedata.normalize('NFKC', char)!r}"
    return next(_mixed_runs(unicodedata.normalize("NFC", text)), None)


def _is_forbidden(char: str) -> bool:
    category = unicodedata.category(char)
    if category in _FORBIDDEN_CATEGORIES:
        return True
    return category == "Zs" and char != " "


def _imitates_ascii(char: str) -> bool:
    """Fullwidth, mathematical and similar forms that are one ASCII character in disguise."""
    if char < "\x80" or char in _SUPERSCRIPTS:
        return False
    plain = unicodedata.normalize("NFKC", char)
    return len(plain) == 1 and "!" <= plain <= "~"


def _mixed_runs(text: str) -> Iterator[str]:
    """Yield a complaint for each word that mixes Latin letters with look-alikes or stray combining marks."""
    for match in _LETTER_RUN.finditer(text):
        run = match.group()
        if run.isascii():
            continue
        if any(char in _CONFUSABLE for char in run) and any("a" <= char.lower() <= "z" for char in run):
            yield f"mixes Latin letters with look-alikes in {escape(run)!r}"
    for before, char in zip(text, text[1:], strict=False):
        if unicodedata.category(char) in {"Mn", "Me"} and before < "\x80":
            yield f"puts the combining character U+{ord(char):04X} on {before!r}"


def imitates(word: str) -> bool:
    """Tell whether a word outside quoted data would be read as something else than it is."""
    if word.isascii():
        return False
    if any(char in _CONFUSABLE_PUNCTUATION for char in word):
        return True
    return any(
        not run.group().isascii() and all(char in _CONFUSABLE for char in run.group())
        for run in _LETTER_RUN.finditer(word)
    )

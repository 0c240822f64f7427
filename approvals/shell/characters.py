"""The pre-pass over characters: what is invisible, reorders text or imitates another character is never trusted."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

# Letters of other scripts that a reader takes for Latin ones (after the Unicode confusables table).
_CONFUSABLE = frozenset(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0430\u0435\u0455\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d\u0442\u0433\u043f\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03b1\u03b9\u03c1\u03c5\u03ba\u03c7\u03c4\u03b5\u03b7\u03f2\u0575\u0585\u057d\u0570\u0581\u0578\u050d\u0261\u0251\u0269\u0578\u0475\u1d00\u1d04\u1d05\u1d07\u026a\u1d0a\u1d0b\u1d0d\u0274\u1d0f\u1d18\u0280\u1d1b\u1d1c\u1d20\u1d21\u1d22\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06"
)
# Punctuation that a reader takes for what the shell acts on.
_CONFUSABLE_PUNCTUATION = frozenset(
    "\u2215\u2044\u29f8\u2571\u27cb\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\u02d7\u2223\u01c0\u23ae\u2758\u02cb\u2035\u2032\u02b9\u201a\u2024\u2025\ufe52\u2217\u204e\u066d\ufe61\u2236\u02d0\u0589\u05c3\ufe55\uff1d\u1438\u1433\u2039\u203a\u276e\u276f\u02c3\u02c2"
)
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SAFE = re.compile(r"[\t\n -~]*\Z")
_ODD = re.compile(r"[^\t\n -~]+")
_LETTER_RUN = re.compile(r"[^\W\d_]+")
_SUPERSCRIPTS = frozenset("\u00aa\u00ba\u00b2\u00b3\u00b9")


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
        return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
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
    for before, char in pairwise(text):
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

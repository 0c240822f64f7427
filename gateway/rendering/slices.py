"""Cutting a text into slices within a limit, around the stretches that should stay whole."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.rendering import borders

Length = Callable[[str], int]

LEAST_LIMIT = 32

_SPACE = re.compile(r"\s*")
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")


def utf16_units(text: str) -> int:
    """Return the length of a text in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(character > "\uffff" for character in text)


def utf8_bytes(text: str) -> int:
    """Return the length of a text in bytes of UTF-8."""
    return len(text.encode("utf-8", "surrogatepass"))


# By the name of the unit in an adapter's capabilities.
LENGTHS: Mapping[str, Length] = {"utf16": utf16_units, "characters": len, "bytes": utf8_bytes}


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch to keep in one piece where it fits.

    Code (`first` < `last`) that does not fit is cut between its lines from `first` to `last`; the piece that ends
    there gets `closing` behind it and the next one `opening` before it. Other regions are then cut like any text.
    """

    start: int
    end: int
    first: int = 0
    last: int = 0
    opening: str = ""
    closing: str = ""

    @property
    def is_code(self) -> bool:
        """Whether it is cut between lines, closed and opened again."""
        return self.first < self.last


@dataclass(frozen=True, slots=True)
class Slice:
    """One piece of a text: from `start` to `end`, with what must stand before and behind it."""

    start: int
    end: int
    opening: str = ""
    closing: str = ""

    def of(self, text: str) -> str:
        """Return the piece."""
        return self.opening + text[self.start : self.end] + self.closing


def slices(text: str, limit: int, length: Length, regions: Sequence[Region] = ()) -> list[Slice]:
    """Cut `text` into slices of at most `limit` by `length`; white space at the cuts belongs to none.

    `length` must be additive and count one to four for a character. `regions` are in order and do not overlap.
    Raises ValueError for a limit below 32.
    """
    if limit < LEAST_LIMIT:
        raise ValueError(f"a limit of {limit} is too small to split a text; use at least {LEAST_LIMIT}")
    return _Cutter(text, limit, length, regions).run()


class _Cutter:
    """One pass from left to right; `_inside` is the code block in which the last piece ended."""

    def __init__(self, text: str, limit: int, length: Length, regions: Sequence[Region]) -> None:
        self._text = text
        self._limit = limit
        self._length = length
        self._regions = [region for region in regions if self._affordable(region)]
        self._next = 0
        self._inside: Region | None = None

    def _affordable(self, region: Region) -> bool:
        """Drop a region whose repeated opening would fill half a piece by itself."""
        return self._length(region.opening + region.closing) <= self._limit // 2

    def run(self) -> list[Slice]:
        found: list[Slice] = []
        start = self._behind(_BLANK_LINES, 0)
        while start < len(self._text):
            piece, start = self._one(start)
            if self._text[piece.start : piece.end].strip():
                found.append(piece)
        return found

    def _one(self, start: int) -> tuple[Slice, int]:
        """Return the slice that begins at `start`, and where the next one begins."""
        opening = self._inside.opening if self._inside else ""
        room = self._limit - self._length(opening)
        reach = self._fit(start, room)
        if reach == len(self._text):
            return self._slice(start, reach, opening), reach
        self._forget(start)
        region = self._around(reach)
        if region is not None and self._stays_whole(region, start, reach):
            return self._cut_text(start, region.start, opening)
        if region is not None and region.is_code:
            return self._cut_code(region, start, room, opening)
        return self._cut_text(start, reach, opening)

    def _cut_text(self, start: int, reach: int, opening: str) -> tuple[Slice, int]:
        low = self._last_code_end(start, reach)
        end = borders.natural(self._text, start, low, reach)
        region = self._around(end)
        if region is not None and region.start > low and self._fits_alone(region):
            end = borders.natural(self._text, start, low, region.start)
        self._inside = None
        return self._slice(start, end, opening), self._behind(_SPACE, end)

    def _cut_code(self, region: Region, start: int, room: int, opening: str) -> tuple[Slice, int]:
        reach = min(self._fit(start, room - self._length(region.closing)), region.last)
        low = max(start, region.first)
        if reach <= low:
            return self._cut_text(start, region.start, opening)
        end = borders.line(self._text, low, reach)
        stop = end - 1 if self._text[end - 1] == "\n" else end
        piece = Slice(start, stop, opening, region.closing)
        if self._text[end : region.last].strip():
            self._inside = region
            return piece, end
        self._inside = None
        return piece, self._behind(_BLANK_LINES, region.end)

    def _stays_whole(self, region: Region, start: int, reach: int) -> bool:
        """Decide whether the piece ends before a region that does not fit into it any more."""
        if region.start <= start:
            return False
        return self._fits_alone(region) or (region.is_code and region.start - start >= (reach - start) // 2)

    def _fits_alone(self, region: Region) -> bool:
        return self._length(self._text[region.start : region.end].rstrip()) <= self._limit

    def _slice(self, start: int, end: int, opening: str) -> Slice:
        return Slice(start, start + len(self._text[start:end].rstrip()), opening)

    def _forget(self, start: int) -> None:
        """Leave the regions that end before `start` behind."""
        while self._next < len(self._regions) and self._regions[self._next].end <= start:
            self._next += 1

    def _around(self, position: int) -> Region | None:
        """Return the region that a cut at `position` would go through."""
        for region in self._regions[self._next :]:
            if region.start >= position:
                return None
            if region.end > position:
                return region
        return None

    def _last_code_end(self, start: int, reach: int) -> int:
        """Return where the last block of code that ends in a piece ends, or the piece's start."""
        low = start
        for region in self._regions[self._next :]:
            if region.end > reach:
                break
            low = region.end if region.is_code else low
        return low

    def _fit(self, start: int, room: int) -> int:
        """Return the farthest end of a slice from `start` that fits into `room`."""
        low, high = start, min(len(self._text), start + room)
        if self._length(self._text[start:high]) <= room:
            return high
        while low < high:
            middle = (low + high + 1) // 2
            if self._length(self._text[start:middle]) <= room:
                low = middle
            else:
                high = middle - 1
        return low

    def _behind(self, kind: re.Pattern[str], position: int) -> int:
        match = kind.match(self._text, position)
        return match.end() if match else position

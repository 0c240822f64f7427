"""A parsed tree over its text: offsets in characters, and the checks that nothing was skipped or joined."""

import re
from itertools import pairwise

from tree_sitter import Node

from approvals.shell.tree import Node as Tree
from approvals.shell.tree import Raw, Source, Unreadable

MAX_DEPTH = 60

_BLANK = re.compile(r"(?:[ \t]|\\\n)*\Z")
SPACE = re.compile(r"(?:[ \t\n]|\\\n)*\Z")
_CONTINUATION = re.compile(r"(?<!\\)(?:\\\\)*\\\n")
_SPANNED = frozenset({"command_substitution", "process_substitution", "arithmetic_expansion", "expansion"})


class Nodes:
    """The ground that the conversion stands on."""

    def __init__(self, text: str, data: bytes, root: Node) -> None:
        self.text = text
        self.root = root
        self.depth = 0
        self._offsets = None if len(data) == len(text) else _character_offsets(text)
        self.source = Source(text, self._spans() if any(char in text for char in "$`(#") else {})

    def at(self, byte: int) -> int:
        return byte if self._offsets is None else self._offsets[byte]

    def start(self, node: Node) -> int:
        """The node's first character that is not white space (some tokens carry a leading blank)."""
        start, end = self.at(node.start_byte), self.at(node.end_byte)
        while start < end and self.text[start] in " \t\n":
            start += 1
        return start

    def end(self, node: Node) -> int:
        return self.at(node.end_byte)

    def of(self, node: Node) -> str:
        return self.text[self.start(node) : self.end(node)]

    def _spans(self) -> dict[int, int]:
        spans: dict[int, int] = {}
        stack = [(self.root, 0)]
        while stack:
            node, depth = stack.pop()
            if depth > MAX_DEPTH:
                raise Unreadable("is nested too deeply to be judged")
            if node.type in _SPANNED:
                start = self.start(node)
                spans[start] = max(spans.get(start, 0), self.end(node))
            elif node.type == "comment":
                self._check_comment(node)
            stack.extend((child, depth + 1) for child in node.children)
        return spans

    def _check_comment(self, node: Node) -> None:
        start, end = self.start(node), self.end(node)
        whole = self.text[start:end]
        before, after = self.text[start - 1 : start], self.text[end : end + 1]
        if (
            not whole.startswith("#")
            or "\n" in whole
            or before not in {"", " ", "\t", "\n", ";", "&", "|", "(", ")"}
        ):
            raise Unreadable("has a comment that may not be one", whole)
        if after not in {"", "\n"}:
            raise Unreadable("has a comment that may not be one", whole)

    def check_continuations(self) -> None:
        """Refuse a line continuation that joins two pieces of a word, unless it stands in literal text."""
        for match in _CONTINUATION.finditer(self.text):
            backslash = match.end() - 2
            before, after = self.text[backslash - 1 : backslash], self.text[match.end() : match.end() + 1]
            if before in {"", " ", "\t", "\n"} or after in {"", " ", "\t"} or self._is_literal(backslash):
                continue
            raise Unreadable(
                "joins a word over a line continuation", self.text[max(0, backslash - 20) : backslash + 20]
            )

    def _is_literal(self, offset: int) -> bool:
        byte = len(self.text[:offset].encode("utf-8", "surrogatepass"))
        node = self.root.descendant_for_byte_range(byte, byte + 1)
        while node is not None:
            if node.type in {"raw_string", "comment"}:
                return True
            if node.type == "heredoc_body":
                return not node.children
            node = node.parent
        return False

    def statement(self, node: Node) -> Tree:
        """Convert one statement."""
        raise NotImplementedError

    def check_gaps(self, children: list[Node]) -> None:
        """Refuse anything but white space between neighbours."""
        for left, right in pairwise(children):
            gap = self.text[self.end(left) : self.start(right)]
            if not SPACE.match(gap):
                raise Unreadable("has text that the parser skipped", gap)

    def words(self, spans: list[tuple[int, int]]) -> tuple[Raw, ...]:
        """Join pieces that touch into words; pieces are separated by blanks or they are one word."""
        merged: list[tuple[int, int]] = []
        for start, end in spans:
            if not merged:
                merged.append((start, end))
                continue
            gap = self.text[merged[-1][1] : start]
            if gap == "":
                merged[-1] = (merged[-1][0], end)
            elif _BLANK.match(gap) and gap.replace("\\\n", ""):
                merged.append((start, end))
            elif "<" in gap or ">" in gap:
                # A redirection stands between the two words; it is judged by itself.
                merged.append((start, end))
            else:
                raise Unreadable("splits a word in an unusual way", self.text[merged[-1][0] : end])
        return tuple(Raw(self.source, start, end) for start, end in merged)


def _character_offsets(text: str) -> list[int]:
    """Map each byte offset of the UTF-8 form to the offset of its character."""
    offsets: list[int] = []
    for index, char in enumerate(text):
        offsets.extend([index] * len(char.encode("utf-8", "surrogatepass")))
    offsets.append(len(text))
    return offsets

"""From a stretch of source to pieces: quotes, escapes and expansions, read by our own rules.

The lexer trusts the parser only for where a ``$(…)`` or ``${…}`` ends, and refuses a stretch that is not exactly
one word.
"""

import re
from dataclasses import dataclass

from approvals.shell.ansi import decode_ansi
from approvals.shell.tree import Raw, Source, Unreadable


@dataclass(frozen=True, slots=True)
class Literal:
    """Known text; ``quoted`` text is neither split, globbed nor brace-expanded; ``decoded`` came from escapes."""

    text: str
    quoted: bool
    decoded: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """``$(…)``, backquotes, ``<(…)`` or ``>(…)``: ``text`` runs as a program."""

    text: str
    kind: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$name`` or ``${name…}``: ``operator`` with its ``argument`` pieces, ``extra`` holds subscript pieces."""

    name: str
    operator: str
    argument: tuple["Piece", ...]
    extra: tuple["Piece", ...]
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``$((…))``: a number, computed from the pieces inside."""

    inside: tuple["Piece", ...]
    quoted: bool


Piece = Literal | Substitution | Parameter | Arithmetic

_PLAIN = re.compile(r"[^\s\\'\"$`|&;<>()]+")
_PLAIN_DOUBLE = re.compile(r"[^\\\"$`]+")
_PLAIN_DOCUMENT = re.compile(r"[^\\$`]+")
_PLAIN_LOOSE = re.compile(r"[^\\'\"$`<>]+")
_NAME = re.compile(r"[A-Za-z_]\w*|[0-9]|[@*#?$!_-]")
_BRACED = re.compile(r"(!?)([A-Za-z_]\w*|[0-9]+|[@*#?$!_-])")
_LENGTH = re.compile(r"#([A-Za-z_]\w*|[0-9]+|[@*])(\[[@*\w]+\])?\Z")
_OPERATOR = re.compile(r":?[-=?+]|##?|%%?|//?|\^\^?|,,?|@[A-Za-z]|:|")


def lex(raw: Raw, mode: str = "word") -> tuple[Piece, ...]:
    """Return the pieces of a stretch; ``mode`` is ``word``, ``document`` (here-document) or ``loose``."""
    return _Lexer(raw.source, raw.start, raw.end).run(mode)


def split_words(source: Source, start: int, end: int) -> tuple[Raw, ...]:
    """Split a stretch without operators into words."""
    raws: list[Raw] = []
    position = start
    while position < end:
        if source.text[position] in " \t\n":
            position += 1
        elif source.text.startswith("\\\n", position):
            position += 2
        else:
            lexer = _Lexer(source, position, end)
            lexer.word()
            raws.append(Raw(source, position, lexer.position))
            if lexer.position == position:
                raise Unreadable("has an operator in an unusual place", source.text[start:end])
            position = lexer.position
    return tuple(raws)


class _Lexer:
    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self.text = source.text
        self.position = start
        self.end = end
        self.pieces: list[Piece] = []

    def run(self, mode: str) -> tuple[Piece, ...]:
        if mode == "word":
            self.word()
        elif mode == "loose":
            self.loose()
        else:
            self.double("document", quoted=True)
        if self.position != self.end:
            raise Unreadable("has a word that is not understood", self.text[self.position : self.end])
        return tuple(self.pieces)

    def add(self, text: str, quoted: bool, decoded: bool = False) -> None:
        self.pieces.append(Literal(text, quoted, decoded))

    def word(self) -> None:
        """Read up to the end of one word."""
        if self.text[self.position : self.position + 1] == "#":
            raise Unreadable("has a comment that may not be one", self.text[self.position : self.end])
        while self.position < self.end:
            if not self._unquoted(_PLAIN):
                return

    def loose(self) -> None:
        """Read everything, white space and operators included."""
        while self.position < self.end:
            if not self._unquoted(_PLAIN_LOOSE):
                self.add(self.text[self.position], quoted=False)
                self.position += 1

    def _unquoted(self, plain: re.Pattern[str]) -> bool:
        """Read one unquoted piece; ``False`` at a character that ends a word."""
        match = plain.match(self.text, self.position, self.end)
        if match:
            self.add(match.group(), quoted=False)
            self.position = match.end()
            return True
        char = self.text[self.position]
        if char == "\\":
            return self._escape()
        if char == "'":
            return self._single()
        if char == '"':
            return self._double_quoted()
        if char in "$`":
            self._dollar(quoted=False)
            return True
        return char in "<>" and self._process()

    def _escape(self) -> bool:
        following = self.text[self.position + 1 : self.position + 2]
        if self.position + 2 > self.end:
            raise Unreadable("ends in a backslash", self.text[self.position : self.end])
        if following != "\n":
            self.add(following, quoted=True)
        self.position += 2
        return True

    def _single(self) -> bool:
        close = self.text.find("'", self.position + 1, self.end)
        if close < 0:
            raise Unreadable("has an unfinished quote", self.text[self.position : self.end])
        self.add(self.text[self.position + 1 : close], quoted=True)
        self.position = close + 1
        return True

    def _double_quoted(self) -> bool:
        self.position += 1
        self.add("", quoted=True)
        self.double("string", quoted=True)
        if self.text[self.position : self.position + 1] != '"' or self.position >= self.end:
            raise Unreadable("has an unfinished quote", self.text[self.position : self.end])
        self.position += 1
        return True

    def double(self, mode: str, *, quoted: bool) -> None:
        """Read the inside of double quotes (to the closing one) or of a here-document (to the end)."""
        plain = _PLAIN_DOUBLE if mode == "string" else _PLAIN_DOCUMENT
        while self.position < self.end:
            match = plain.match(self.text, self.position, self.end)
            if match:
                self.add(match.group(), quoted)
                self.position = match.end()
                continue
            char = self.text[self.position]
            if char == '"':
                return
            if char == "\\":
                self._double_escape(mode)
            else:
                self._dollar(quoted=True)

    def _double_escape(self, mode: str) -> None:
        following = self.text[self.position + 1 : self.position + 2]
        special = '$`\\"' if mode == "string" else "$`\\"
        if following == "\n":
            pass
        elif following and following in special:
            self.add(following, quoted=True)
        else:
            self.add("\\" + following, quoted=True)
        self.position += 2

    def _dollar(self, *, quoted: bool) -> None:
        text, start = self.text, self.position
        if text[start] == "`":
            self._backquote(quoted)
        elif text.startswith("$((", start) or text.startswith("$[", start):
            self._arithmetic(quoted)
        elif text.startswith("$(", start):
            end = self._span_end(")")
            self.pieces.append(Substitution(text[start + 2 : end - 1], "$(", quoted))
            self.position = end
        elif text.startswith("${", start):
            self._braced(quoted)
        elif text.startswith("$'", start) and not quoted:
            self._ansi()
        elif text.startswith('$"', start) and not quoted:
            self.position += 1
        else:
            self._simple(quoted)

    def _span_end(self, closing: str) -> int:
        end = self.source.spans.get(self.position)
        if end is None or end > self.end or self.text[end - 1] != closing:
            raise Unreadable("has an expansion whose end is uncertain", self.text[self.position : self.end])
        return end

    def _backquote(self, quoted: bool) -> None:
        position = self.position + 1
        while position < self.end and self.text[position] != "`":
            position += 2 if self.text[position] == "\\" else 1
        if position >= self.end:
            raise Unreadable("has an unfinished backquote", self.text[self.position : self.end])
        inner = self.text[self.position + 1 : position]
        escaped = r"\\([$`\\\"])" if quoted else r"\\([$`\\])"
        self.pieces.append(Substitution(re.sub(escaped, r"\1", inner), "`", quoted))
        self.position = position + 1

    def _arithmetic(self, quoted: bool) -> None:
        start = self.position
        square = self.text.startswith("$[", start)
        end = self._span_end("]" if square else ")")
        if not square and not self.text.endswith("))", start, end):
            self.pieces.append(Substitution(self.text[start + 2 : end - 1], "$(", quoted))
        else:
            inner = _Lexer(self.source, start + (2 if square else 3), end - (1 if square else 2))
            self.pieces.append(Arithmetic(inner.run("loose"), quoted))
        self.position = end

    def _ansi(self) -> None:
        position = self.position + 2
        while position < self.end and self.text[position] != "'":
            position += 2 if self.text[position] == "\\" else 1
        if position >= self.end:
            raise Unreadable("has an unfinished quote", self.text[self.position : self.end])
        body = self.text[self.position + 2 : position]
        value = decode_ansi(body)
        self.add(
            value, quoted=True, decoded=any(char.isalnum() or char in "/-" for char in value) and "\\" in body
        )
        self.position = position + 1

    def _simple(self, quoted: bool) -> None:
        match = _NAME.match(self.text, self.position + 1, self.end)
        if match is None:
            self.add("$", quoted)
            self.position += 1
            return
        self.pieces.append(Parameter(match.group(), "", (), (), quoted))
        self.position = match.end()

    def _braced(self, quoted: bool) -> None:
        end = self._span_end("}")
        start, stop = self.position + 2, end - 1
        inner = self.text[start:stop]
        self.position = end
        if _LENGTH.match(inner):
            self.pieces.append(Parameter("#", "", (), (), quoted))
            return
        match = _BRACED.match(inner)
        if match is None:
            raise Unreadable("has an expansion that is not understood", self.text[start - 2 : end])
        at, extra = match.end(), tuple[Piece, ...]()
        if inner[at : at + 1] == "[":
            close = _closing_bracket(inner, at)
            extra = _Lexer(self.source, start + at + 1, start + close).run("loose") or (Literal("", True),)
            at = close + 1
        found = _OPERATOR.match(inner, at)
        operator = found.group() if found else ""
        at += len(operator)
        if match.group(1):
            operator = "!" + operator
        argument = self._argument(start + at, stop, quoted)
        self.pieces.append(Parameter(match.group(2), operator, argument, extra, quoted))

    def _argument(self, start: int, stop: int, quoted: bool) -> tuple[Piece, ...]:
        if start >= stop:
            return ()
        inner = _Lexer(self.source, start, stop)
        if not quoted:
            return inner.run("loose")
        # Inside double quotes a quote character starts a nested string, anything else is as in the string around it.
        while inner.position < stop:
            inner.double("string", quoted=True)
            if inner.position < stop:
                inner._double_quoted()
        return tuple(inner.pieces)

    def _process(self) -> bool:
        if self.text[self.position + 1 : self.position + 2] != "(":
            return False
        kind = self.text[self.position : self.position + 2]
        end = self._span_end(")")
        self.pieces.append(Substitution(self.text[self.position + 2 : end - 1], kind, quoted=False))
        self.position = end
        return True


def _closing_bracket(inner: str, start: int) -> int:
    depth = 0
    for index in range(start, len(inner)):
        depth += {"[": 1, "]": -1}.get(inner[index], 0)
        if depth == 0:
            return index
    raise Unreadable("has an expansion that is not understood", inner)

"""Static evaluation of words: what they expand to, as far as that is known without running anything."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from approvals.shell.braces import Token, expand_braces
from approvals.shell.lexer import Arithmetic, Literal, Parameter, Piece, Substitution, lex, split_words
from approvals.shell.marks import MANY, ONE, STAR, TAME, UNKNOWN, is_opaque
from approvals.shell.scope import Scope
from approvals.shell.tree import Raw, Source, Unreadable

Run = Callable[[Substitution, Scope], str]
"""Judges the text of a substitution and returns its output in marked text."""

MAX_FIELDS = 256
MAX_EXPANDED = 131_072
_PLAIN = re.compile(r"[\w./:=@%+,-]+\Z", re.ASCII)
_GLOB = re.compile(r"\*+|\?|\[[^]\[]*\]")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
_SPLIT = re.compile(r"[ \t\n]+")
_ASSIGNS = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)
_TWO_OPERANDS = re.compile(r"[\w)\]]\s+[\w(\[]")
_DEFAULTS = frozenset({":-", "-", ":=", "=", ":+", "+", ":?", "?"})


@dataclass(slots=True)
class Expander:
    """Evaluates words in a scope; ``decoded`` and ``substituted`` tell how the last word came about."""

    run: Run
    decoded: bool = False
    substituted: bool = False
    touched: dict[str, None] = field(default_factory=dict[str, None])
    size: int = 0

    def fields(self, raw: Raw, scope: Scope) -> list[str]:
        """Return the words that an argument expands to."""
        text = raw.text
        if _PLAIN.match(text):
            return [text]
        pieces = lex(raw)
        for piece in pieces:
            if isinstance(piece, Literal) and piece.decoded:
                self.decoded = True
        tokens = list(self._tokens(pieces, scope))
        return [field for variant in expand_braces(tokens) for field in self._split(_tilde(variant, scope))]

    def value(self, raw: Raw, scope: Scope) -> str:
        """Return what an assignment or redirection target evaluates to: no splitting, no globbing."""
        text = raw.text
        if _PLAIN.match(text):
            return text
        tokens = _tilde(list(self._tokens(lex(raw), scope)), scope, assignment=True)
        return "".join(token.text for token in tokens).replace(MANY, UNKNOWN)

    def elements(self, raw: Raw, scope: Scope) -> tuple[str, ...]:
        """Return the elements of an array literal ``( … )``."""
        found: list[str] = []
        for word in split_words(raw.source, raw.start + 1, raw.end - 1):
            found.extend(self.fields(word, scope))
        return tuple(found)

    def document(self, raw: Raw, scope: Scope, quoted: bool) -> str:
        """Return the contents of a here-document."""
        if quoted:
            return raw.text
        return self._joined(lex(raw, "document"), scope)

    def scan(self, raw: Raw, scope: Scope, *, arithmetic: bool) -> None:
        """Judge the expansions inside ``[[ … ]]`` or ``(( … ))``."""
        pieces = lex(raw, "loose")
        self._joined(pieces, scope)
        if arithmetic or "[" in raw.text:
            self._check_arithmetic(pieces, scope)

    def _joined(self, pieces: Iterable[Piece], scope: Scope) -> str:
        return "".join(token.text for token in self._tokens(pieces, scope)).replace(MANY, UNKNOWN)

    def _tokens(self, pieces: Iterable[Piece], scope: Scope) -> Iterator[Token]:
        for piece in pieces:
            match piece:
                case Literal():
                    yield Token(piece.text, "quoted" if piece.quoted else "plain")
                case Arithmetic():
                    self._joined(piece.inside, scope)
                    self._check_arithmetic(piece.inside, scope)
                    yield Token(TAME, "quoted")
                case Substitution():
                    self.substituted = True
                    output = self.run(piece, scope).rstrip("\n")
                    yield self._result(output, piece.quoted, scope)
                case Parameter():
                    yield from self._parameter(piece, scope)

    def _result(self, value: str, quoted: bool, scope: Scope) -> Token:
        self.size += len(value)
        if self.size > MAX_EXPANDED:
            raise Unreadable("expands to too much text")
        if quoted:
            return Token(value.replace(MANY, UNKNOWN), "quoted")
        if scope.splits_oddly and not value.isalnum():
            return Token(MANY, "result")
        return Token(value.replace(UNKNOWN, MANY), "result")

    def _parameter(self, piece: Parameter, scope: Scope) -> Iterator[Token]:
        self.touched[piece.name] = None
        if piece.extra:
            self._joined(piece.extra, scope)
            self._check_arithmetic(piece.extra, scope)
        if piece.name in {"@", "*"} or _is_all(piece.extra):
            yield from self._many(piece, scope)
            return
        yield self._result(self._operate(piece, scope), piece.quoted, scope)

    def _many(self, piece: Parameter, scope: Scope) -> Iterator[Token]:
        """``$@`` and ``${array[@]}`` become one word each where they are known."""
        known = scope.positional if piece.name in {"@", "*"} else scope.arrays.get(piece.name)
        if known is None or piece.operator or (len(known) > 1 and not piece.quoted):
            self._joined(piece.argument, scope)
            yield Token(MANY, "result")
            return
        for index, value in enumerate(known):
            if index:
                yield Token(" ", "break")
            yield Token(value, "quoted" if piece.quoted else "result")

    def _operate(self, piece: Parameter, scope: Scope) -> str:
        """Apply ``${name<operator>argument}``."""
        value = scope.value(piece.name)
        if piece.extra:
            value = UNKNOWN
        if not piece.operator:
            return value
        argument = self._joined(piece.argument, scope)
        if piece.operator in _DEFAULTS:
            return self._default(piece, value, argument, scope)
        if piece.operator == "@P" or (piece.operator.startswith("!") and piece.operator.endswith("@P")):
            raise Unreadable("expands a variable as a prompt, which runs what it holds", piece.name)
        if piece.operator == "!":
            return scope.value(value) if _IDENTIFIER.fullmatch(value) else UNKNOWN
        if piece.operator == ":":
            self._check_arithmetic(piece.argument, scope)
        return TAME if value == TAME else UNKNOWN

    def _default(self, piece: Parameter, value: str, argument: str, scope: Scope) -> str:
        if value == UNKNOWN:
            if piece.operator in {":=", "="}:
                scope.forget(piece.name)
            return UNKNOWN
        if piece.operator in {":+", "+"}:
            return argument if value else ""
        if value or piece.operator in {"-", "=", "?"}:
            return value
        if piece.operator == ":=":
            scope.assign(piece.name, argument)
        return argument

    def _check_arithmetic(self, pieces: Iterable[Piece], scope: Scope) -> None:
        """Arithmetic evaluates what variables hold, subscripts with substitutions included."""
        pieces = tuple(pieces)
        shape = "".join(piece.text if isinstance(piece, Literal) else "0" for piece in pieces)
        if _TWO_OPERANDS.search(shape):
            raise Unreadable("has arithmetic that may be commands instead", shape)
        for piece in pieces:
            names = [piece.name] if isinstance(piece, Parameter) else []
            if isinstance(piece, Literal):
                names = _IDENTIFIER.findall(piece.text)
                if piece.quoted and ("$(" in piece.text or "`" in piece.text):
                    raise Unreadable("hides a substitution in arithmetic", piece.text)
            for name in names:
                held = scope.variables.get(name, "")
                if "$" in held or "`" in held:
                    raise Unreadable("evaluates a variable as arithmetic that holds a substitution", name)

    def _split(self, tokens: list[Token]) -> list[str]:
        """Split unquoted results into fields and mark globs."""
        fields: list[str] = []
        current: str | None = None
        for token in tokens:
            if token.kind == "break":
                fields.append(current or "")
                current = ""
            elif token.kind == "quoted":
                current = (current or "") + token.text
            elif token.kind == "plain":
                current = (current or "") + _mark_globs(token.text)
            else:
                pieces = _SPLIT.split(token.text)
                if pieces[0]:
                    current = (current or "") + _mark_globs(pieces[0])
                for piece in pieces[1:]:
                    if current is not None:
                        fields.append(current)
                    current = _mark_globs(piece) if piece else None
        if current is not None:
            fields.append(current)
        if len(fields) > MAX_FIELDS:
            raise Unreadable("expands to too many words")
        return fields


def _is_all(pieces: tuple[Piece, ...]) -> bool:
    return len(pieces) == 1 and isinstance(pieces[0], Literal) and pieces[0].text in {"@", "*"}


def _mark_globs(text: str) -> str:
    if "*" not in text and "?" not in text and "[" not in text:
        return text
    return _GLOB.sub(lambda match: STAR if match.group()[0] == "*" else ONE, text)


def _tilde(tokens: list[Token], scope: Scope, *, assignment: bool = False) -> list[Token]:
    """Expand ``~`` at the start of a word, and behind ``:`` or ``=`` where an assignment expands it too."""
    out: list[Token] = []
    for index, token in enumerate(tokens):
        text = token.text
        if token.kind == "plain" and "~" in text:
            alone = index + 1 == len(tokens)
            if index == 0 and text.startswith("~"):
                text = _home(text, scope, alone)
            if assignment or (index == 0 and _ASSIGNS.match(text)):
                text = re.sub(r"(?<=[:=])~(?=/|:|\Z)", lambda _: scope.value("HOME"), text)
        out.append(Token(text, token.kind))
    return out


def _home(text: str, scope: Scope, alone: bool) -> str:
    prefix, slash, rest = text.partition("/")
    if not slash and not alone:
        return UNKNOWN + text[1:]
    if prefix == "~":
        home = scope.value("HOME")
        return (UNKNOWN if is_opaque(home) else home) + slash + rest
    if prefix == "~+":
        return scope.value("PWD") + slash + rest
    if not re.fullmatch(r"~[A-Za-z_][\w-]*", prefix):
        return UNKNOWN + slash + rest
    return ("/root" if prefix == "~root" else f"/home/{prefix[1:]}") + slash + rest


def inline(text: str) -> Raw:
    """Return a text as a raw word of its own, for evaluation outside a parsed source."""
    return Raw(Source(text, {}), 0, len(text))

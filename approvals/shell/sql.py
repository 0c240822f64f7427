"""Tiers of SQL text, whatever client runs it: comments and strings are read by the dialect's rules first."""

import re
from collections.abc import Iterator
from itertools import pairwise

from approvals.shell.graphs import judge_cypher
from approvals.shell.rules.statements import CALLS, LEADING, SAFE_PRAGMAS
from approvals.shell.wordlist import words
from kernel.risk import Tier

Finding = tuple[Tier, str, str, str]

_TOKEN = re.compile(
    r"(?P<line>--[^\n]*|\#(?=mysql)[^\n]*)|(?P<hint>/\*!\d*)|(?P<block>/\*(?:[^*]|\*(?!/))*\*/)"
    r"|(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$)"
    r"|(?P<string>[eEbBxXnN]?'(?:[^']|'')*')|(?P<name>\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]\n]*\])"
    r"|(?P<word>[A-Za-z_@][\w$@]*)|(?P<number>\d[\w.]*)|(?P<space>\s+)|(?P<close>\*/)|(?P<other>.)",
    re.DOTALL,
)
_BACKSLASHED = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_WRITES = words("INSERT UPDATE DELETE MERGE REPLACE TRUNCATE DROP ALTER CREATE")
_META = re.compile(r"^\s*(\\\S+|\.\w+)(.*)$", re.MULTILINE)
_SHELL_META = re.compile(
    r"^\s*(?:\\!|\.shell|\.system|system(?=\s+\S)|\.import\s+[\"']?\||\.output\s+\|"
    r"|\.once\s+(?:-\w\s+)*\||\\o\s*\||\\g\s*\||\\w\s*\|)"
    r"\s*(.*?)[\"']?$",
    re.MULTILINE | re.IGNORECASE,
)
_META_PIPE = re.compile(r"\\(?:o|g|gx|w|copy\b.*?program)\b", re.IGNORECASE)
_CONSTANT = r"(?:\d[\w.]*|'[^']*'|TRUE|FALSE|NULL)"
_NAME = r"[\w.\"`*]+"
_TAUTOLOGY = re.compile(
    rf"(?:NOT )*(?:{_CONSTANT}|{_CONSTANT} (?:[=<>!] ?)+ ?{_CONSTANT}|(?P<name>[\w.\"`]+) (?:= |> = |< = )(?P=name)"
    r"|[\w.\"`]+ IS NOT NULL)",
    re.IGNORECASE,
)


# The parentheses around a condition are gone, and so is the last one of a subquery.
_OWN = re.compile(
    rf"(?:{_NAME} IN \( ?SELECT {_NAME} FROM (?P<table>{_NAME})|EXISTS \( ?(?P<anything>SELECT {_CONSTANT}))(?: \))?",  # noqa: S608 - a pattern
    re.IGNORECASE,
)
_FLUX_WRITES = re.compile(r"\|>\s*(?:\w+\.)?(?:to|wideTo)\s*\(")


def judge_sql(text: str, dialect: str) -> Iterator[Finding]:
    """Yield a finding for each statement that does more than read."""
    body = text
    if dialect == "cypher":
        yield from judge_cypher(text)
        return
    if dialect == "influx" and _FLUX_WRITES.search(text):
        yield Tier.MEDIUM, "sql.flux", "writes what it found somewhere", text
    if dialect in {"psql", "sqlite3", "mysql", "mariadb", "duckdb"}:
        yield from _meta_commands(text, dialect)
        body = _without_meta(text, dialect)
    if "'" in body and "\\'" in body and dialect in {"mysql", "mariadb"}:
        body = _BACKSLASHED.sub("''", body)
    if body.count("'") % 2:
        yield Tier.HIGH, "sql.unreadable", "holds an unfinished string", text
        return
    for statement in _split(body):
        yield from _statement(statement)


def shell_escapes(text: str, dialect: str) -> list[str]:
    """Return the shell commands that a client's own escapes would run."""
    if dialect not in {"psql", "sqlite3", "mysql", "mariadb", "duckdb"}:
        return []
    return [match.group(1) for match in _SHELL_META.finditer(text) if match.group(1)]


def _without_meta(text: str, dialect: str) -> str:
    marks = (
        ("\\",)
        if dialect == "psql"
        else (".",)
        if dialect in {"sqlite3", "duckdb"}
        else ("\\", "source ", "system ")
    )
    kept = [line for line in text.split("\n") if not line.lstrip().lower().startswith(marks)]
    return (
        "\n".join(kept)
        if dialect != "psql"
        else re.sub(r"\\(gx?|gset|crosstabview|x)\b", ";", "\n".join(kept))
    )


def _meta_commands(text: str, dialect: str) -> Iterator[Finding]:
    for line in text.split("\n"):
        stripped = line.strip()
        if dialect == "psql" and "\\" in stripped:
            yield from _psql_meta(stripped)
        elif dialect in {"sqlite3", "duckdb"} and stripped.startswith("."):
            yield from _dot_command(stripped)
        elif dialect in {"mysql", "mariadb"} and re.match(
            r"(\\[!.]|system\s|source\s|tee\s|\\T)", stripped, re.IGNORECASE
        ):
            yield Tier.HIGH, "sql.meta", "leaves the client for a file or a shell", stripped


def _psql_meta(line: str) -> Iterator[Finding]:
    for name in re.findall(r"\\([A-Za-z!]\w*\+?)", re.sub(r"'[^']*'", "''", line)):
        if name in {
            "!",
            "i",
            "ir",
            "include",
            "gexec",
            "lo_import",
            "lo_export",
            "lo_unlink",
            "setenv",
            "e",
            "ef",
            "ev",
        }:
            yield Tier.HIGH, f"sql.\\{name}", "leaves the client for a file or a shell", line
        elif name in {"copy", "o", "out", "w", "write", "g", "password"} and (
            " " in line or name == "password"
        ):
            program = re.search(r"\bprogram\b|\|", line, re.IGNORECASE)
            yield (
                (Tier.HIGH if program else Tier.MEDIUM),
                f"sql.\\{name}",
                "copies data to or from a file",
                line,
            )


def _dot_command(line: str) -> Iterator[Finding]:
    name = line.partition(" ")[0].lower()
    if name in {".shell", ".system", ".read", ".load"} or "|" in line:
        yield Tier.HIGH, f"sql.{name}", "leaves the client for a file or a shell", line
    elif name in _SAFE_DOTS:
        return
    else:
        yield Tier.MEDIUM, f"sql.{name}", "changes data or files", line


_SAFE_DOTS = words(
    ".tables .schema .headers .header .mode .width .databases .indexes .indices .help .quit .exit .show"
    " .echo .timer .stats"
    " .nullvalue .separator .bail .fullschema .dbinfo .explain .eqp .limit .lint .print .prompt .dump"
    " .columns .version"
)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        if kind in {"line", "block", "space", "hint", "close"}:
            continue
        yield ("dollar" if kind == "tag" else kind), match.group()


def _split(text: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the tokens of each statement; names and strings keep their kind, so that only bare words count as words."""
    current: list[tuple[str, str]] = []
    for kind, value in _tokens(text):
        if value == ";" and kind == "other":
            if current:
                yield current
            current = []
        else:
            current.append((kind, value))
    if current:
        yield current


def _statement(tokens: list[tuple[str, str]]) -> Iterator[Finding]:
    words = [value.upper() for kind, value in tokens if kind == "word"]
    piece = " ".join(value for _, value in tokens)
    if not words:
        return
    first = words[0]
    if first in {"EXPLAIN", "DESCRIBE", "DESC"} and not ("ANALYZE" in words or "ANALYSE" in words):
        return
    if first in {"EXPLAIN", "WITH", "PROFILE"} or (first == "PREPARE" and "AS" in words):
        yield from _inner(words, tokens, piece)
        return
    if first == "PRAGMA":
        yield from _pragma(tokens, words, piece)
        return
    yield from _leading(first, words, tokens, piece)
    yield from _calls(words, piece)


def _inner(words: list[str], tokens: list[tuple[str, str]], piece: str) -> Iterator[Finding]:
    """A statement whose effect stands somewhere inside it."""
    for verb in dict.fromkeys(word for word in words[1:] if word in _WRITES):
        start = next(index for index, (_, value) in enumerate(tokens) if value.upper() == verb)
        yield from _leading(verb, words[words.index(verb) :], tokens[start:], piece)
    yield from _calls(words, piece)


def _leading(first: str, words: list[str], tokens: list[tuple[str, str]], piece: str) -> Iterator[Finding]:
    if first in {"UPDATE", "DELETE"}:
        yield _conditional(first, tokens, piece)
        return
    tier, why = LEADING.get(first, (Tier.MEDIUM, "is a statement without a rule"))
    if first == "ALTER" and words[1:2] == ["TABLE"] and set(words) & {"DELETE", "UPDATE"}:
        yield from _mutation(words, tokens, piece)
    if first == "MERGE" and ("THEN", "DELETE") in pairwise(words):
        tier, why = Tier.HIGH, "deletes rows that its source decides about"
    if first == "ALTER" and (
        "DROP" in words or "PASSWORD" in words or words[1:2] in [["USER"], ["ROLE"], ["SYSTEM"]]
    ):
        tier, why = Tier.HIGH, "drops a part of a table or changes rights"
    if first == "CREATE" and set(words[1:4]) & {"USER", "ROLE", "EXTENSION", "LANGUAGE", "SERVER", "TRIGGER"}:
        tier, why = Tier.HIGH, "creates a user, an extension or code that runs by itself"
    if first == "CREATE" and "OR" in words[:2] and "REPLACE" in words[:3]:
        tier, why = Tier.HIGH, "replaces what is there"
    if first == "COPY" and "PROGRAM" in words:
        tier, why = Tier.HIGH, "runs a program on the server"
    if first in {"SELECT", "TABLE", "VALUES"} and "INTO" in words:
        outfile = "OUTFILE" in words or "DUMPFILE" in words
        tier, why = (
            (Tier.HIGH, "writes a file on the server") if outfile else (Tier.MEDIUM, "creates a table")
        )
    if tier > Tier.NONE:
        yield tier, f"sql.{first.lower()}", why, piece


def _conditional(first: str, tokens: list[tuple[str, str]], piece: str) -> Finding:
    """UPDATE and DELETE are bounded by a condition that can be false."""
    disjuncts = _condition(tokens)
    own = _table(first, tokens)
    if disjuncts is None:
        return Tier.HIGH, f"sql.{first.lower()}.all", f"is {first} without a condition", piece
    if any(_TAUTOLOGY.fullmatch(disjunct) or _is_own(disjunct, own) for disjunct in disjuncts):
        return (
            Tier.HIGH,
            f"sql.{first.lower()}.all",
            f"is {first} with a condition that is always true",
            piece,
        )
    return Tier.MEDIUM, f"sql.{first.lower()}", "changes rows", piece


def _table(first: str, tokens: list[tuple[str, str]]) -> str:
    """Return the table that an UPDATE or DELETE is about, empty where that is not plain."""
    values = [value for _, value in tokens]
    start = 1 if first == "UPDATE" else 2
    return values[start].casefold() if len(values) > start else ""


def _is_own(disjunct: str, table: str) -> bool:
    """Tell whether a condition only asks whether a row is in its own table, or whether anything exists at all."""
    found = _OWN.fullmatch(disjunct)
    return found is not None and (found["anything"] is not None or (found["table"] or "").casefold() == table)


def _mutation(words: list[str], tokens: list[tuple[str, str]], piece: str) -> Iterator[Finding]:
    """ClickHouse changes rows by ``ALTER TABLE t DELETE WHERE …``; a column may have such a name elsewhere."""
    for verb in ("DELETE", "UPDATE"):
        if verb in words and "WHERE" in words[words.index(verb) :]:
            yield _conditional(verb, tokens, piece)


def _condition(tokens: list[tuple[str, str]]) -> list[str] | None:
    """Return the alternatives of the WHERE clause of the statement itself, not of one inside parentheses."""
    depth, start = 0, None
    disjuncts: list[list[str]] = [[]]
    for index, (kind, value) in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(value, 0)
        bare = value.upper() if kind == "word" and depth == 0 else ""
        if bare == "WHERE":
            start, disjuncts = index, [[]]
        elif bare in {"RETURNING", "LIMIT", "ORDER"}:
            break
        elif start is not None and bare == "OR":
            disjuncts.append([])
        elif start is not None:
            disjuncts[-1].append(value)
    if start is None or not any(disjuncts):
        return None
    return [" ".join(words).strip("( )") for words in disjuncts]


def _pragma(tokens: list[tuple[str, str]], words: list[str], piece: str) -> Iterator[Finding]:
    values = [value for _, value in tokens]
    if "=" not in values and ("(" not in values or (len(words) > 1 and words[1].lower() in SAFE_PRAGMAS)):
        return
    grave = "WRITABLE_SCHEMA" in words or "TRUSTED_SCHEMA" in words
    yield (Tier.HIGH if grave else Tier.MEDIUM), "sql.pragma", "changes how the database works", piece


def _calls(words: list[str], piece: str) -> Iterator[Finding]:
    for word in dict.fromkeys(words):
        found = CALLS.get(word.lower())
        if found is not None:
            yield found[0], f"sql.{word.lower()}", found[1], piece

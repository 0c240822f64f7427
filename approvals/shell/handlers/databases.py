"""Database clients: what they run is judged by its statements, wherever the text comes from."""

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import UNKNOWN, is_opaque
from approvals.shell.nosql import judge_mongo, judge_redis
from approvals.shell.options import Reading, read
from approvals.shell.rule import Use
from approvals.shell.uses import apply_use, run_script, run_statements
from kernel.risk import Tier


def client(job: Job) -> None:
    """``psql``, ``mysql``, ``sqlite3``: statements from options, operands, files and standard input."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    dialect = rule.language or label
    if rule.verbs and reading.operands:
        judge.by_table(rule, label, args, call, {})
        return
    found = _options(judge, reading, dialect, call)
    if reading.calm:
        return
    operands = reading.operands
    for word in operands[: 1 if dialect in {"sqlite3", "duckdb"} else None]:
        judge.watch(word, call)
    statements = operands[1:] if dialect in {"sqlite3", "duckdb"} else operands if dialect == "cypher" else []
    for text in statements:
        run_statements(judge, text, call, dialect)
    found = found or bool(statements)
    # A connection that stands in one variable is usual; anything more could be options.
    if reading.uncertain and reading.uncertain != operands[:1]:
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[-1]
        )
    if call.stdin is not None:
        run_statements(judge, call.stdin, call, dialect)
    elif not found:
        judge.add(Tier.MEDIUM, f"{label}.interactive", "opens a database session", " ".join(call.argv))
    _production(judge, call, label)


def _options(judge: Judging, reading: Reading, dialect: str, call: Call) -> bool:
    found = False
    for option, name, value in reading.found:
        if option.tier > Tier.NONE:
            judge.add(option.tier, f"{dialect} {name}", option.why, f"{name} {value or ''}".strip())
        if option.use is not None and value is not None:
            apply_use(judge, option.use, value, call, dialect)
        found = found or option.use in {Use.SQL, Use.SQL_FILE}
    return found


def _production(judge: Judging, call: Call, label: str) -> None:
    """What changes data on production is high; reading there is not a deployment."""
    if judge.walk.worst >= Tier.MEDIUM:
        judge.production(call, label)


def redis(job: Job) -> None:
    """``redis-cli COMMAND`` or commands on standard input."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    for option, name, _ in reading.found:
        if option.tier > Tier.NONE:
            judge.add(option.tier, f"{label} {name}", option.why, name)
    if reading.calm:
        return
    if reading.operands:
        _redis_command(judge, reading.operands)
    elif call.stdin is None:
        if not any(option.use is Use.DATA for option, _, _ in reading.found):
            judge.add(Tier.MEDIUM, f"{label}.interactive", "opens a database session", label)
    elif is_opaque(call.stdin):
        judge.opaque("opaque.redis", "runs commands that are not known beforehand", call.text)
    else:
        for line in call.stdin.splitlines():
            _redis_command(judge, line.split())
    _production(judge, call, label)


def _redis_command(judge: Judging, words: list[str]) -> None:
    if words and is_opaque(words[0]):
        judge.opaque("opaque.redis", "runs a command that is not known beforehand", " ".join(words))
        return
    tier, why = judge_redis(words)
    if tier > Tier.NONE:
        judge.add(tier, f"redis.{words[0].lower()}", why, " ".join(words))


def mongo(job: Job) -> None:
    """``mongosh --eval CODE``, a script file, or code on standard input."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    texts = reading.values("--eval")
    for name in (
        *reading.values("--file", "-f"),
        *(word for word in reading.operands if word.endswith(".js")),
    ):
        run_script(judge, name, call)
    if call.stdin is not None:
        texts.append(call.stdin)
    elif not texts and not reading.calm and not reading.has("--file", "-f"):
        judge.add(Tier.MEDIUM, f"{label}.interactive", "opens a database session", label)
    for text in texts:
        if is_opaque(text):
            judge.opaque("opaque.mongo", "runs code that is not known beforehand", text)
            continue
        for tier, name, why in judge_mongo(text):
            judge.add(tier, name, why, text)
    _production(judge, call, label)


def dump(job: Job) -> None:
    """``pg_restore``, ``mongorestore``: they replace what is there."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is not None and not reading.calm:
        judge.production(call, label)
    if call.stdin == UNKNOWN:
        judge.touch(Effect.READ, "/dev/stdin", call)


FUNCTIONS = {"client": client, "redis": redis, "mongo": mongo, "dump": dump}

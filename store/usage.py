"""What models were used, per session, day and model."""

from collections.abc import Sequence

from kernel.turns import Spending, Usage
from store.units import Query, Unit

INSERT = """
INSERT INTO usage (day, session_id, turn_id, model, requests, input_tokens, output_tokens, cost)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
SUMS = """
SELECT model, sum(requests) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
    sum(cost) AS cost FROM usage
"""
OF_DAY = SUMS + "WHERE day = ? GROUP BY model ORDER BY model"
SINCE = SUMS + "WHERE day >= ? GROUP BY model ORDER BY model"
OF_SESSION = SUMS + "WHERE session_id = ? GROUP BY model ORDER BY model"


def add(tx: Unit, day: str, session_id: str, turn_id: str, usage: Sequence[Usage]) -> None:
    """Record what a turn used; ``day`` is the owner's calendar day, YYYY-MM-DD."""
    for item in usage:
        tx.run(
            INSERT,
            (
                day,
                session_id,
                turn_id,
                item.model,
                item.requests,
                item.input_tokens,
                item.output_tokens,
                item.cost,
            ),
        )


def _rows(q: Query, sql: str, value: str) -> list[Usage]:
    return [
        Usage(row["model"], row["requests"], row["input_tokens"], row["output_tokens"], row["cost"])
        for row in q.all(sql, (value,))
    ]


def of_day(q: Query, day: str) -> list[Usage]:
    """Return a day's usage by model."""
    return _rows(q, OF_DAY, day)


def since(q: Query, day: str) -> list[Usage]:
    """Return the usage by model from a day on."""
    return _rows(q, SINCE, day)


def of_session(q: Query, session_id: str) -> list[Usage]:
    """Return a session's usage by model."""
    return _rows(q, OF_SESSION, session_id)


def spending(q: Query, day: str) -> Spending:
    """Return what was spent on a day."""
    rows = of_day(q, day)
    return Spending(
        sum(row.input_tokens + row.output_tokens for row in rows),
        sum(row.cost or 0.0 for row in rows),
        {row.model: row.cost or 0.0 for row in rows},
    )

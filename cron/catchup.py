"""What is to be done about the times of a schedule that have passed: pure, for the clock and for its tests.

A time that is behind by less than ``late`` simply runs. An older one was missed: by the job's rule it is skipped, the
last of all is made up (where it is not older than the grace), or all are, as far as the limit goes. Whatever is not run
is on record: one row for each stretch of times, with their number.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from cron.rules import Every, Rule, next_after
from kernel.schedules import Missed

# So many times are looked at one by one; what is older is counted roughly and not made up.
MOST = 200
UNBOUNDED = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """How missed times are dealt with; ``late`` and ``grace`` in milliseconds, ``limit`` times to make up at most."""

    missed: Missed
    late: int
    grace: int
    limit: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a schedule ends: at a time (milliseconds) and after so many runs, some of them begun; 0 is never."""

    ends_at: int = 0
    max_runs: int = 0
    runs: int = 0

    @property
    def left(self) -> int:
        """How many runs are left; a large number where nothing bounds them."""
        return max(0, self.max_runs - self.runs) if self.max_runs else UNBOUNDED


@dataclass(frozen=True, slots=True)
class Due:
    """What becomes of the times up to now.

    ``run`` are to run, those that were missed marked by ``made_up``; ``skipped`` (their number) end at ``last``, 0
    where none was. ``next`` is the first time still ahead, ``None`` where there is none.
    """

    run: tuple[int, ...]
    made_up: frozenset[int]
    skipped: int
    last: int
    next: int | None


def look(rule: Rule, zone: ZoneInfo, first: int, now: int, policy: Policy, bounds: Bounds) -> Due:
    """Return what becomes of a schedule's times from ``first``, which has passed, up to ``now``."""
    most = max(MOST, policy.limit)
    passed, earlier = _passed(rule, zone, first, now, most)
    ahead = next_after(rule, zone, now)
    if bounds.ends_at:
        passed = [at for at in passed if at < bounds.ends_at]
        ahead = ahead if ahead is not None and ahead < bounds.ends_at else None
    on_time = [at for at in passed if now - at <= policy.late]
    missed = [at for at in passed if now - at > policy.late]
    # Several times that are on time after all (a short span, a long wait) are one run: nothing is run in a storm.
    made_up = _made_up(missed, now, policy) if not on_time or policy.missed is Missed.ALL else []
    run = [*made_up, *(on_time if policy.missed is Missed.ALL else on_time[-1:])][: bounds.left]
    kept = frozenset(run)
    skipped = [at for at in passed if at not in kept]
    ended = bounds.max_runs and len(run) >= bounds.left
    return Due(
        tuple(run),
        frozenset(at for at in made_up if at in kept),
        len(skipped) + earlier,
        max(skipped, default=0),
        None if ended else ahead,
    )


def _made_up(missed: list[int], now: int, policy: Policy) -> list[int]:
    young = [at for at in missed if now - at <= policy.grace]
    match policy.missed:
        case Missed.SKIP:
            return []
        case Missed.ONCE:
            return young[-1:]
        case Missed.ALL:
            return young[-policy.limit :]


def _passed(rule: Rule, zone: ZoneInfo, first: int, now: int, most: int) -> tuple[list[int], int]:
    """Return the times from ``first`` up to ``now``, the latest of them where they are many, and how many are older."""
    earlier = 0
    if isinstance(rule, Every):
        earlier = max(0, (now - first) // rule.span + 1 - most)
        first += earlier * rule.span
    found = [first]
    while len(found) <= most and (at := next_after(rule, zone, found[-1])) is not None and at <= now:
        found.append(at)
    if len(found) > most:
        # Years of minutes: the last of them are looked for from behind; the others are what fits between.
        return _latest(rule, zone, found, now, most)
    return found, earlier


def _latest(rule: Rule, zone: ZoneInfo, found: list[int], now: int, most: int) -> tuple[list[int], int]:
    """Return the last times up to ``now``, and about how many lie before them."""
    spacing = max(1, (found[-1] - found[0]) // (len(found) - 1))
    span = spacing * most // 2
    late: list[int] = []
    while not late and span < now - found[0]:
        at = next_after(rule, zone, max(found[-1], now - span))
        while at is not None and at <= now and len(late) < most:
            late.append(at)
            at = next_after(rule, zone, at)
        span *= 2
    between = max(0, (late[0] - found[-1]) // spacing - 1) if late else 0
    return late or found, (len(found) + between) if late else 0

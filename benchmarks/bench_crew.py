"""What a decision about an assignment and a replay cost: ``python -m benchmarks crew``."""

import random
import statistics
import time

from benchmarks import report
from board import assigner, replay
from board.crew.profiles import Profile, Roster
from board.settings import BoardSettings
from store import crew
from tests.support.board import MemoryBoard

AGENTS, TASKS, EVENTS, ROUNDS = 200, 10_000, 10_000, 50
SKILLS = [f"skill-{number}" for number in range(20)]


def roster(choice: random.Random) -> Roster:
    """Return a crew, each with four of twenty skills."""
    names = [f"agent-{number}" for number in range(AGENTS)]
    return Roster({name: Profile(name, name, skills=tuple(choice.sample(SKILLS, 4))) for name in names})


def assignment() -> float:
    """Return the median milliseconds of a decision with many agents and open tasks."""
    choice, board = random.Random(1), MemoryBoard(BoardSettings(host="here"))
    staff = roster(choice)
    for name in staff.profiles:
        board.run(crew.count, name, finished=choice.randrange(20), approved=choice.randrange(10))
    ids = [board.add(skills=tuple(choice.sample(SKILLS, 2)), project="/p") for _ in range(TASKS)]
    taken: list[float] = []
    for id in ids[:ROUNDS]:
        began = time.perf_counter()
        board.run(assigner.assign, board.settings, staff, id)
        taken.append((time.perf_counter() - began) * 1000)
    # The same with nearly everything given away, which is what the workload is counted over.
    board.run(
        lambda tx: tx.run(
            "UPDATE task SET assignee = 'agent-' || (id % 200), state = 'assigned' WHERE id BETWEEN 101 AND 8999"
        )
    )
    for id in ids[9000 : 9000 + ROUNDS]:
        began = time.perf_counter()
        board.run(assigner.assign, board.settings, staff, id)
        taken.append((time.perf_counter() - began) * 1000)
    board.close()
    return max(statistics.median(taken[:ROUNDS]), statistics.median(taken[ROUNDS:]))


def replaying() -> float:
    """Return the milliseconds of a replay of a task with many events."""
    board = MemoryBoard(BoardSettings(host="here"))
    id = board.add()
    for number in range(EVENTS):
        board.run(
            lambda tx, number=number: tx.emit("task.milestone", str(id), number=number, sort="named", epoch=1)
        )
    began = time.perf_counter()
    board.read(replay.replay, id)
    taken = (time.perf_counter() - began) * 1000
    board.close()
    return taken


def rows() -> list[report.Row]:
    """Measure both, on a database in memory."""
    given = f"crew: an assignment over {AGENTS} agents and {TASKS:,} open tasks"
    return [
        report.at_most(given, assignment(), "ms", 20),
        report.at_most(f"crew: a replay of {EVENTS:,} events", replaying(), "ms", 100),
    ]


if __name__ == "__main__":
    report.show(rows())

"""The crew on a board in memory: stages, reviews, experience, assignment, handoffs, and the trail of it all."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from board import assigner, deciding, explain, replay, working
from board.creating import Edit, Wanted, create, edit
from board.crew import choosing, plans, profiles, rules
from board.dispatcher import agent_for
from board.review import Decision
from board.workers import endings
from kernel.errors import AccessDenied, ConfigError, InvalidInput, Stale
from kernel.states import TaskState, TurnState
from kernel.tasks import AttemptOutcome, Brief, Used
from store import agent_handoffs, crew, submissions, tasks, trail
from store.agentwork import AgentTurn
from store.crew import Standing
from store.tasks import New, parse_queue
from tests.support.crew import PLANS, ROSTER, CrewBoard


@pytest.fixture
def board() -> Iterator[CrewBoard]:
    made = CrewBoard()
    yield made
    made.close()


def test_an_essay_passes_from_agent_to_agent_and_ends_in_a_review(board: CrewBoard) -> None:
    id = board.essay()
    seen = []
    for _ in range(3):
        epoch = board.begin(id)
        seen.append((board.task(id).state, board.task(id).assignee))
        board.run(working.finish, id, epoch, "done", Used())
    assert seen == [
        (TaskState.RESEARCHING, "researcher"),
        (TaskState.DRAFTING, "essayist"),
        (TaskState.EDITING, "editor"),
    ]
    assert board.task(id).state is TaskState.IN_REVIEW
    (child,) = board.rows("SELECT assignee, template, state FROM task WHERE parent_id = ?", id)
    assert child == {"assignee": "reviewer", "template": "review", "state": "assigned"}


def test_approved_work_brings_experience_once_to_everybody_who_carried_it(board: CrewBoard) -> None:
    id = board.submitted()
    board.judge(id, Decision.APPROVE)
    found = board.read(crew.awards, id)
    assert [one.agent for one in found] == ["editor", "essayist", "researcher"]
    for one in found:
        assert one.xp == sum(points for _, points in one.terms) == 50 * 3 + 25 + 15
    assert board.read(crew.standing, "editor").xp == 190
    with pytest.raises(Stale):
        board.judge(id, Decision.APPROVE)
    assert board.read(crew.standing, "editor").finished == 1


def test_whoever_worked_on_a_task_does_not_review_it(board: CrewBoard) -> None:
    id = board.submitted()
    for agent in ("researcher", "essayist", "editor"):
        for decision in Decision:
            with pytest.raises(AccessDenied):
                board.judge(id, decision, by=agent)
    assert board.task(id).state is TaskState.IN_REVIEW


def test_of_two_reviewers_the_second_is_told_to_look_again(board: CrewBoard) -> None:
    id = board.submitted()
    board.judge(id, Decision.CHANGES, by="web:first", version=1)
    with pytest.raises(Stale):
        board.judge(id, Decision.APPROVE, by="web:second", version=1)
    board.work(id)
    with pytest.raises(Stale):
        board.judge(id, Decision.APPROVE, by="web:second", version=1)
    assert board.judge(id, Decision.APPROVE, by="web:second", version=2).state is TaskState.DONE


def test_a_person_who_is_quicker_withdraws_the_review_of_an_agent(board: CrewBoard) -> None:
    id = board.submitted()
    board.judge(id, Decision.APPROVE)
    (child,) = board.rows("SELECT state FROM task WHERE parent_id = ?", id)
    assert child["state"] == "cancelled"


def test_changes_come_back_point_by_point_and_after_three_rounds_a_person_decides(board: CrewBoard) -> None:
    id = board.submitted()
    for round_ in range(1, 4):
        back = board.judge(id, Decision.CHANGES)
        assert (back.state, back.revision, back.assignee) == (TaskState.CHANGES_REQUESTED, round_, "editor")
        assert "1. the first line" in board.read(tasks.brief, id).feedback
        board.work(id)
    assert board.task(id).state is TaskState.NEEDS_HUMAN
    assert board.findings() == []
    (newest,) = board.read(submissions.waiting)
    assert (newest.version, newest.reviewer) == (4, "")
    assert board.judge(id, Decision.APPROVE).state is TaskState.DONE
    assert board.read(crew.standing, "editor").changes == 3


def test_a_review_that_waits_for_a_person_is_no_stray_and_can_be_assigned_anew(board: CrewBoard) -> None:
    id = board.submitted()
    for _ in range(3):
        board.judge(id, Decision.CHANGES)
        board.work(id)
    assert board.read(tasks.strays, TaskState.NEEDS_HUMAN) == []
    with pytest.raises(Stale):
        board.run(deciding.work, id, TaskState.EDITING, actor="cli")
    board.run(deciding.assign, id, "essayist", "", actor="cli")
    with pytest.raises(Stale):
        board.judge(id, Decision.APPROVE)
    board.work(id)
    assert board.task(id).state is TaskState.NEEDS_HUMAN
    assert board.findings() == []


def test_rejected_work_goes_to_somebody_else(board: CrewBoard) -> None:
    id = board.run(
        create,
        board.settings,
        Wanted(New("a job", "agent", "", "reviewed", "cli", assignee="coder"), Brief()),
        actor="cli",
    ).id
    board.work(id)
    task = board.judge(id, Decision.REJECT)
    assert (task.state, task.assignee != "coder", task.assignee != "") == (TaskState.ASSIGNED, True, True)
    assert board.read(crew.standing, "coder").rejected == 1


def test_rejected_work_that_nobody_else_can_do_stays_open_with_the_reason(board: CrewBoard) -> None:
    id = board.submitted()
    task = board.judge(id, Decision.REJECT)
    assert (task.state, task.assignee) == (TaskState.OPEN, "")
    made = board.read(crew.assignment, id)
    assert made is not None
    assert "editor a review has rejected its work" in made.reason


def test_a_task_goes_to_whoever_has_its_skills_and_the_terms_sum_to_the_score(board: CrewBoard) -> None:
    id = board.add(skills=("coding",))
    task = board.run(assigner.assign, board.settings, ROSTER, id)
    assert (task.state, task.assignee) == (TaskState.ASSIGNED, "coder")
    made = board.read(crew.assignment, id)
    assert made is not None
    assert made.score == pytest.approx(sum(points for _, points in made.terms))


def test_with_nobody_suitable_a_task_stays_open_and_says_why(board: CrewBoard) -> None:
    id = board.add(skills=("alchemy",))
    task = board.run(assigner.assign, board.settings, ROSTER, id)
    assert task.state is TaskState.OPEN
    made = board.read(crew.assignment, id)
    assert made is not None
    assert "coder lacks alchemy" in made.reason


def test_workload_reputation_and_the_project_decide_between_equals(board: CrewBoard) -> None:
    twins = profiles.Roster(
        {name: profiles.Profile(name, name, skills=("coding",)) for name in ("ada", "bob")}
    )
    seen = choosing.Scene({"bob": Standing("bob", approved=5)}, {}, {}, {})
    asked = choosing.Wanted(frozenset({"coding"}), "", frozenset())
    assert choosing.candidates(twins, asked, seen)[0].agent == "bob"
    busy = choosing.Scene(seen.standings, {}, {"bob": 3}, {})
    assert choosing.candidates(twins, asked, busy)[0].agent == "ada"
    known = choosing.Scene(seen.standings, {}, {"bob": 3}, {"bob": 5})
    assert choosing.candidates(twins, asked, known)[0].agent == "bob"


def test_three_finished_tasks_unlock_a_skill(board: CrewBoard) -> None:
    for _ in range(3):
        id = board.add(skills=("alchemy",), assignee="coder")
        assert "coder" not in board.read(crew.unlocked)
        board.work(id)
    assert board.read(crew.unlocked) == {"coder": frozenset({"alchemy"})}
    id = board.add(skills=("alchemy",))
    assert board.run(assigner.assign, board.settings, ROSTER, id).assignee == "coder"


def test_reputation_stays_within_its_bounds_and_its_terms_sum_to_it() -> None:
    for counts in ({}, {"approved": 99, "finished": 99}, {"rejected": 99, "failures": 99}):
        terms = rules.reputation(Standing("x", **counts))
        assert 0 <= rules.total(terms) <= 100
    assert rules.total(rules.reputation(Standing("x"))) == 50


@pytest.mark.parametrize(
    ("xp", "level"), [(0, 1), (99, 1), (100, 2), (500, 3), (1500, 4), (4999, 4), (5000, 5)]
)
def test_levels_begin_where_the_rules_say(xp: int, level: int) -> None:
    assert rules.level_of(xp).number == level


def test_a_handoff_carries_everything_and_can_be_replayed(board: CrewBoard) -> None:
    id = board.essay()
    epoch = board.begin(id)
    board.run(working.hand_off, id, epoch, "coder", "half of it", Used())
    before = board.task(id)
    (passed,) = board.read(agent_handoffs.of_task, id)
    assert (passed.id, passed.sender, passed.receiver, passed.summary) == (
        f"h{id}-1",
        "researcher",
        "coder",
        "half of it",
    )
    board.work(id)
    assert board.read(replay.passed, f"h{id}-1").handoff == passed
    then = board.read(replay.replay, id, passed.seq).snapshot
    assert (then.state, then.assignee, then.epoch, then.stage) == (
        str(before.state),
        "coder",
        before.epoch,
        0,
    )
    now, task = board.read(replay.replay, id).snapshot, board.task(id)
    assert (now.state, now.assignee, now.stage, now.handoffs) == (str(task.state), "essayist", 1, 2)


def test_failures_cost_reputation_and_the_streak(board: CrewBoard) -> None:
    board.work(board.add(assignee="coder"))
    id = board.add(assignee="coder")
    epoch = board.begin(id)
    board.run(deciding.end_attempt, board.task(id), AttemptOutcome.CANCELLED, "cancelled", actor="cli")
    assert board.read(crew.standing, "coder").streak == 1
    board.fail(board.add(), AttemptOutcome.CRASHED)
    assert board.read(crew.standing, "hermes").failures == 1
    assert epoch == 1


def test_a_profile_of_ones_own_replaces_a_shipped_one(tmp_path: Any) -> None:
    (tmp_path / "coder.toml").write_text('name = "coder"\nskills = ["rust"]\ntools = ["read_file"]\n')
    roster = profiles.load(tmp_path)
    assert roster.profiles["coder"].skills == ("rust",)
    assert set(roster.profiles) == set(ROSTER.profiles)


@pytest.mark.parametrize(
    "text",
    [
        "name = 5",
        'name = "x"\nwage = 3',
        'name = "x"\nskills = "one"',
        "not toml at",
        'name = "x"\nlane = "manual"',
        'name = "x"\nlane = "acp:"',
    ],
)
def test_a_profile_that_cannot_be_read_is_named_with_what_is_wrong(text: str, tmp_path: Any) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        profiles.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        'name = "x"',
        'name = "simple"\n[[stage]]\nphase = "drafting"',
        'name = "x"\n[[stage]]\nphase = "dreaming"',
        'name = "x"\nsize = 3\n[[stage]]\nphase = "drafting"',
        'name = "x"\ncomplexity = 9\n[[stage]]\nphase = "drafting"',
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_what_is_wrong(text: str, tmp_path: Any) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        plans.load(tmp_path)


def test_a_review_needs_a_summary(board: CrewBoard) -> None:
    id = board.add(template="reviewed")
    board.begin(id)
    with pytest.raises(InvalidInput, match="say what was done"):
        board.run(deciding.submit, id, actor="web:owner")
    task = board.run(deciding.submit, id, actor="web:owner", summary="All of it.")
    assert task.state is TaskState.IN_REVIEW
    (version,) = board.read(submissions.waiting)
    assert (version.summary, version.notes, version.reviewer) == ("All of it.", "", "")


def test_the_chosen_reviewer_has_the_review_at_once(board: CrewBoard) -> None:
    id = board.add(template="reviewed")
    board.begin(id)
    board.run(deciding.submit, id, actor="web:owner", summary="All of it.", reviewer="editor")
    (child,) = board.rows("SELECT assignee, template, state FROM task WHERE parent_id = ?", id)
    assert child == {"assignee": "editor", "template": "review", "state": "assigned"}


def test_people_can_be_chosen_in_the_place_of_the_templates_reviewer_and_a_contributor_cannot(
    board: CrewBoard,
) -> None:
    id = board.essay()
    board.work(id)
    board.begin(id)
    with pytest.raises(AccessDenied):
        board.run(deciding.submit, id, actor="web:owner", summary="Enough.", reviewer="researcher")
    board.run(deciding.submit, id, actor="web:owner", summary="Enough.", reviewer="people")
    (version,) = board.read(submissions.waiting)
    assert version.reviewer == ""


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"capabilities": ("gpu",)}, "this machine has no gpu"),
        ({"host": "elsewhere"}, "it may run on elsewhere only"),
    ],
)
def test_a_task_that_this_machine_may_not_do_stays_open_and_says_why(
    board: CrewBoard, texts: dict[str, Any], reason: str
) -> None:
    id = board.add(skills=("coding",), **texts)
    assert board.run(assigner.assign, board.settings, ROSTER, id).state is TaskState.OPEN
    made = board.read(crew.assignment, id)
    assert made is not None
    assert reason in made.reason
    assert reason in "".join(board.read(explain.explain, board.settings, board.now, id))


def test_a_replay_shows_what_the_task_said_at_each_event(board: CrewBoard) -> None:
    id = board.add("first", description="one", skills=("coding",))
    created = board.read(replay.replay, id).snapshot.seq
    for title, said in (("second", "two"), ("third", "three")):
        board.run(edit, id, Edit({"title": title}, {"description": said}), actor="cli")
    texts = [
        board.read(replay.replay, id, seq).texts
        for seq in [created, *(one.seq for one in board.read(trail.steps, id) if one.kind == "task.change")]
    ]
    assert [(one.title, one.description) for one in texts] == [
        ("first", "one"),
        ("second", "two"),
        ("third", "three"),
    ]
    assert board.read(replay.replay, id).texts.skills == ["coding"]


def test_an_edited_task_still_asks_for_the_skills_of_its_stage(board: CrewBoard) -> None:
    id = board.essay()
    board.run(edit, id, Edit({"title": "another"}, {}), actor="cli")
    (row,) = board.rows("SELECT queue FROM task WHERE id = ?", id)
    assert "research" in row["queue"]


def test_an_agent_chooses_its_reviewer_with_what_it_submits(board: CrewBoard) -> None:
    submitted = json.dumps({"summary": "All of it.", "outcome": "done", "reviewer": "editor"})
    turn = AgentTurn("t", "s", TurnState.DONE, "", "Goodbye.")
    ended = endings.ending(turn, submitted, Used())
    assert (ended.result, ended.reviewer) == ("All of it.", "editor")
    for reviewer, asked in (("editor", "editor"), ("coder", ""), ("people", "")):
        id = board.add(template="reviewed", assignee="coder")
        board.run(working.finish, id, board.begin(id), "All of it.", Used(), reviewer=reviewer)
        assert board.read(submissions.get, id, 1).reviewer == asked


def test_a_profile_brings_its_lane_wherever_work_is_given_to_it(board: CrewBoard, tmp_path: Any) -> None:
    (tmp_path / "claude.toml").write_text('name = "claude"\nskills = ["porting"]\nlane = "acp:claude"\n')
    (tmp_path / "brush.toml").write_text('name = "brush"\nskills = ["painting"]\nlane = "process"\n')
    roster = profiles.load(tmp_path)
    for skill, name, lane in (("porting", "claude", "acp:claude"), ("painting", "brush", "process")):
        task = board.run(assigner.assign, board.settings, roster, board.add(skills=(skill,)))
        assert (task.assignee, task.lane) == (name, lane)
    stages = (plans.Stage("drafting", "claude"), plans.Stage("editing", "editor"))
    plan = plans.staffed(plans.Plan("port", "", stages), roster)
    new = New("a port", "acp:claude", "", "port", "cli", assignee="claude")
    id = board.run(create, board.settings, Wanted(new, Brief(), plan=plan), actor="cli").id
    (row,) = board.rows("SELECT queue FROM task WHERE id = ?", id)
    assert agent_for(board.settings, parse_queue(row["queue"]), {}, roster.places(2)) == "claude"
    task = board.work(id)
    assert (task.assignee, task.lane) == ("editor", "agent")
    assert {one.lane for one in plans.staffed(PLANS.by_name["essay"], roster).stages} == {""}

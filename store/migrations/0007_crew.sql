-- The crew: how far a task is in its template, its reviews, handoffs between agents, and what agents have earned.

-- The plan is a copy: a template's file that changes later changes no task that has begun.
CREATE TABLE task_plan (
    task_id INTEGER PRIMARY KEY REFERENCES task (id),
    plan TEXT NOT NULL,
    stage INTEGER NOT NULL DEFAULT 0 CHECK (stage >= 0),
    -- What this task is the review of, and of which version; 0 where it is none.
    reviews_id INTEGER NOT NULL DEFAULT 0,
    reviews_version INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What was put up for review, each version kept with its verdict.
CREATE TABLE submission (
    task_id INTEGER NOT NULL REFERENCES task (id),
    version INTEGER NOT NULL,
    summary TEXT NOT NULL,
    notes TEXT NOT NULL,
    author TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    -- The agent who was asked, or empty where people are.
    reviewer TEXT NOT NULL,
    -- {file name: version}, as it was then.
    files TEXT NOT NULL,
    verdict TEXT NOT NULL DEFAULT '' CHECK (verdict IN ('', 'approved', 'rejected', 'changes')),
    decided_by TEXT NOT NULL DEFAULT '',
    feedback TEXT NOT NULL DEFAULT '',
    points TEXT NOT NULL DEFAULT '[]',
    at INTEGER NOT NULL,
    decided_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX submission_open ON submission (task_id, version) WHERE verdict = '';

-- A task on its way from one agent to another, with all it carries.
CREATE TABLE agent_handoff (
    id TEXT PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    epoch INTEGER NOT NULL,
    -- The number of the event that tells of it.
    seq INTEGER NOT NULL,
    sender TEXT NOT NULL,
    receiver TEXT NOT NULL,
    stage INTEGER NOT NULL,
    summary TEXT NOT NULL,
    notes TEXT NOT NULL,
    session_id TEXT NOT NULL,
    -- The last entry of the conversation, or empty.
    entry_id TEXT NOT NULL,
    files TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX agent_handoff_task ON agent_handoff (task_id, seq);

-- What an agent has got for a task: once.
CREATE TABLE award (
    task_id INTEGER NOT NULL REFERENCES task (id),
    agent TEXT NOT NULL,
    xp INTEGER NOT NULL,
    terms TEXT NOT NULL,
    project TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (task_id, agent)
) STRICT, WITHOUT ROWID;
CREATE INDEX award_agent ON award (agent, at);
CREATE INDEX award_at ON award (at);
CREATE INDEX award_project ON award (project, agent) WHERE project <> '';

-- Counts of what became of an agent's work, from which reputation and badges follow.
CREATE TABLE standing (
    agent TEXT PRIMARY KEY,
    xp INTEGER NOT NULL DEFAULT 0,
    finished INTEGER NOT NULL DEFAULT 0,
    approved INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    fast INTEGER NOT NULL DEFAULT 0,
    reviews INTEGER NOT NULL DEFAULT 0,
    streak INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE badge (
    agent TEXT NOT NULL,
    badge TEXT NOT NULL,
    task_id INTEGER NOT NULL REFERENCES task (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (agent, badge)
) STRICT, WITHOUT ROWID;

-- Finished tasks that asked for a skill: evidence that an agent has it.
CREATE TABLE evidence (
    agent TEXT NOT NULL,
    skill TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    unlocked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (agent, skill)
) STRICT, WITHOUT ROWID;

-- Why a task was given to an agent, or to none.
CREATE TABLE assignment (
    task_id INTEGER PRIMARY KEY REFERENCES task (id),
    agent TEXT NOT NULL,
    score REAL NOT NULL,
    terms TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX task_assignee ON task (assignee) WHERE assignee <> '' AND state NOT IN ('done', 'cancelled', 'failed');

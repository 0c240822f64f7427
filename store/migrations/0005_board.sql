-- The board: tasks, their executions, what they wait for, and what was said and made meanwhile.

-- What moves stands here, so that a move rewrites a short row; the texts are in task_brief.
CREATE TABLE task (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('triage', 'open', 'blocked', 'assigned', 'claimed', 'in_progress',
        'researching', 'drafting', 'editing', 'needs_human', 'in_review', 'changes_requested', 'done', 'failed',
        'cancelled')),
    title TEXT NOT NULL,
    lane TEXT NOT NULL,
    assignee TEXT NOT NULL DEFAULT '',
    template TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    -- Who may take it, as one key: a dispatcher looks at the head of each queue it serves and at nothing else.
    queue TEXT NOT NULL,
    not_before INTEGER NOT NULL DEFAULT 0,
    unmet INTEGER NOT NULL DEFAULT 0 CHECK (unmet >= 0),
    epoch INTEGER NOT NULL DEFAULT 0,
    parent_id INTEGER REFERENCES task (id),
    root_id INTEGER REFERENCES task (id),
    revision INTEGER NOT NULL DEFAULT 0,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    last_failure_error TEXT NOT NULL DEFAULT '',
    last_failure_outcome TEXT NOT NULL DEFAULT '' CHECK (last_failure_outcome IN ('', 'failed', 'timed_out', 'crashed',
        'lost', 'spawn_failed')),
    tree_failures INTEGER NOT NULL DEFAULT 0,
    tree_size INTEGER NOT NULL DEFAULT 1,
    failure_limit INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    budget_attempts INTEGER NOT NULL DEFAULT 0,
    budget_ms INTEGER NOT NULL DEFAULT 0,
    budget_tokens INTEGER NOT NULL DEFAULT 0,
    budget_money REAL NOT NULL DEFAULT 0,
    used_ms INTEGER NOT NULL DEFAULT 0,
    used_tokens INTEGER NOT NULL DEFAULT 0,
    used_money REAL NOT NULL DEFAULT 0,
    max_run_ms INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL DEFAULT 0,
    return_state TEXT NOT NULL DEFAULT '',
    question TEXT NOT NULL DEFAULT '',
    block_kind TEXT NOT NULL DEFAULT '' CHECK (block_kind IN ('', 'dependencies', 'owner')),
    block_reason TEXT NOT NULL DEFAULT '',
    block_owner TEXT NOT NULL DEFAULT '',
    -- The last reason it was blocked for, so that the same one is noticed when it comes again.
    block_mark TEXT NOT NULL DEFAULT '',
    session_id TEXT REFERENCES session (id),
    times TEXT NOT NULL DEFAULT '{}',
    entered_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX task_ready ON task (queue, priority DESC, id)
    WHERE state IN ('open', 'assigned', 'changes_requested') AND not_before = 0;
CREATE INDEX task_later ON task (not_before)
    WHERE state IN ('open', 'assigned', 'changes_requested') AND not_before > 0;
CREATE INDEX task_unfinished ON task (state, entered_at) WHERE state NOT IN ('done', 'cancelled');
CREATE INDEX task_failing ON task (id) WHERE consecutive_failures >= 2;
CREATE INDEX task_parent ON task (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX task_root ON task (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX task_session ON task (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE task_brief (
    task_id INTEGER PRIMARY KEY REFERENCES task (id),
    description TEXT NOT NULL,
    acceptance TEXT NOT NULL,
    skills TEXT NOT NULL,
    labels TEXT NOT NULL,
    project TEXT NOT NULL,
    workspace TEXT NOT NULL CHECK (workspace IN ('none', 'directory', 'worktree')),
    host TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    -- [platform, account, chat, thread]
    origin TEXT,
    place TEXT,
    behalf TEXT NOT NULL,
    result TEXT NOT NULL DEFAULT '',
    feedback TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE dependency (
    task_id INTEGER NOT NULL REFERENCES task (id),
    needs_id INTEGER NOT NULL REFERENCES task (id),
    PRIMARY KEY (task_id, needs_id),
    CHECK (task_id <> needs_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependency_needed ON dependency (needs_id, task_id);

CREATE TABLE attempt (
    task_id INTEGER NOT NULL REFERENCES task (id),
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('claimed', 'running', 'waiting', 'succeeded', 'failed', 'timed_out', 'crashed',
        'lost', 'spawn_failed', 'released', 'handed_off', 'cancelled')),
    lane TEXT NOT NULL,
    agent TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL DEFAULT 0,
    pid_mark TEXT NOT NULL DEFAULT '',
    session_id TEXT REFERENCES session (id),
    inbox_id INTEGER NOT NULL DEFAULT 0,
    workspace TEXT NOT NULL DEFAULT '',
    log TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    tokens INTEGER NOT NULL DEFAULT 0,
    money REAL NOT NULL DEFAULT 0,
    claimed_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0,
    active_at INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL DEFAULT 0,
    left_ms INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (task_id, epoch)
) STRICT, WITHOUT ROWID;
-- A task has one live lease at a time.
CREATE UNIQUE INDEX attempt_live ON attempt (task_id) WHERE state IN ('claimed', 'running', 'waiting');
CREATE INDEX attempt_session ON attempt (session_id, inbox_id) WHERE session_id IS NOT NULL;

-- What a task went through: named by its worker, or derived from what happened.
CREATE TABLE milestone (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('named', 'plan', 'commit', 'tests')),
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX milestone_task ON milestone (task_id, id);

CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX comment_task ON comment (task_id, id);

-- Files of a task: what came with it (attachment) and what was made (artifact), each version kept.
CREATE TABLE artifact (
    task_id INTEGER NOT NULL REFERENCES task (id),
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('attachment', 'artifact')),
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    author TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (task_id, name, version)
) STRICT, WITHOUT ROWID;

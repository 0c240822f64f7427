-- Scheduled jobs, and one row for each of their instants.

CREATE TABLE schedule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'over', 'deleted')),
    -- On whose behalf it runs; their rights are looked up at every run.
    owner TEXT NOT NULL,
    -- [platform, account, chat, thread] of where it was made, or NULL.
    origin TEXT,
    -- cron:…, every:…, days:…, at:… or after:…; see cron/rules.py.
    rule TEXT NOT NULL,
    zone TEXT NOT NULL,
    -- What it does; see kernel/schedules.py.
    job TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('prompt', 'script', 'task', 'recipe', 'reminder')),
    -- The job whose end is its time, or NULL.
    after_id INTEGER REFERENCES schedule (id),
    instant INTEGER,
    next_at INTEGER,
    starts_at INTEGER NOT NULL DEFAULT 0,
    ends_at INTEGER NOT NULL DEFAULT 0,
    max_runs INTEGER NOT NULL DEFAULT 0,
    runs INTEGER NOT NULL DEFAULT 0,
    thread TEXT,
    session_id TEXT REFERENCES session (id),
    cursor TEXT NOT NULL DEFAULT '',
    failures INTEGER NOT NULL DEFAULT 0,
    paused_why TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX schedule_name ON schedule (lower(name)) WHERE state <> 'deleted';
-- The clock looks at the head of this index and at nothing else.
CREATE INDEX schedule_next ON schedule (next_at) WHERE state = 'active' AND next_at IS NOT NULL;
CREATE INDEX schedule_after ON schedule (after_id) WHERE after_id IS NOT NULL AND state = 'active';

CREATE TABLE fire (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule_id INTEGER NOT NULL REFERENCES schedule (id),
    instant INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'claimed', 'running', 'waiting', 'done', 'failed', 'skipped', 'missed',
        'lost', 'cancelled')),
    manual INTEGER NOT NULL DEFAULT 0 CHECK (manual IN (0, 1)),
    late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),
    ready_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    session_id TEXT REFERENCES session (id),
    inbox_id INTEGER REFERENCES inbox (id),
    approval_id TEXT REFERENCES approval (id),
    result TEXT NOT NULL DEFAULT '',
    files TEXT NOT NULL DEFAULT '[]',
    error TEXT NOT NULL DEFAULT '',
    -- Set while its result is not owed to anybody yet.
    deliver_at INTEGER,
    missed INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL DEFAULT 0,
    ended_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (schedule_id, instant)
) STRICT;
CREATE INDEX fire_due ON fire (ready_at) WHERE state = 'due';
CREATE INDEX fire_open ON fire (schedule_id, state) WHERE state IN ('due', 'claimed', 'running', 'waiting');
CREATE INDEX fire_held ON fire (deliver_at) WHERE deliver_at IS NOT NULL;
CREATE INDEX fire_ended ON fire (ended_at) WHERE ended_at > 0;
CREATE INDEX fire_inbox ON fire (inbox_id) WHERE inbox_id IS NOT NULL;

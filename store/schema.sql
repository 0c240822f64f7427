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

CREATE TABLE approval (
    -- 128 random bits in hexadecimal: it is in every button.
    id TEXT PRIMARY KEY,
    -- What a person types, unique among those that still matter.
    short TEXT NOT NULL,
    session_id TEXT REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id),
    call_key TEXT,
    requester TEXT NOT NULL,
    behalf TEXT NOT NULL,
    -- [platform, account, chat, thread], or NULL for a program that asks.
    origin TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('terminal', 'file', 'request', 'mcp', 'send', 'config', 'question')),
    tool TEXT NOT NULL,
    action TEXT NOT NULL,
    digest TEXT NOT NULL,
    tier INTEGER NOT NULL CHECK (tier BETWEEN 1 AND 3),
    reasons TEXT NOT NULL,
    consequence TEXT NOT NULL,
    runs TEXT NOT NULL CHECK (runs IN ('here', 'asker')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'held', 'approved', 'running', 'done', 'refused', 'expired', 'void',
        'unknown', 'cancelled')),
    needed INTEGER NOT NULL DEFAULT 1 CHECK (needed >= 1),
    -- The low tier's clock: milliseconds left, and since when it runs (NULL: it stands).
    veto_left INTEGER,
    veto_since INTEGER,
    escalation INTEGER NOT NULL DEFAULT 0,
    escalate_at INTEGER,
    -- A one-time code that a second channel received, hashed, and how many wrong ones were typed.
    code_hash BLOB,
    code_tries INTEGER NOT NULL DEFAULT 0,
    decided_by TEXT NOT NULL DEFAULT '',
    decided_name TEXT NOT NULL DEFAULT '',
    decided_how TEXT NOT NULL DEFAULT '' CHECK (decided_how IN ('', 'once', 'session', 'always', 'run_now', 'refuse',
        'auto')),
    decided_at INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '',
    exit_code INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    supersedes TEXT REFERENCES approval (id)
) STRICT;

CREATE TABLE approval_card (
    outbox_id INTEGER PRIMARY KEY REFERENCES outbox (id),
    approval_id TEXT NOT NULL REFERENCES approval (id)
) STRICT;

CREATE TABLE approval_vote (
    approval_id TEXT NOT NULL REFERENCES approval (id),
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    voted_at INTEGER NOT NULL,
    PRIMARY KEY (approval_id, principal)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE assignment (
    task_id INTEGER PRIMARY KEY REFERENCES task (id),
    agent TEXT NOT NULL,
    score REAL NOT NULL,
    terms TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

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

CREATE TABLE award (
    task_id INTEGER NOT NULL REFERENCES task (id),
    agent TEXT NOT NULL,
    xp INTEGER NOT NULL,
    terms TEXT NOT NULL,
    project TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (task_id, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE badge (
    agent TEXT NOT NULL,
    badge TEXT NOT NULL,
    task_id INTEGER NOT NULL REFERENCES task (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (agent, badge)
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
    key TEXT PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE REFERENCES session (id),
    bound_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE chat (
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    title TEXT NOT NULL,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    moved_to TEXT,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (platform, account, chat)
) STRICT, WITHOUT ROWID;

CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE conversation (
    id TEXT PRIMARY KEY,
    revision TEXT NOT NULL,
    head_id TEXT,
    scope TEXT,
    record TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE departed (
    key TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    left_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE dependency (
    task_id INTEGER NOT NULL REFERENCES task (id),
    needs_id INTEGER NOT NULL REFERENCES task (id),
    PRIMARY KEY (task_id, needs_id),
    CHECK (task_id <> needs_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL REFERENCES conversation (id),
    parent_id TEXT REFERENCES entry (id),
    position INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE evidence (
    agent TEXT NOT NULL,
    skill TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    unlocked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (agent, skill)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE "grant" (
    id TEXT PRIMARY KEY,
    -- NULL: in every session.
    session_id TEXT REFERENCES session (id),
    kind TEXT NOT NULL CHECK (kind IN ('terminal', 'file', 'request', 'mcp', 'send', 'config')),
    tool TEXT NOT NULL,
    reach TEXT NOT NULL CHECK (reach IN ('exact', 'target')),
    key TEXT NOT NULL,
    pattern TEXT NOT NULL,
    tier INTEGER NOT NULL CHECK (tier BETWEEN 1 AND 2),
    approval_id TEXT NOT NULL REFERENCES approval (id),
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revoked_by TEXT NOT NULL DEFAULT '',
    uses INTEGER NOT NULL DEFAULT 0,
    used_at INTEGER
) STRICT;

CREATE TABLE home_channel (
    platform TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    dedup_key TEXT NOT NULL,
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'edit', 'delete', 'tap', 'migrate', 'internal')),
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    addressed INTEGER NOT NULL CHECK (addressed IN (0, 1)),
    text TEXT NOT NULL,
    attachments TEXT NOT NULL DEFAULT '[]',
    -- reply_to, group, tap, tap_id: what the rings need besides the text.
    extra TEXT NOT NULL DEFAULT '{}',
    -- What Hermes says to the agent beside the text: an edit after the fact, an attachment that was not kept.
    note TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('received', 'queued', 'running', 'done', 'ignored', 'cancelled', 'dead')),
    session_id TEXT REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    sent_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (platform, account, dedup_key)
) STRICT;

CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE migration (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE milestone (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES task (id),
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('named', 'plan', 'commit', 'tests')),
    text TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE note (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    text TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- One row per owed piece: turn:ID:part, card:ID, notice:ID; committing it twice changes nothing.
    dedup_key TEXT NOT NULL UNIQUE,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'file', 'edit')),
    priority INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- buttons, reply_to, replaces, file, file_name, silent.
    extra TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'uncertain', 'dead', 'cancelled')),
    session_id TEXT REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id),
    attempts INTEGER NOT NULL DEFAULT 0,
    -- 1 when a second sending after an uncertain one was marked as such.
    resent INTEGER NOT NULL DEFAULT 0 CHECK (resent IN (0, 1)),
    due_at INTEGER NOT NULL,
    receipt TEXT NOT NULL DEFAULT '[]',
    error TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;

CREATE TABLE pairing (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'operator', 'owner')),
    added_by TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (platform, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE question (
    id TEXT PRIMARY KEY,
    -- What a person types or taps: short, unique among open questions.
    short TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id),
    call_key TEXT NOT NULL,
    text TEXT NOT NULL,
    options TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'expired', 'cancelled')),
    answer TEXT NOT NULL DEFAULT '',
    answered_by TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    answered_at INTEGER,
    UNIQUE (turn_id, call_key)
) STRICT;

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

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL DEFAULT '',
    titled_by TEXT NOT NULL DEFAULT '' CHECK (titled_by IN ('', 'first message', 'person', 'agent')),
    owner TEXT NOT NULL,
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    model TEXT NOT NULL DEFAULT '',
    verbose INTEGER NOT NULL DEFAULT 0 CHECK (verbose IN (0, 1)),
    quiet_until INTEGER NOT NULL DEFAULT 0,
    turns INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    closed_at INTEGER,
    forgotten_at INTEGER
, handoff_state TEXT NOT NULL DEFAULT 'none'
    CHECK (handoff_state IN ('none', 'pending', 'running', 'completed', 'failed', 'cancelled')), handoff_number INTEGER NOT NULL DEFAULT 0, handoff_error TEXT NOT NULL DEFAULT '', handoff_lease INTEGER NOT NULL DEFAULT 0, handoff_deadline INTEGER NOT NULL DEFAULT 0, handoff TEXT NOT NULL DEFAULT '{}') STRICT;

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

CREATE TABLE task_plan (
    task_id INTEGER PRIMARY KEY REFERENCES task (id),
    plan TEXT NOT NULL,
    stage INTEGER NOT NULL DEFAULT 0 CHECK (stage >= 0),
    -- What this task is the review of, and of which version; 0 where it is none.
    reviews_id INTEGER NOT NULL DEFAULT 0,
    reviews_version INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE task_text (
    task_id INTEGER NOT NULL REFERENCES task (id),
    -- The number of the event that tells of the change.
    seq INTEGER NOT NULL,
    -- {field: what it was before}
    before TEXT NOT NULL,
    PRIMARY KEY (task_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('api', 'login', 'page', 'cli')),
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'operator', 'owner')),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE tool_call (
    id INTEGER PRIMARY KEY,
    turn_id TEXT NOT NULL REFERENCES turn (id),
    call_key TEXT NOT NULL,
    tool TEXT NOT NULL,
    digest TEXT NOT NULL,
    idempotent INTEGER NOT NULL CHECK (idempotent IN (0, 1)),
    state TEXT NOT NULL CHECK (state IN ('intent', 'done', 'held', 'unknown')),
    result TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (turn_id, call_key)
) STRICT;

CREATE TABLE turn (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    state TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'suspended', 'done', 'failed', 'cancelled')),
    attempt INTEGER NOT NULL DEFAULT 1,
    internal INTEGER NOT NULL CHECK (internal IN (0, 1)),
    principal TEXT NOT NULL,
    model TEXT NOT NULL DEFAULT '',
    -- The platform id of the streamed message that the final text will replace.
    bubble TEXT NOT NULL DEFAULT '',
    checkpoint TEXT,
    error TEXT NOT NULL DEFAULT '',
    started_at INTEGER NOT NULL,
    ended_at INTEGER
, suspected INTEGER NOT NULL DEFAULT 0, crashed INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    -- The owner's calendar day, YYYY-MM-DD.
    day TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES session (id),
    turn_id TEXT REFERENCES turn (id),
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost REAL
) STRICT;

CREATE INDEX agent_handoff_task ON agent_handoff (task_id, seq);

CREATE UNIQUE INDEX approval_call ON approval (turn_id, call_key)
    WHERE turn_id IS NOT NULL AND state NOT IN ('expired', 'void');

CREATE INDEX approval_card_of ON approval_card (approval_id, outbox_id);

CREATE INDEX approval_clock ON approval (id) WHERE state = 'pending' AND veto_left IS NOT NULL;

CREATE INDEX approval_created ON approval (created_at);

CREATE INDEX approval_escalation ON approval (escalate_at) WHERE state = 'pending' AND escalate_at IS NOT NULL;

CREATE INDEX approval_expiry ON approval (expires_at) WHERE state IN ('pending', 'held', 'approved');

CREATE INDEX approval_live ON approval (state, runs) WHERE state IN ('pending', 'held', 'approved', 'running', 'unknown');

CREATE INDEX approval_named ON approval (short, created_at);

CREATE INDEX approval_session ON approval (session_id, created_at);

CREATE UNIQUE INDEX approval_short ON approval (short) WHERE state IN ('pending', 'held', 'approved', 'running', 'unknown');

CREATE INDEX approval_supersedes ON approval (supersedes) WHERE supersedes IS NOT NULL;

CREATE INDEX approval_turn ON approval (turn_id, call_key) WHERE turn_id IS NOT NULL;

CREATE INDEX attempt_ended ON attempt (ended_at, state) WHERE ended_at > 0;

CREATE UNIQUE INDEX attempt_live ON attempt (task_id)
    WHERE (state = 'claimed' OR state = 'running' OR state = 'waiting');

CREATE INDEX attempt_session ON attempt (session_id, inbox_id) WHERE session_id IS NOT NULL;

CREATE INDEX award_agent ON award (agent, at);

CREATE INDEX award_at ON award (at);

CREATE INDEX award_project ON award (project, agent) WHERE project <> '';

CREATE INDEX comment_task ON comment (task_id, id);

CREATE INDEX departed_session ON departed (session_id, left_at);

CREATE INDEX dependency_needed ON dependency (needs_id, task_id);

CREATE INDEX entry_conversation ON entry (conversation_id, position);

CREATE INDEX entry_parent ON entry (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX event_subject ON event (subject, seq);

CREATE INDEX fire_due ON fire (ready_at) WHERE state = 'due';

CREATE INDEX fire_ended ON fire (ended_at) WHERE ended_at > 0;

CREATE INDEX fire_held ON fire (deliver_at) WHERE deliver_at IS NOT NULL;

CREATE INDEX fire_inbox ON fire (inbox_id) WHERE inbox_id IS NOT NULL;

CREATE INDEX fire_open ON fire (schedule_id, state) WHERE state IN ('due', 'claimed', 'running', 'waiting');

CREATE INDEX grant_expiry ON "grant" (expires_at);

CREATE INDEX grant_key ON "grant" (key) WHERE revoked_at IS NULL;

CREATE INDEX inbox_local ON inbox (platform, chat, id) WHERE platform IN ('web', 'terminal');

CREATE INDEX inbox_message ON inbox (platform, account, chat, message_id);

CREATE INDEX inbox_open ON inbox (state, id) WHERE state IN ('received', 'queued', 'running', 'dead');

CREATE INDEX inbox_session ON inbox (session_id, id);

CREATE INDEX inbox_turn ON inbox (turn_id) WHERE turn_id IS NOT NULL;

CREATE INDEX milestone_task ON milestone (task_id, id);

CREATE INDEX note_owner ON note (owner, id);

CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

CREATE INDEX outbox_local ON outbox (platform, chat, id) WHERE platform IN ('web', 'terminal');

CREATE INDEX outbox_open ON outbox (platform, account, chat, id) WHERE state IN ('pending', 'sending', 'uncertain');

CREATE INDEX outbox_session ON outbox (session_id, id);

CREATE INDEX question_session ON question (session_id, state);

CREATE UNIQUE INDEX question_short ON question (short) WHERE state = 'open';

CREATE INDEX schedule_after ON schedule (after_id) WHERE after_id IS NOT NULL AND state = 'active';

CREATE UNIQUE INDEX schedule_name ON schedule (lower(name)) WHERE state <> 'deleted';

CREATE INDEX schedule_next ON schedule (next_at) WHERE state = 'active' AND next_at IS NOT NULL;

CREATE INDEX session_handoff ON session (id) WHERE handoff_state IN ('pending', 'running');

CREATE INDEX session_owner ON session (owner, active_at);

CREATE INDEX submission_open ON submission (task_id, version) WHERE verdict = '';

CREATE INDEX task_assignee ON task (assignee)
    WHERE assignee <> '' AND state <> 'done' AND state <> 'cancelled' AND state <> 'failed';

CREATE INDEX task_ended ON task (ended_at) WHERE ended_at > 0;

CREATE INDEX task_failing ON task (id) WHERE consecutive_failures >= 2;

CREATE INDEX task_later ON task (not_before)
    WHERE (state = 'open' OR state = 'assigned' OR state = 'changes_requested') AND not_before > 0;

CREATE INDEX task_parent ON task (parent_id) WHERE parent_id IS NOT NULL;

CREATE INDEX task_ready ON task (queue, priority DESC, id)
    WHERE (state = 'open' OR state = 'assigned' OR state = 'changes_requested') AND not_before = 0;

CREATE INDEX task_root ON task (root_id) WHERE root_id IS NOT NULL;

CREATE INDEX task_session ON task (session_id) WHERE session_id IS NOT NULL;

CREATE INDEX task_unfinished ON task (state, entered_at) WHERE state NOT IN ('done', 'cancelled');

CREATE UNIQUE INDEX turn_one ON turn (session_id) WHERE state IN ('running', 'interrupted');

CREATE INDEX turn_open ON turn (state) WHERE state IN ('running', 'interrupted', 'suspended');

CREATE INDEX turn_session ON turn (session_id, started_at);

CREATE INDEX usage_day ON usage (day, model);

CREATE INDEX usage_session ON usage (session_id);

-- Requests for approval, the votes on them, their cards, and standing permissions.

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
CREATE UNIQUE INDEX approval_short ON approval (short) WHERE state IN ('pending', 'held', 'approved', 'running', 'unknown');
CREATE INDEX approval_named ON approval (short, created_at);
-- A call has one request that counts; one that expired or became void may be followed by another.
CREATE UNIQUE INDEX approval_call ON approval (turn_id, call_key)
    WHERE turn_id IS NOT NULL AND state NOT IN ('expired', 'void');
CREATE INDEX approval_turn ON approval (turn_id, call_key) WHERE turn_id IS NOT NULL;
CREATE INDEX approval_session ON approval (session_id, created_at);
CREATE INDEX approval_created ON approval (created_at);
CREATE INDEX approval_expiry ON approval (expires_at) WHERE state IN ('pending', 'held', 'approved');
CREATE INDEX approval_escalation ON approval (escalate_at) WHERE state = 'pending' AND escalate_at IS NOT NULL;
CREATE INDEX approval_clock ON approval (id) WHERE state = 'pending' AND veto_left IS NOT NULL;
CREATE INDEX approval_live ON approval (state, runs) WHERE state IN ('pending', 'held', 'approved', 'running', 'unknown');
CREATE INDEX approval_supersedes ON approval (supersedes) WHERE supersedes IS NOT NULL;

CREATE TABLE approval_vote (
    approval_id TEXT NOT NULL REFERENCES approval (id),
    principal TEXT NOT NULL,
    name TEXT NOT NULL,
    voted_at INTEGER NOT NULL,
    PRIMARY KEY (approval_id, principal)
) STRICT, WITHOUT ROWID;

-- Which owed messages show a request: those of one address together are one card.
CREATE TABLE approval_card (
    outbox_id INTEGER PRIMARY KEY REFERENCES outbox (id),
    approval_id TEXT NOT NULL REFERENCES approval (id)
) STRICT;
CREATE INDEX approval_card_of ON approval_card (approval_id, outbox_id);

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
CREATE INDEX grant_key ON "grant" (key) WHERE revoked_at IS NULL;
CREATE INDEX grant_expiry ON "grant" (expires_at);

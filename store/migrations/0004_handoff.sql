-- Handoff of sessions between surfaces.

ALTER TABLE session ADD COLUMN handoff_state TEXT NOT NULL DEFAULT 'none'
    CHECK (handoff_state IN ('none', 'pending', 'running', 'completed', 'failed', 'cancelled'));
-- Counts the handoffs of a session, so that a move names the one it is about.
ALTER TABLE session ADD COLUMN handoff_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN handoff_error TEXT NOT NULL DEFAULT '';
-- Until when whoever carries it out has the right to; and when it is over at the latest.
ALTER TABLE session ADD COLUMN handoff_lease INTEGER NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN handoff_deadline INTEGER NOT NULL DEFAULT 0;
-- Where from and where to, by whom, with which note; see store/handoffs.py.
ALTER TABLE session ADD COLUMN handoff TEXT NOT NULL DEFAULT '{}';
CREATE INDEX session_handoff ON session (id) WHERE handoff_state IN ('pending', 'running');

-- Places that a conversation has left: they show it and take nothing for it until it is taken back.
CREATE TABLE departed (
    key TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id),
    platform TEXT NOT NULL,
    account TEXT NOT NULL,
    chat TEXT NOT NULL,
    thread TEXT,
    left_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX departed_session ON departed (session_id, left_at);

-- What a task said before it was changed, so that it can be shown as it was at any of its events.

CREATE TABLE task_text (
    task_id INTEGER NOT NULL REFERENCES task (id),
    -- The number of the event that tells of the change.
    seq INTEGER NOT NULL,
    -- {field: what it was before}
    before TEXT NOT NULL,
    PRIMARY KEY (task_id, seq)
) STRICT, WITHOUT ROWID;

-- A list of three or more states in an index's condition is looked up in a table that SQLite makes anew in every
-- statement that moves a row; compared one by one they cost next to nothing.
DROP INDEX task_ready;
DROP INDEX task_later;
DROP INDEX task_assignee;
DROP INDEX attempt_live;
CREATE INDEX task_ready ON task (queue, priority DESC, id)
    WHERE (state = 'open' OR state = 'assigned' OR state = 'changes_requested') AND not_before = 0;
CREATE INDEX task_later ON task (not_before)
    WHERE (state = 'open' OR state = 'assigned' OR state = 'changes_requested') AND not_before > 0;
CREATE INDEX task_assignee ON task (assignee)
    WHERE assignee <> '' AND state <> 'done' AND state <> 'cancelled' AND state <> 'failed';
-- A task has one live lease at a time.
CREATE UNIQUE INDEX attempt_live ON attempt (task_id)
    WHERE (state = 'claimed' OR state = 'running' OR state = 'waiting');

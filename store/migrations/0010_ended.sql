-- What ended since a time is counted without a look at all that has ever ended.
CREATE INDEX task_ended ON task (ended_at) WHERE ended_at > 0;
CREATE INDEX attempt_ended ON attempt (ended_at, state) WHERE ended_at > 0;

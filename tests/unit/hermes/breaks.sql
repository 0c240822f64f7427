-- Each block breaks the rule that its heading names, in a database in which two messages were answered.

--: inbox.lost
DELETE FROM inbox WHERE id = 2;

--: inbox.untold
INSERT INTO inbox (id, platform, account, chat, dedup_key, message_id, kind, sender, sender_name, private, addressed, text,
    state, sent_at, received_at)
VALUES (99, 'test', 'bot', '1', 'other', '9', 'message', '1', '', 1, 1, 'hi', 'done', 1, 1);

--: inbox.unread
UPDATE inbox SET state = 'received' WHERE id = 2;

--: inbox.unanswered
UPDATE inbox SET state = 'queued' WHERE id = 2;

--: inbox.homeless
UPDATE inbox SET state = 'queued', session_id = NULL WHERE id = 2;

--: inbox.orphan
UPDATE inbox SET state = 'running' WHERE id = 2;

--: turn.forgotten
UPDATE turn SET state = 'interrupted' WHERE id = (SELECT turn_id FROM inbox WHERE id = 2);

--: turn.unanswered
UPDATE outbox SET turn_id = NULL WHERE id = 2;

--: inbox.silent
UPDATE inbox SET state = 'dead' WHERE id = 2;

--: outbox.lost
DELETE FROM outbox WHERE id = 2;

--: outbox.unconfirmed
UPDATE outbox SET state = 'sending' WHERE id = 2;

--: outbox.receiptless
UPDATE outbox SET sent_at = NULL WHERE id = 2;

--: outbox.unmarked
UPDATE event SET kind = 'outbox.resend' WHERE kind = 'outbox.claim' AND subject = '2';

--: outbox.twice
UPDATE event SET kind = 'outbox.confirm' WHERE kind = 'outbox.claim' AND subject = '2';

--: outbox.doubled
UPDATE outbox SET receipt = '["r1"]' WHERE id = 2;

--: outbox.order
UPDATE event SET subject = CASE subject WHEN '1' THEN '2' ELSE '1' END WHERE kind = 'outbox.confirm';

--: inbox.order
UPDATE event SET subject = CASE subject WHEN '1' THEN '2' ELSE '1' END WHERE kind = 'inbox.start';

--: turn.double
DROP INDEX turn_one;
UPDATE turn SET state = 'running';

--: binding.closed
UPDATE session SET closed_at = 1;
--: session.homeless
DELETE FROM binding;
--: binding.elsewhere
UPDATE session SET chat = 'another';
--: departed.bound
INSERT INTO departed SELECT key, session_id, 'test', 'bot', '1', NULL, 1 FROM binding;
--: handoff.locked
UPDATE session SET handoff_state = 'running', handoff_number = 1, handoff_lease = 1, handoff_deadline = 1;

--: tool_call.open
INSERT INTO tool_call (turn_id, call_key, tool, digest, idempotent, state, started_at)
SELECT id, 'c', 'write_file', '', 0, 'intent', 1 FROM turn LIMIT 1;

--: question.orphan
INSERT INTO question (id, short, session_id, turn_id, call_key, text, options, state, created_at)
SELECT 'q_1', 'x', session_id, id, 'c', 'Which?', '[]', 'open', 1 FROM turn LIMIT 1;

--: question.unasked
INSERT INTO question (id, short, session_id, turn_id, call_key, text, options, state, created_at)
SELECT 'q_1', 'x', session_id, id, 'c', 'Which?', '[]', 'open', 1 FROM turn LIMIT 1;

--: approval
-- One request that was decided and carried out as it should be; the blocks below start from it.
INSERT INTO approval (id, short, requester, behalf, kind, tool, action, digest, tier, reasons, consequence, runs, state,
    decided_by, decided_how, decided_at, created_at, expires_at, started_at, ended_at)
VALUES ('ap1', 'a1', 'agent:1', 'test:1', 'terminal', 'run', '{}', 'd1', 3, '[]', '', 'here', 'done',
    'test:2', 'once', 2, 1, 9, 3, 4);

--: approval.undecided
UPDATE approval SET decided_by = '', decided_at = NULL;

--: approval.other
INSERT INTO event (seq, at, kind, subject, actor, body, hash)
VALUES (9999, 1, 'approval.execution', 'ap1', 'system', '{"digest":"d2"}', x'00');

--: approval.self
UPDATE approval SET requester = decided_by;

--: approval.lonely
UPDATE approval SET needed = 2;

--: approval.twice
INSERT INTO event (seq, at, kind, subject, actor, body, hash)
VALUES (9998, 1, 'approval.start', 'ap1', 'system', '{}', x'00'), (9999, 1, 'approval.start', 'ap1', 'system', '{}', x'00');

--: approval.unasked
UPDATE approval SET state = 'pending', decided_by = '', decided_at = NULL, started_at = NULL;

--: approval.overdue
UPDATE approval SET state = 'approved', started_at = NULL;

--: attempt.double
DROP INDEX attempt_live;
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'in_progress', 't', 'agent', 'simple', 1, 'q', 2, 0, '', 1, 1, 'cli', 1);
INSERT INTO attempt (task_id, epoch, state, lane, agent, host, claimed_at, active_at, lease_until)
VALUES (1, 1, 'running', 'agent', 'hermes', 'here', 1, 1, 1);
INSERT INTO attempt (task_id, epoch, state, lane, agent, host, claimed_at, active_at, lease_until)
VALUES (1, 2, 'running', 'agent', 'hermes', 'here', 1, 1, 1);

--: attempt.old
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'in_progress', 't', 'agent', 'simple', 1, 'q', 2, 0, '', 1, 1, 'cli', 1);
INSERT INTO attempt (task_id, epoch, state, lane, agent, host, claimed_at, active_at, lease_until)
VALUES (1, 1, 'running', 'agent', 'hermes', 'here', 1, 1, 1);

--: task.epoch
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'open', 't', 'agent', 'simple', 1, 'q', 2, 0, '', 1, 1, 'cli', 1);

--: task.unheld
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'drafting', 't', 'agent', 'simple', 1, 'q', 0, 0, '', 1, 1, 'cli', 1);

--: attempt.unowned
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'blocked', 't', 'agent', 'simple', 1, 'q', 1, 0, 'owner', 1, 1, 'cli', 1);
INSERT INTO attempt (task_id, epoch, state, lane, agent, host, claimed_at, active_at, lease_until)
VALUES (1, 1, 'waiting', 'agent', 'hermes', 'here', 1, 1, 1);

--: attempt.twice
INSERT INTO event (seq, at, kind, subject, actor, body, hash)
VALUES (9998, 1, 'attempt.lost', '1', 'system', '{"epoch":2}', x'00'), (9999, 1, 'attempt.lost', '1', 'system', '{"epoch":2}', x'00');

--: task.claims
INSERT INTO event (seq, at, kind, subject, actor, body, hash)
VALUES (9998, 1, 'task.claim', '1', 'system', '{"epoch":2}', x'00'), (9999, 1, 'task.claim', '1', 'system', '{"epoch":2}', x'00');

--: task.unmet
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'blocked', 't', 'agent', 'simple', 1, 'q', 0, 2, 'dependencies', 1, 1, 'cli', 1);

--: task.early
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'open', 't', 'agent', 'simple', 1, 'q', 0, 1, '', 1, 1, 'cli', 1);

--: task.forgotten
INSERT INTO task (id, state, title, lane, template, priority, queue, epoch, unmet, block_kind, entered_at, created_at, created_by, updated_at)
VALUES (1, 'blocked', 't', 'agent', 'simple', 1, 'q', 0, 0, 'dependencies', 1, 1, 'cli', 1);

--: conversation.head
INSERT INTO conversation (id, revision, record, updated_at) VALUES ('a', '1', '{}', 1), ('b', '1', '{}', 1);
INSERT INTO entry (id, conversation_id, position, body, created_at) VALUES ('e1', 'a', 0, '', 1);
UPDATE conversation SET head_id = 'e1' WHERE id = 'b';

--: entry.chain
INSERT INTO conversation (id, revision, record, updated_at) VALUES ('a', '1', '{}', 1), ('b', '1', '{}', 1);
INSERT INTO entry (id, conversation_id, position, body, created_at) VALUES ('e1', 'a', 0, '', 1);
INSERT INTO entry (id, conversation_id, parent_id, position, body, created_at) VALUES ('e2', 'b', 'e1', 1, '', 1);

--: integrity
PRAGMA ignore_check_constraints = ON;
UPDATE turn SET state = 'nonsense';

--: references
DELETE FROM session;

--: event.chain
UPDATE event SET actor = 'somebody else' WHERE seq = 3;

--: secret
UPDATE outbox SET text = 'here: s3cr3t"quoted' WHERE id = 2;
--: fire.twice
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', 4000000000000000, 1, 'o', 1);
INSERT INTO fire (id, schedule_id, instant, state, ready_at, created_at) VALUES (1, 1, 1, 'running', 1, 1);
INSERT INTO event (seq, at, kind, subject, actor, body, hash) SELECT max(seq) + 1, max(at), 'fire.claim', '1', 'system', '{}', x'00' FROM event;
INSERT INTO event (seq, at, kind, subject, actor, body, hash) SELECT max(seq) + 1, max(at), 'fire.claim', '1', 'system', '{}', x'00' FROM event;
--: fire.ended_twice
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', 4000000000000000, 1, 'o', 1);
INSERT INTO fire (id, schedule_id, instant, state, ready_at, created_at) VALUES (1, 1, 1, 'done', 1, 1);
INSERT INTO event (seq, at, kind, subject, actor, body, hash) SELECT max(seq) + 1, max(at), 'fire.finish', '1', 'system', '{}', x'00' FROM event;
INSERT INTO event (seq, at, kind, subject, actor, body, hash) SELECT max(seq) + 1, max(at), 'fire.fail', '1', 'system', '{}', x'00' FROM event;
--: fire.lost
INSERT INTO event (seq, at, kind, subject, actor, body, hash) SELECT max(seq) + 1, max(at), 'fire.create', '1', 'system', '{}', x'00' FROM event;
--: fire.forgotten
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', 4000000000000000, 1, 'o', 1);
INSERT INTO fire (id, schedule_id, instant, state, ready_at, created_at) VALUES (1, 1, 1, 'due', 1, 1);
--: fire.undelivered
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', 4000000000000000, 1, 'o', 1);
INSERT INTO fire (id, schedule_id, instant, state, ready_at, created_at) VALUES (1, 1, 1, 'done', 1, 1);
UPDATE fire SET deliver_at = 1;
--: schedule.silent
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', 1, 1, 'o', 1);
--: schedule.idle
INSERT INTO schedule (id, name, state, owner, rule, zone, job, kind, next_at, created_at, created_by, updated_at)
    VALUES (1, 'a', 'active', 'o', 'every:60000:0', 'UTC', '{}', 'reminder', NULL, 1, 'o', 1);

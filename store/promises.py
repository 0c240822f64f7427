"""What is promised, as data: each rule is a query for whatever breaks it in a database that nobody is writing to.

``:before`` is the time (ms) from which on something open is still on its way; everything older has been forgotten.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise: the invariant it belongs to, its name, and a query for the ids of what breaks it."""

    invariant: str
    name: str
    sentence: str
    sql: str


RULES = (
    Rule(
        "I1",
        "inbox.lost",
        "The trail knows an inbound message that the inbox does not have.",
        "SELECT DISTINCT subject FROM event WHERE kind GLOB 'inbox.*' AND subject GLOB '[0-9]*'"
        " AND CAST(subject AS INTEGER) NOT IN (SELECT id FROM inbox)",
    ),
    Rule(
        "I1",
        "inbox.untold",
        "An inbound message has no event.",
        "SELECT id FROM inbox WHERE (SELECT min(seq) FROM event) = 1 AND NOT EXISTS"
        " (SELECT 1 FROM event WHERE subject = CAST(inbox.id AS TEXT) AND kind GLOB 'inbox.*')",
    ),
    Rule(
        "I2",
        "inbox.unread",
        "An inbound message was committed and the rings never looked at it.",
        "SELECT id FROM inbox WHERE state = 'received' AND received_at < :before",
    ),
    Rule(
        "I2",
        "inbox.unanswered",
        "An inbound message waits for a session in which nothing runs.",
        "SELECT id FROM inbox WHERE state = 'queued' AND received_at < :before AND NOT EXISTS"
        " (SELECT 1 FROM turn WHERE turn.session_id = inbox.session_id AND turn.state IN ('running', 'interrupted'))",
    ),
    Rule(
        "I2",
        "inbox.homeless",
        "An inbound message is queued for no session.",
        "SELECT id FROM inbox WHERE state IN ('queued', 'running') AND session_id IS NULL",
    ),
    Rule(
        "I2",
        "inbox.orphan",
        "An inbound message is part of a turn that is over, or of none.",
        "SELECT inbox.id FROM inbox LEFT JOIN turn ON turn.id = inbox.turn_id WHERE inbox.state = 'running'"
        " AND (turn.id IS NULL OR turn.state NOT IN ('running', 'interrupted'))",
    ),
    Rule(
        "I2",
        "turn.forgotten",
        "A turn was interrupted and nobody continues it.",
        "SELECT id FROM turn WHERE state = 'interrupted' AND :before > (SELECT coalesce(max(at), 0) FROM event"
        " WHERE subject = turn.id AND kind = 'turn.interrupt')",
    ),
    Rule(
        "I2",
        "turn.unanswered",
        "A turn ended without an answer or an explained error.",
        "SELECT id FROM turn WHERE state IN ('done', 'failed')"
        " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.turn_id = turn.id)"
        " AND NOT EXISTS (SELECT 1 FROM question WHERE question.turn_id = turn.id)"
        " AND NOT EXISTS (SELECT 1 FROM approval WHERE approval.turn_id = turn.id)"
        # Whoever diagnoses is heard through the task alone, and not before the evidence was checked.
        " AND NOT EXISTS (SELECT 1 FROM task JOIN mark ON mark.name = 'diagnosis:task:' || task.id"
        " WHERE task.session_id = turn.session_id)",
    ),
    Rule(
        "I2",
        "inbox.silent",
        "A message was quarantined and its sender was told nothing.",
        "SELECT inbox.id FROM inbox WHERE state = 'dead' AND error = ''",
    ),
    Rule(
        "I3",
        "outbox.lost",
        "The trail knows an owed message that the outbox does not have.",
        "SELECT DISTINCT subject FROM event WHERE kind GLOB 'outbox.*' AND subject GLOB '[0-9]*'"
        " AND CAST(subject AS INTEGER) NOT IN (SELECT id FROM outbox)",
    ),
    Rule(
        "I3",
        "outbox.unconfirmed",
        "A message was handed over long ago and its receipt was never settled.",
        "SELECT id FROM outbox WHERE state IN ('sending', 'uncertain') AND due_at < :before AND :before >"
        " (SELECT coalesce(max(at), 0) FROM event WHERE subject = CAST(outbox.id AS TEXT) AND kind GLOB 'outbox.*')",
    ),
    Rule(
        "I3",
        "outbox.receiptless",
        "A message counts as sent without a time of sending.",
        "SELECT id FROM outbox WHERE state = 'sent' AND sent_at IS NULL",
    ),
    Rule(
        "I3",
        "outbox.unmarked",
        "A message was sent a second time without being marked.",
        "SELECT id FROM outbox WHERE resent = 0 AND EXISTS"
        " (SELECT 1 FROM event WHERE subject = CAST(outbox.id AS TEXT) AND kind = 'outbox.resend')",
    ),
    Rule(
        "I3",
        "outbox.twice",
        "One message was confirmed twice.",
        "SELECT subject FROM event WHERE kind = 'outbox.confirm' GROUP BY subject HAVING count(*) > 1",
    ),
    Rule(
        "I3",
        "outbox.doubled",
        "Two owed messages claim to be the same message of the platform.",
        "SELECT max(outbox.id) FROM outbox, json_each(outbox.receipt) AS part WHERE outbox.state = 'sent'"
        " AND outbox.kind <> 'edit' AND coalesce(outbox.extra ->> 'replaces', '') <> part.value"
        " GROUP BY outbox.platform, outbox.account, outbox.chat, part.value HAVING count(*) > 1",
    ),
    Rule(
        "I7",
        "fire.twice",
        "One instant of a job was begun twice though it was neither put back nor failed.",
        "SELECT subject FROM event WHERE kind IN ('fire.claim', 'fire.retry', 'fire.release') GROUP BY subject"
        " HAVING sum(kind = 'fire.claim') > 1 + sum(kind <> 'fire.claim')",
    ),
    Rule(
        "I7",
        "fire.ended_twice",
        "One run of a job has ended twice.",
        "SELECT subject FROM event WHERE kind IN ('fire.finish', 'fire.fail', 'fire.skip', 'fire.miss', 'fire.lose',"
        " 'fire.cancel') GROUP BY subject HAVING count(*) > 1",
    ),
    Rule(
        "I7",
        "fire.lost",
        "The trail knows a run of the last day that is not on record.",
        "SELECT DISTINCT subject FROM event WHERE kind = 'fire.create'"
        " AND at > (SELECT max(at) - 86400000 FROM event) AND CAST(subject AS INTEGER) NOT IN (SELECT id FROM fire)",
    ),
    Rule(
        "I7",
        "fire.forgotten",
        "A run is due long since and nobody has taken it up.",
        "SELECT fire.id FROM fire JOIN schedule ON schedule.id = fire.schedule_id WHERE fire.state = 'due'"
        " AND fire.ready_at < :before",
    ),
    Rule(
        "I7",
        "fire.undelivered",
        "A result was to be delivered long since and is not owed to anybody.",
        "SELECT id FROM fire WHERE deliver_at < :before",
    ),
    Rule(
        "I7",
        "schedule.silent",
        "A job's time passed long since; it neither ran nor is that on record.",
        "SELECT id FROM schedule WHERE state = 'active' AND next_at < :before",
    ),
    Rule(
        "I7",
        "schedule.idle",
        "A job is active and will never run again.",
        "SELECT id FROM schedule WHERE state = 'active' AND next_at IS NULL AND after_id IS NULL",
    ),
    Rule(
        "I8",
        "outbox.order",
        "A message overtook an earlier one of its chat.",
        "WITH sent AS (SELECT outbox.id, outbox.platform, outbox.account, outbox.chat, min(event.seq) AS seq"
        " FROM outbox JOIN event ON event.subject = CAST(outbox.id AS TEXT) AND event.kind = 'outbox.confirm'"
        " WHERE NOT EXISTS (SELECT 1 FROM event AS again WHERE again.subject = event.subject"
        " AND again.kind = 'outbox.revive') GROUP BY outbox.id),"
        " ordered AS (SELECT id, seq, lag(seq) OVER (PARTITION BY platform, account, chat ORDER BY id) AS before"
        " FROM sent) SELECT id FROM ordered WHERE seq < before",
    ),
    Rule(
        "I8",
        "inbox.order",
        "A message reached the agent before an earlier one of its session.",
        "WITH begun AS (SELECT inbox.id, inbox.session_id, min(event.seq) AS seq FROM inbox"
        " JOIN event ON event.subject = CAST(inbox.id AS TEXT) AND event.kind = 'inbox.start'"
        " WHERE inbox.kind <> 'internal' AND NOT EXISTS"
        " (SELECT 1 FROM event AS again WHERE again.subject = event.subject"
        " AND again.kind IN ('inbox.release', 'inbox.revive')) GROUP BY inbox.id),"
        " ordered AS (SELECT id, seq, lag(seq) OVER (PARTITION BY session_id ORDER BY id) AS before FROM begun)"
        " SELECT id FROM ordered WHERE seq < before",
    ),
    Rule(
        "I9",
        "turn.double",
        "Two turns run in one session.",
        "SELECT max(id) FROM turn WHERE state IN ('running', 'interrupted') GROUP BY session_id HAVING count(*) > 1",
    ),
    Rule(
        "I9",
        "binding.closed",
        "A closed session still answers at a key.",
        "SELECT session.id FROM binding JOIN session ON session.id = binding.session_id WHERE closed_at IS NOT NULL",
    ),
    Rule(
        "I9",
        "session.homeless",
        "A session is open and answers nowhere.",
        "SELECT id FROM session WHERE closed_at IS NULL AND forgotten_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM binding WHERE binding.session_id = session.id)",
    ),
    Rule(
        "I9",
        "binding.elsewhere",
        "A session answers at another place than the one it is said to be at.",
        "SELECT session.id FROM binding JOIN session ON session.id = binding.session_id"
        " WHERE instr(binding.key, platform || ':' || account || ':' || chat || ':') <> 1",
    ),
    Rule(
        "I9",
        "departed.bound",
        "A place counts as left although a session answers there.",
        "SELECT departed.session_id FROM departed JOIN binding ON binding.key = departed.key",
    ),
    Rule(
        "I9",
        "handoff.locked",
        "A session is being handed over and nobody carries it out.",
        "SELECT id FROM session WHERE (handoff_state = 'pending' AND handoff_deadline < :before)"
        " OR (handoff_state = 'running' AND max(handoff_lease, handoff_deadline) < :before)",
    ),
    Rule(
        "I3",
        "tool_call.open",
        "A tool call is open though its turn is over.",
        "SELECT tool_call.id FROM tool_call JOIN turn ON turn.id = tool_call.turn_id"
        " WHERE tool_call.state = 'intent' AND turn.state NOT IN ('running', 'interrupted', 'cancelled', 'failed')"
        " AND NOT EXISTS (SELECT 1 FROM question WHERE question.turn_id = tool_call.turn_id"
        " AND question.call_key = tool_call.call_key)",
    ),
    Rule(
        "I2",
        "question.orphan",
        "A question is open though its turn is over.",
        "SELECT question.id FROM question JOIN turn ON turn.id = question.turn_id"
        " WHERE question.state = 'open' AND turn.state IN ('done', 'failed', 'cancelled')",
    ),
    Rule(
        "I2",
        "question.unasked",
        "A question was stored without a card.",
        "SELECT id FROM question WHERE state = 'open' AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE outbox.dedup_key GLOB '*' || question.id || '*')",
    ),
    Rule(
        "I4",
        "approval.undecided",
        "An action ran that nobody decided, or after its request had expired.",
        "SELECT id FROM approval WHERE started_at IS NOT NULL"
        " AND (decided_by = '' OR decided_at IS NULL OR started_at >= expires_at OR decided_at > started_at)",
    ),
    Rule(
        "I4",
        "approval.other",
        "What ran is not what was approved.",
        "SELECT approval.id FROM event JOIN approval ON approval.id = event.subject"
        " WHERE event.kind = 'approval.execution' AND event.body ->> 'digest' <> approval.digest",
    ),
    Rule(
        "I4",
        "approval.self",
        "Whoever asked decided as well.",
        "SELECT id FROM approval WHERE decided_by <> '' AND decided_by = requester",
    ),
    Rule(
        "I4",
        "approval.lonely",
        "An action ran with fewer approvers than it needs.",
        "SELECT id FROM approval WHERE started_at IS NOT NULL AND needed > 1 AND needed >"
        " (SELECT count(*) FROM approval_vote WHERE approval_vote.approval_id = approval.id)",
    ),
    Rule(
        "I5",
        "approval.twice",
        "An approval was used more than once.",
        "SELECT subject FROM event WHERE kind = 'approval.start' GROUP BY subject HAVING count(*) > 1",
    ),
    Rule(
        "I3",
        "approval.unasked",
        "A request waits for a decision and no card was ever owed.",
        "SELECT id FROM approval WHERE state = 'pending' AND runs = 'here' AND NOT EXISTS"
        " (SELECT 1 FROM approval_card WHERE approval_card.approval_id = approval.id)",
    ),
    Rule(
        "I2",
        "approval.overdue",
        "A request is open long after its time was over.",
        "SELECT id FROM approval WHERE state IN ('pending', 'held', 'approved') AND expires_at < :before",
    ),
    Rule(
        "I6",
        "attempt.double",
        "Two attempts hold one task.",
        "SELECT task_id FROM attempt WHERE state IN ('claimed', 'running', 'waiting')"
        " GROUP BY task_id HAVING count(*) > 1",
    ),
    Rule(
        "I6",
        "attempt.old",
        "An attempt of an earlier epoch still holds its task.",
        "SELECT task_id FROM attempt JOIN task ON task.id = attempt.task_id"
        " WHERE attempt.state IN ('claimed', 'running', 'waiting') AND attempt.epoch <> task.epoch",
    ),
    Rule(
        "I6",
        "task.epoch",
        "A task's epoch is not that of its latest attempt.",
        "SELECT id FROM task WHERE epoch <> (SELECT coalesce(max(epoch), 0) FROM attempt WHERE task_id = task.id)",
    ),
    Rule(
        "I6",
        "task.unheld",
        "A task counts as worked on and no attempt holds it.",
        "SELECT id FROM task WHERE state IN ('claimed', 'in_progress', 'researching', 'drafting', 'editing',"
        " 'needs_human') AND NOT (state = 'needs_human' AND return_state = 'in_review')"
        " AND NOT EXISTS (SELECT 1 FROM attempt WHERE task_id = task.id"
        " AND attempt.state IN ('claimed', 'running', 'waiting'))",
    ),
    Rule(
        "I6",
        "attempt.unowned",
        "An attempt holds a task on which nobody works.",
        "SELECT task_id FROM attempt JOIN task ON task.id = attempt.task_id"
        " WHERE attempt.state IN ('claimed', 'running', 'waiting') AND task.state NOT IN"
        " ('claimed', 'in_progress', 'researching', 'drafting', 'editing', 'needs_human')",
    ),
    Rule(
        "I6",
        "attempt.twice",
        "One attempt ended twice.",
        "SELECT subject FROM event WHERE kind IN ('attempt.succeeded', 'attempt.failed', 'attempt.timed_out',"
        " 'attempt.crashed', 'attempt.lost', 'attempt.spawn_failed', 'attempt.released', 'attempt.handed_off',"
        " 'attempt.cancelled') GROUP BY subject, body ->> 'epoch' HAVING count(*) > 1",
    ),
    Rule(
        "I6",
        "task.claims",
        "An epoch did not grow with a claim.",
        "WITH claims AS (SELECT subject, body ->> 'epoch' AS epoch, lag(body ->> 'epoch') OVER"
        " (PARTITION BY subject ORDER BY seq) AS before FROM event WHERE kind = 'task.claim')"
        " SELECT subject FROM claims WHERE epoch <= before",
    ),
    Rule(
        "I6",
        "task.unmet",
        "A task's count of unmet dependencies is wrong.",
        "SELECT id FROM task WHERE unmet <> (SELECT count(*) FROM dependency JOIN task AS needed"
        " ON needed.id = dependency.needs_id WHERE dependency.task_id = task.id AND needed.state <> 'done')",
    ),
    Rule(
        "I6",
        "task.early",
        "A task is ready before what it waits for is done.",
        "SELECT id FROM task WHERE unmet > 0 AND state IN ('open', 'assigned')",
    ),
    Rule(
        "I6",
        "task.forgotten",
        "A task waits for dependencies that are all met.",
        "SELECT id FROM task WHERE state = 'blocked' AND block_kind = 'dependencies' AND unmet = 0",
    ),
    Rule(
        "I11",
        "conversation.head",
        "A conversation points at an entry that is not its own.",
        "SELECT conversation.id FROM conversation LEFT JOIN entry ON entry.id = conversation.head_id"
        " WHERE conversation.head_id IS NOT NULL AND entry.conversation_id IS NOT conversation.id",
    ),
    Rule(
        "I11",
        "entry.chain",
        "An entry continues another conversation, or one that stands behind it.",
        "SELECT entry.id FROM entry JOIN entry AS parent ON parent.id = entry.parent_id"
        " WHERE parent.conversation_id <> entry.conversation_id OR parent.position >= entry.position",
    ),
)

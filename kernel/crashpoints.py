"""Named points at which a test can kill the daemon; inert unless armed."""

import os
import signal
from dataclasses import dataclass

CRASHPOINTS: dict[str, str] = {
    "intake.before_commit": "A batch arrived and nothing of it is stored.",
    "intake.after_commit": "A batch is stored and not yet acknowledged to the platform.",
    "intake.after_ring": "The control lane admitted a message to its session's queue.",
    "control.after_run": "A command, tap or edit was carried out; its reply and its move are not stored.",
    "control.after_commit": "A command's reply and its move are stored.",
    "turn.before_start": "A queued message is about to become a turn.",
    "turn.after_start": "The turn is stored as running; the model was not asked yet.",
    "turn.after_model": "The model answered; nothing of the answer is stored.",
    "turn.after_commit": "Conversation, outbox and inbox are stored in one unit.",
    "tool.after_intent": "A tool call is journalled and has not run.",
    "tool.after_run": "A tool ran and its result is not stored.",
    "tool.after_done": "A tool's result is stored.",
    "question.after_commit": "A question to a person is stored; its card is not sent.",
    "question.after_answer": "An answer is stored; the turn it starts has not begun.",
    "approval.before_request": "A call must be asked about; nothing of the request is stored.",
    "approval.after_request": "A request is stored with its cards; no card is sent.",
    "approval.after_tap": "A decision arrived and nothing of it is stored.",
    "approval.after_decision": "A decision is stored; nothing was carried out.",
    "approval.after_start": "The approval is used up; the action has not begun.",
    "approval.after_run": "The action was carried out; its result is not stored.",
    "approval.after_result": "The result is stored with the turn it starts, which has not begun.",
    "task.after_create": "A task is stored; nobody has looked at it.",
    "task.after_claim": "A task is taken; its attempt has not started.",
    "task.after_spawn": "An attempt's process runs; its process id is not stored.",
    "task.after_start": "An attempt is stored as running.",
    "task.after_question": "A task is stored as waiting for a person.",
    "task.before_end": "An attempt has ended; nothing of it is stored.",
    "task.after_end": "An attempt's end is stored with the task's move.",
    "task.after_failure": "A failure is counted and the task's next state is stored.",
    "handoff.after_request": "A handoff is stored as pending; nobody has taken it up.",
    "handoff.after_claim": "A handoff is taken up; nothing has moved.",
    "handoff.after_thread": "The platform opened the thread; the session does not know it.",
    "handoff.after_move": "The session is bound to its new place with the notice that starts its turn there.",
    "handoff.after_reply": "The reply was delivered in the new place; the handoff is not completed.",
    "handoff.after_complete": "The handoff is completed, and what travels along was moved.",
    "handoff.after_fail": "The handoff has failed, and the session is back with its former owner.",
    "handoff.after_take": "A session was pulled to where somebody asked for it.",
    "cron.after_due": "Schedules are found to be due; nothing of it is stored.",
    "cron.after_rows": "Fires are stored as due, and the schedules' next times with them.",
    "cron.after_claim": "Fires are taken up; the work has not begun.",
    "cron.after_start": "A fire is stored as running.",
    "cron.before_end": "A fire's work has ended; nothing of its end is stored.",
    "cron.after_end": "A fire's end is stored; what is to be delivered is not owed yet.",
    "cron.after_deliver": "A fire's result is owed to its chats.",
    "walkaway.after_thread": "The platform opened a job's thread; nothing of the job is stored.",
    "walkaway.after_create": "A job is stored with its task and its card; whoever asked was not answered.",
    "walkaway.before_tell": "Something happened to a job; nothing of it is owed to its place.",
    "walkaway.after_tell": "A job's card and pings are owed and remembered.",
    "diagnosis.after_case": "A report was found and is stored; no task is made of it.",
    "diagnosis.after_create": "A diagnosis's task is stored; whoever asked was not answered.",
    "diagnosis.before_ask": "A fix is tested; nobody was asked whether it may be pushed.",
    "diagnosis.after_ask": "The request to push a fix is stored with what it shows.",
    "diagnosis.before_push": "The approval of a push is used up; nothing is pushed.",
    "diagnosis.after_push": "A fix is pushed; nothing of it is stored.",
    "diagnosis.after_report": "The push is stored as done; its task is not.",
    "diagnosis.after_end": "A fix's task is done, and the message about it is owed.",
    "outbox.after_claim": "A message is marked as being sent and was not handed over.",
    "outbox.after_send": "The platform has the message; the receipt is not stored.",
    "outbox.after_receipt": "The receipt is stored.",
}


@dataclass(slots=True)
class _Armed:
    name: str = ""
    countdown: int = 0


_armed = _Armed()


def arm(name: str, count: int = 1) -> None:
    """Arm one crash point: the ``count``-th pass through it kills the process with SIGKILL.

    Raises KeyError for an unknown name. Only the composition root calls this, and only under a test flag.
    """
    if name not in CRASHPOINTS:
        raise KeyError(name)
    _armed.name, _armed.countdown = name, count


def crashpoint(name: str) -> None:
    """Kill the process here if a test armed this point; do nothing otherwise."""
    if _armed.name != name:
        return
    _armed.countdown -= 1
    if _armed.countdown <= 0:
        os.kill(os.getpid(), signal.SIGKILL)

"""What is owed to the chats about diagnoses: the diagnosis, the fix, and whatever needs a person."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from board.diagnosis.cases import Case, Fix
from board.diagnosis.findings import Diagnosis
from gateway.adapter import Adapter
from gateway.diagnosis import words
from gateway.diagnosis.buttons import Buttons, Verb
from gateway.pieces import pieces
from kernel.messages import Address, Button, Outbound, OutboundKind, Priority
from kernel.tasks import Task
from store import outbox
from store.outbox import Owed
from store.units import Unit

Rows = tuple[tuple[Button, ...], ...]


class Teller:
    """Owes messages, each once; ``adapter(place)`` knows how long a message may be there."""

    def __init__(
        self,
        buttons: Buttons,
        redact: Callable[[str], str],
        adapter: Callable[[Address], Adapter | None],
        folder: Path,
    ) -> None:
        self._buttons = buttons
        self._redact = redact
        self._adapter = adapter
        self._folder = folder

    def say(
        self, tx: Unit, place: Address, key: str, text: str, buttons: Rows = (), *, reply_to: str = ""
    ) -> bool:
        """Owe a text with its buttons below the last piece; return False where it was owed before."""
        parts = pieces(self._redact(text), self._adapter(place))
        last = len(parts) - 1
        fresh = [
            outbox.add(
                tx,
                Owed(
                    f"diagnosis:{key}:{number}",
                    Outbound(
                        place,
                        part,
                        buttons=buttons if number == last else (),
                        reply_to=reply_to if number == 0 else "",
                    ),
                    Priority.QUESTION if buttons else Priority.NOTICE,
                ),
            )
            for number, part in enumerate(parts)
        ]
        return any(fresh)

    def found(self, tx: Unit, case: Case, task: Task, diagnosis: Diagnosis) -> None:
        """Owe a diagnosis to whoever asked for it."""
        subject = str(task.id)
        row = (
            self._buttons.make("🔧 Fix it", subject, Verb.FIX),
            self._buttons.make("📣 Tell the reporter", subject, Verb.TELL),
            self._buttons.make("✖️ Close", subject, Verb.CLOSE),
        )
        self.say(tx, case.place, f"{task.id}:found:{diagnosis.commit}", words.found(task, diagnosis), (row,))

    def stuck(self, tx: Unit, case: Case, task: Task, *, again: bool) -> None:
        """Owe the news that a task waits for a person; ``again`` offers to test and ask anew."""
        subject = str(task.id)
        row = (
            *((self._buttons.make("🔁 Test and ask again", subject, Verb.AGAIN),) if again else ()),
            self._buttons.make("✖️ Close", subject, Verb.CLOSE),
        )
        key = f"{task.id}:stuck:{task.epoch}:{task.entered_at}"
        self.say(tx, case.place, key, words.stuck(task), (row,))

    def reporter(self, tx: Unit, case: Case, diagnosis: Diagnosis, actor: str) -> bool:
        """Owe a diagnosis to where its report stands; return False where that was done before."""
        report = case.report
        key = f"{case.task}:reporter"
        fresh = self.say(tx, report.address, key, words.told(diagnosis), reply_to=report.message_id)
        if fresh:
            tx.emit("task.told", str(case.task), actor=actor, to=str(report.address))
        return fresh

    async def diff_file(self, task_id: int, fix: Fix, diff: str) -> Path | None:
        """Keep a diff that is too long for a message as a file, and return it."""
        if len(diff) <= words.DIFF_SHOWN:
            return None
        path = self._folder / f"task-{task_id}-{fix.diff[:16]}.diff"
        await asyncio.to_thread(_write, path, diff)
        return path

    def fix(self, tx: Unit, case: Case, fix: Fix, text: str, file: Path | None) -> None:
        """Owe a fix as it is asked about; the same diff of the same version is shown once."""
        key = f"{case.task}:fix:{fix.version}:{fix.diff}"
        self.say(tx, case.place, key, text)
        if file is not None:
            message = Outbound(case.place, kind=OutboundKind.FILE, file=file, file_name=file.name)
            outbox.add(tx, Owed(f"diagnosis:{key}:file", message, Priority.NOTICE))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")

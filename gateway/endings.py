"""Endings: what a turn leaves behind, put together from what its agent returned and committed in one unit."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.adapter import Adapter
from gateway.intake import explain
from gateway.pieces import owed_pieces
from gateway.stage import Stage
from kernel.errors import AgentError, HermesError, StoreError, StoreFull
from kernel.turns import TurnOutcome
from store import turns
from store.database import Database
from store.outbox import Owed
from store.turns import Begun, Ending

log = logging.getLogger(__name__)

TITLE_LENGTH = 60
FULL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Endings:
    """Makes and stores them; ``today()`` is the owner's calendar day, on which usage is booked."""

    database: Database
    adapters: Mapping[tuple[str, str], Adapter]
    today: Callable[[], str]

    def of(self, begun: Begun, outcome: TurnOutcome, stage: Stage) -> Ending:
        """Return the ending of a turn whose agent came to one; what ``stage`` shows already is replaced by it."""
        words = _words(outcome, stage.stopped_by)
        return Ending(
            begun.turn.id,
            _event(outcome),
            "finish",
            self._owed(begun, words, stage.replaced()),
            outcome.conversation,
            outcome.usage,
            self.today(),
            outcome.consumed,
            outcome.held,
            title=_title(begun),
            cut=outcome.cut,
        )

    def failed(self, begun: Begun, error: HermesError, inputs: str = "finish") -> Ending:
        """Return the ending of a turn that failed; its messages make the move ``inputs``."""
        return Ending(
            begun.turn.id,
            "fail",
            inputs,
            self._owed(begun, explain(error)),
            error=error.message,
            day=self.today(),
        )

    def given_up(self, begun: Begun) -> Ending:
        """Return the ending of a turn that did not survive several attempts: its messages are set aside."""
        error = AgentError(
            f"I could not work on this message: {begun.turn.crashed} attempts ended in a crash. It is set aside.",
            remedy="/retry tries it once more.",
        )
        return self.failed(begun, error, "quarantine")

    async def store(self, begun: Begun, ending: Ending) -> Ending:
        """Commit an ending and return it, or what could be committed in its place.

        A turn without an end would block its session, so what cannot be part of it is left out: first the
        conversation (it has moved on, or was erased), then the answer, which becomes an explained error.
        """
        lost = HermesError("The answer could not be stored.", remedy="/retry asks again.")
        poorer = iter((replace(ending, conversation=None), self.failed(begun, lost)))
        while True:
            try:
                await self.database.write(turns.end, ending)
                return ending
            except StoreFull as error:
                log.warning("The end of turn %s waits: %s", begun.turn.id, error)
                await asyncio.sleep(FULL_SECONDS)
            except StoreError:
                raise
            except Exception:
                # Whatever is wrong with an ending, its turn has to end.
                log.exception("Turn %s cannot end as it did.", begun.turn.id)
                if (less := next(poorer, None)) is None:
                    raise
                ending = less

    def _owed(self, begun: Begun, text: str, replaces: str = "") -> list[Owed]:
        address = begun.session.address
        adapter = self.adapters.get((address.platform, address.account))
        return owed_pieces(f"turn:{begun.turn.id}", begun, text, adapter, replaces)


def _event(outcome: TurnOutcome) -> str:
    if outcome.held:
        return "suspend"
    if outcome.stopped:
        return "cancel"
    return "fail" if outcome.failed else "finish"


def _words(outcome: TurnOutcome, stopped_by: str) -> str:
    parts = [f"ℹ️ {notice}" for notice in outcome.notices]  # noqa: RUF001 - the sign for information
    if outcome.text.strip():
        parts.append(outcome.text)
    elif not (outcome.held or outcome.stopped or outcome.silent):
        parts.append("The agent ended without saying anything. /retry asks again.")
    if outcome.stopped:
        parts.append(f"⏹ Stopped by {stopped_by}.")
    return "\n\n".join(parts)


def _title(begun: Begun) -> str:
    words = " ".join(begun.rows[0].inbound.text.split())
    if begun.session.title or begun.turn.internal:
        return ""
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"

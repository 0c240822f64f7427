"""What a model's failure means: try it again, ask the next one, or tell the person."""

from dataclasses import dataclass

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelServerError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
)

from kernel.errors import ModelUnavailable


class ModelSilent(Exception):
    """The model sent nothing for longer than it may."""


class ModelSlow(Exception):
    """The model did send its answer, but so slowly that it would never be done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``again``: the same model may be asked again; ``wait``: the seconds it asked for; ``remedy``: the way out."""

    sentence: str
    again: bool = False
    wait: float | None = None
    remedy: str = ""


_OTHER_MODEL = "Try again later, or choose another model with /model."
_LASTING: tuple[tuple[type[Exception], str, str], ...] = (
    (
        ModelQuotaExceededError,
        "has no credit left",
        "Top up the account, or choose another model with /model.",
    ),
    (ModelAuthenticationError, "refuses the key", "Set a valid key with `hermes setup`."),
    (ModelNotFoundError, "is not known to its provider", "Check the name in agent.model and the base_url."),
    (ModelSlow, "is too slow", _OTHER_MODEL),
)
_PASSING: tuple[tuple[type[Exception], str], ...] = (
    (ModelRateLimitError, "is over its rate limit"),
    (ModelUnavailableError, "is overloaded"),
    (ModelServerError, "has an error of its own"),
    (ModelConnectionError, "cannot be reached"),
    (ModelSilent, "stays silent"),
)
# The library's words for a stream that was opened and closed with nothing in it.
EMPTY = "ended without content"


def judge(error: Exception) -> Verdict | None:
    """Return what to do about ``error``; ``None`` when another model would not help either."""
    if isinstance(error, ModelContextWindowExceededError):
        return None
    for kind, words, remedy in _LASTING:
        if isinstance(error, kind):
            return Verdict(words, remedy=remedy)
    for kind, words in _PASSING:
        if isinstance(error, kind):
            return Verdict(words, again=True, wait=getattr(error, "retry_after", None), remedy=_OTHER_MODEL)
    if isinstance(error, UnexpectedModelBehavior) and EMPTY in str(error):
        return Verdict("broke off before its answer began", again=True, remedy=_OTHER_MODEL)
    if isinstance(error, ModelUnavailable):
        return Verdict(f"cannot be used ({error.message})", remedy=error.remedy)
    if isinstance(error, ModelAPIError):
        return Verdict("refused the request", remedy=_OTHER_MODEL)
    return None


def unavailable(name: str, error: Exception) -> ModelUnavailable:
    """Return the error that tells a person why a model cannot be used."""
    verdict = judge(error) or Verdict("failed")
    return ModelUnavailable(f"{name} {verdict.sentence}.", remedy=verdict.remedy)

"""From a library's exceptions to sentences a person can act on."""

from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    IncompleteToolCall,
    ModelContextWindowExceededError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
    UserError,
)

from kernel.errors import AgentError

_WORDS: tuple[tuple[type[Exception], str, str], ...] = (
    (
        ContentFilterError,
        "The model refused to answer this.",
        "Rephrase it, or choose another model with /model.",
    ),
    (
        IncompleteToolCall,
        "The model's answer broke off in the middle of a tool call.",
        "Ask for a smaller step.",
    ),
    (
        OutputTokenLimitExceeded,
        "The model used up its output limit before it answered.",
        "Ask for less at once.",
    ),
    (
        ModelContextWindowExceededError,
        "The conversation is too long for the model.",
        "Send /compact, or /new.",
    ),
    (UnexpectedModelBehavior, "The model gave an answer that cannot be used.", "Try again with /retry."),
    (UserError, "The model library refused the request.", "See the log for details."),
    (AgentRunError, "The model failed.", "Try again with /retry."),
)


def explained(error: Exception) -> AgentError:
    """Return the error a person is shown for ``error``."""
    for kind, sentence, remedy in _WORDS:
        if isinstance(error, kind):
            return AgentError(sentence, remedy=remedy)
    return AgentError(f"The agent failed ({type(error).__name__}).", remedy="See the log for details.")

"""What is wrong with a value, in words for people: findings of a validator by their kind and its context."""

from collections.abc import Mapping
from typing import Any

_KINDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "dict_type": "must be a group of names and values",
    "model_type": "must be a group of names and values",
    "model_attributes_type": "must be a group of names and values",
    "none_required": "must be empty",
    "string_too_short": "must have at least {min_length} character{plural}",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
_PATTERNS: Mapping[str, str] = {
    r"^[a-z]+:.+$": "platform:id, such as telegram:123456789",
    r"^([a-z]+:.+|cli)$": "platform:id, such as telegram:123456789, or cli",
    r"^(user|operator|owner)$": "user, operator or owner",
    r"^(/.*)?$": "an absolute path",
    r"^(offline|[\w-]+:\S+)$": "provider:name such as openai:gpt-5.2, or offline",
    r"^[a-z0-9][a-z0-9_-]{0,30}$": "up to 31 small letters, digits, _ and -",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "letters, digits and _, and begin with no digit",
}
_OF_OURS = "Value error, "


def predicate(kind: str, context: Mapping[str, Any], message: str) -> str:
    """Return what is to be said behind a value's name, such as ``"must be 1 or more"``, without a full stop.

    ``kind``, ``context`` and ``message`` are a validator's; a check of ours has its own words in the message.
    """
    if message.startswith(_OF_OURS):
        return f"is not right: {message.removeprefix(_OF_OURS).rstrip('.')}"
    if kind == "string_pattern_mismatch":
        return f"must be {_PATTERNS.get(str(context.get('pattern', '')), 'written in another way')}"
    words = _KINDS.get(kind)
    if words is None:
        return f"is not right: {message[:1].lower()}{message[1:]}"
    plural = "" if context.get("min_length") == 1 else "s"
    shown = {name: f"{value:g}" if isinstance(value, float) else value for name, value in context.items()}
    return words.format_map({**shown, "plural": plural})

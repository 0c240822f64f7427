"""The schemas of tools in the form that a provider takes, each made once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic_ai.models import Model

TRANSFORMER = "json_schema_transformer"
# More than the tools of every server together; a server that lists its tools anew brings new schemas.
REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Transformed:
    """A finished walk over one schema, in the shape that pydantic-ai asks for."""

    result: dict[str, Any]
    is_strict_compatible: bool

    def walk(self) -> dict[str, Any]:
        """Return the schema for the provider; nobody changes it."""
        return self.result


class RememberedSchemas:
    """Stands in for a provider's schema transformer and walks each schema object once.

    A schema is known by its identity, since tools make theirs once and never change them; it is kept, so that no
    other can get its identity meanwhile. What a transformer raises is not remembered.
    """

    def __init__(self, transformer: Callable[..., Any]) -> None:
        self._transformer = transformer
        self._known: dict[tuple[int, bool | None], tuple[dict[str, Any], Transformed]] = {}

    def __call__(self, schema: dict[str, Any], *, strict: bool | None = None) -> Transformed:
        """Return the walk over a schema."""
        key = (id(schema), strict)
        if (found := self._known.get(key)) is not None:
            return found[1]
        walker = self._transformer(schema, strict=strict)
        result = walker.walk()
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        made = Transformed(result, walker.is_strict_compatible)
        self._known[key] = (schema, made)
        return made


def remember_schemas(model: Model) -> Model:
    """Let a model walk each schema once, not with every request: thirty tools cost it a millisecond a turn."""
    profile = cast("dict[str, Any]", model.profile)
    if (transformer := profile.get(TRANSFORMER)) is not None:
        profile[TRANSFORMER] = RememberedSchemas(transformer)
    return model

"""Findings of the validator in plain words: no term of a program's in any of them."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.operations import Pair, Revoke
from kernel.plain import predicate

TERMS = ("Input", "Extra", "Field", "String", "parse", "valid ", "pattern", "None")


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = Field(default=1, ge=1, lt=10)
    share: float = Field(default=0.5, gt=0, le=1)
    name: str = Field(default="x", min_length=1, max_length=3)
    names: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    kind: Literal["a", "b", "c"] = "a"
    on: bool = True
    inner: Pair | None = None
    zone: str = ""

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value == "moon":
            raise ValueError("there is no time on the moon")
        return value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": "x"}, "must be a whole number"),
        ({"count": 1.5}, "must be a whole number"),
        ({"count": 0}, "must be 1 or more"),
        ({"count": 10}, "must be less than 10"),
        ({"share": 0}, "must be more than 0"),
        ({"share": 2}, "must be 1 or less"),
        ({"share": "much"}, "must be a number"),
        ({"name": ""}, "must have at least 1 character"),
        ({"name": "abcd"}, "must have at most 3 characters"),
        ({"name": 5}, "must be text"),
        ({"names": ("a", "b")}, "must have at most 1 entries"),
        ({"names": 5}, "must be a list"),
        ({"kind": "d"}, "must be 'a', 'b' or 'c'"),
        ({"on": "perhaps"}, "must be true or false"),
        ({"nmae": 1}, "is not known here"),
        ({"inner": {}}, "is missing"),
        ({"inner": 1}, "must be a group of names and values"),
        ({"inner": {"code": "x", "role": "king"}}, "must be user, operator or owner"),
        ({"zone": "moon"}, "is not right: there is no time on the moon"),
    ],
)
def test_each_finding_has_plain_words(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(given)
    (found,) = caught.value.errors()
    told = predicate(found["type"], found.get("ctx", {}), found["msg"])
    assert told == words
    assert not any(term in told for term in TERMS)


def test_an_id_is_told_how_it_is_written() -> None:
    with pytest.raises(ValidationError) as caught:
        Revoke.model_validate({"id": "nobody"})
    (found,) = caught.value.errors()
    assert "telegram:123456789" in predicate(found["type"], found.get("ctx", {}), found["msg"])

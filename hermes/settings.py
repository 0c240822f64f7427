"""Reading the settings: environment, credentials, secrets file and ``config.yaml``, checked as one."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from hermes.home import Home, write_private
from hermes.layers import Keys, Layer, from_credentials, from_names, from_secrets, given, nearest
from hermes.plugins import YAML_LAYER
from hermes.plugins import load as load_late
from hermes.schema import Settings, layered
from kernel.errors import ConfigError
from kernel.plain import predicate

__all__ = [
    "Home",
    "InvalidSettings",
    "Loaded",
    "Problem",
    "Settings",
    "environment",
    "load",
    "load_or_last_good",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the dotted ``setting``, the ``place`` it was written at, and a sentence."""

    setting: str
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}"


class InvalidSettings(ConfigError):
    """The settings cannot be used; ``problems`` has all that is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        more = f" There are {len(problems) - 1} more problems." if len(problems) > 1 else ""
        super().__init__(
            f"{problems[0]}{more}", remedy="Correct it; `hermes config check` tells when all is well."
        )
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that can be used; ``problem`` is set when newer ones could not, and the last good ones stand in."""

    settings: Settings
    problem: ConfigError | None = None


def environment() -> Mapping[str, str]:
    """Return the environment of this process; the one place that reads it."""
    return os.environ


def crash_file() -> Path:
    """Return where the traceback of an unforeseen error is kept."""
    return Home.locate(environment()).logs / "crash.log"


def load(
    home: Home, *, environ: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Read and check all settings: ``overrides`` first, then environment, credentials, secrets file, config.yaml.

    Raises ConfigError with the place and the way out; the caller keeps what it has.
    """
    names = environment() if environ is None else environ
    return build([_yaml(home), from_secrets(home.secrets, Settings), *_above(names, overrides)])


def load_or_last_good(home: Home, *, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the settings for a start: a broken ``config.yaml`` or secrets file is replaced by what worked last.

    Raises ConfigError when nothing has ever worked, or when the environment is what is wrong.
    """
    names = environment() if environ is None else environ
    try:
        settings = load(home, environ=names)
    except ConfigError as problem:
        if not home.last_good.exists():
            raise
        return Loaded(build([_last_good(home), *_readable_secrets(home), *_above(names, None)]), problem)
    _remember(home)
    return Loaded(settings)


def winner(home: Home, setting: str, written: str, *, environ: Mapping[str, str]) -> str:
    """Return the place that wins over a setting as it is ``written`` (the name of a file), or an empty text.

    That is an environment variable, a credential, or a line of the secrets file; one that holds the section around
    the setting, or a part of it, counts too.
    """
    path = tuple(setting.strip().split("."))
    below = _readable_secrets(home) if written == home.config.name else []
    for layer in reversed([*below, *_above(environ, None)]):
        for found, place in layer.places.items():
            shared = min(len(found), len(path))
            if found[:shared] == path[:shared]:
                return place
    return ""


def build(layers: Sequence[Layer]) -> Settings:
    """Lay the layers (the lowest first) over one another and check the result; raise InvalidSettings."""
    try:
        return layered([given(layer.values) for layer in layers])
    except ValidationError as error:
        raise InvalidSettings([_problem(detail, layers) for detail in error.errors()]) from None


def _above(names: Mapping[str, str], overrides: Mapping[str, Any] | None) -> list[Layer]:
    return [
        from_credentials(names.get("CREDENTIALS_DIRECTORY", ""), Settings),
        from_names(names, Settings, "environment variable {}"),
        Layer(overrides or {}),
    ]


def _yaml(home: Home) -> Layer:
    return load_late(YAML_LAYER)(home.config) if home.config.exists() else Layer()


def _last_good(home: Home) -> Layer:
    return load_late(YAML_LAYER)(home.last_good)


def _readable_secrets(home: Home) -> list[Layer]:
    try:
        return [from_secrets(home.secrets, Settings)]
    except ConfigError:
        return []


def _remember(home: Home) -> None:
    """Keep a copy of the configuration that has just been found good; a full disk must not stop a start."""
    text = home.config.read_text("utf-8") if home.config.exists() else ""
    with suppress(OSError):
        if not home.last_good.exists() or home.last_good.read_text("utf-8") != text:
            write_private(home.last_good, text)


def _problem(detail: ErrorDetails, layers: Sequence[Layer]) -> Problem:
    """Turn one of pydantic's findings into a sentence with the place it is about."""
    path = tuple(str(part) for part in detail["loc"])
    setting = ".".join(path)
    if detail["type"] == "extra_forbidden":
        guess = nearest(Settings, path)
        hint = f"; did you mean {guess}?" if guess else "."
        return Problem(setting, _place(path, layers), f"there is no setting {setting}{hint}")
    wrong = predicate(detail["type"], detail.get("ctx", {}), detail["msg"])
    return Problem(setting, _place(path, layers), f"{setting} {wrong}.")


def _place(path: Keys, layers: Sequence[Layer]) -> str:
    """Return where the setting (or the nearest thing above it) is written; the highest layer has it."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if place := layer.places.get(path[:length]):
                return place
    return "settings"


def secret_values(settings: BaseModel) -> set[str]:
    """Return every secret in the settings, for redaction."""
    found: set[str] = set()
    queue: list[Any] = [settings]
    while queue:
        value = queue.pop()
        if isinstance(value, SecretStr):
            found.add(value.get_secret_value())
        elif isinstance(value, BaseModel):
            queue += [getattr(value, name) for name in type(value).model_fields]
        elif isinstance(value, Mapping):
            queue += value.values()
        elif isinstance(value, (list, tuple, set, frozenset)):
            queue += value
    return {secret for secret in found if secret}

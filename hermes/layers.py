"""The sources of settings as layers: nested values, each with the place it was written at."""

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from hermes.home import readable_by_others
from kernel.errors import ConfigError

Keys = tuple[str, ...]

PREFIX = "HERMES_"
NESTING = "__"

# Names that other programs use too, and the setting each one stands for.
CUSTOMARY: Mapping[str, Keys] = {
    "TELEGRAM_BOT_TOKEN": ("platforms", "telegram", "token"),
    "DISCORD_BOT_TOKEN": ("platforms", "discord", "token"),
    "SLACK_BOT_TOKEN": ("platforms", "slack", "bot_token"),
    "SLACK_APP_TOKEN": ("platforms", "slack", "app_token"),
    "SLACK_WEBHOOK_URL": ("platforms", "slack", "webhook_url"),
    "HERMES_MCP_URL": ("client", "mcp_url"),
    "ANTHROPIC_API_KEY": ("agent", "provider_keys", "anthropic"),
    "CEREBRAS_API_KEY": ("agent", "provider_keys", "cerebras"),
    "DEEPSEEK_API_KEY": ("agent", "provider_keys", "deepseek"),
    "FIREWORKS_API_KEY": ("agent", "provider_keys", "fireworks"),
    "GEMINI_API_KEY": ("agent", "provider_keys", "google"),
    "GOOGLE_API_KEY": ("agent", "provider_keys", "google"),
    "GROQ_API_KEY": ("agent", "provider_keys", "groq"),
    "MISTRAL_API_KEY": ("agent", "provider_keys", "mistral"),
    "MOONSHOTAI_API_KEY": ("agent", "provider_keys", "moonshotai"),
    "OPENAI_API_KEY": ("agent", "provider_keys", "openai"),
    "OPENROUTER_API_KEY": ("agent", "provider_keys", "openrouter"),
    "TOGETHER_API_KEY": ("agent", "provider_keys", "together"),
    "XAI_API_KEY": ("agent", "provider_keys", "xai"),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One source: nested ``values``, and for each path the place a person finds it at (``"config.yaml line 3"``)."""

    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    places: Mapping[Keys, str] = field(default_factory=dict[Keys, str])


def from_names(names: Mapping[str, str], model: type[BaseModel], place: str) -> Layer:
    """Read ``HERMES_A__B=value`` and the customary names; an empty value counts as not given.

    ``place`` is the sentence part that names the source, with ``{}`` for the variable. A ``HERMES_`` name without
    ``__`` that is no top-level setting is left alone: other programs have such names too.
    """
    values: dict[str, Any] = {}
    places: dict[Keys, str] = {}
    for path, name in _paths(names, model):
        put(values, path, _parse(names[name], annotation_at(model, path)))
        places[path] = place.format(name)
    return Layer(values, places)


def _paths(names: Mapping[str, str], model: type[BaseModel]) -> list[tuple[Keys, str]]:
    """Return path and name of each given setting; the own names come last, so that they win."""
    given = sorted(name for name, value in names.items() if value)
    customary = [(CUSTOMARY[name], name) for name in given if name in CUSTOMARY]
    known = [(path, name) for path, name in customary if annotation_at(model, path) is not None]
    prefixed = [name for name in given if name.startswith(PREFIX) and name not in CUSTOMARY]
    own: list[tuple[Keys, str]] = [
        (tuple(name.removeprefix(PREFIX).lower().split(NESTING)), name) for name in prefixed
    ]
    return known + [(path, name) for path, name in own if NESTING in name or path[0] in model.model_fields]


def from_credentials(folder: str, model: type[BaseModel]) -> Layer:
    """Read the credentials that systemd put into ``folder``: one file for each name, its content the value."""
    if not folder or not Path(folder).is_dir():
        return Layer()
    files = [path for path in Path(folder).iterdir() if path.is_file()]
    names = {path.name.upper(): path.read_text("utf-8").strip() for path in files}
    return from_names(names, model, "credential {}")


def from_secrets(path: Path, model: type[BaseModel]) -> Layer:
    """Read ``NAME=value`` lines; raise ConfigError where others may read the file or a line is no such pair."""
    if not path.exists():
        return Layer()
    if readable_by_others(path):
        raise ConfigError(f"Others may read {path}.", remedy=f"Run: chmod 600 {path}")
    names: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        text = line.strip().removeprefix("export ")
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"{path.name} line {number} is no NAME=value.", remedy="Write one pair a line.")
        names[name.strip()] = _unquote(value.strip())
    return from_names(names, model, path.name + ", {}")


def _unquote(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values without those that are empty (a YAML key with nothing behind it): they count as not given."""
    return {
        key: given(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if value is not None
    }


def put(values: dict[str, Any], path: Keys, value: Any) -> None:
    """Set ``value`` at ``path``, making the mappings on the way."""
    for part in path[:-1]:
        deeper = values.get(part)
        values[part] = values = deeper if isinstance(deeper, dict) else {}
    values[path[-1]] = value


def _parse(text: str, annotation: Any) -> Any:
    """Read a list or mapping as JSON, a plain list also with commas; leave everything else to the model."""
    kinds = {get_origin(part) or part for part in (annotation, *get_args(annotation))}
    if not kinds & {list, tuple, dict, set, frozenset, Sequence, Mapping}:
        return text
    if text.lstrip()[:1] in {"[", "{"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def annotation_at(model: type[BaseModel], path: Sequence[str]) -> Any:
    """Return the annotation of the setting at ``path``, or ``None`` where there is none."""
    annotation: Any = model
    for part in path:
        if get_origin(annotation) in {dict, Mapping}:
            annotation = get_args(annotation)[1]
            continue
        inner = submodel(annotation)
        if inner is None or part not in inner.model_fields:
            return None
        annotation = inner.model_fields[part].annotation
    return annotation


def submodel(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is, or is optionally."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def all_paths(model: type[BaseModel], above: Keys = ()) -> list[Keys]:
    """Return the path of every setting and section of ``model``."""
    paths: list[Keys] = []
    for name, info in model.model_fields.items():
        paths.append((*above, name))
        inner = submodel(info.annotation)
        if inner is not None:
            paths += all_paths(inner, (*above, name))
    return paths


def nearest(model: type[BaseModel], path: Sequence[str]) -> str:
    """Return the dotted setting a person most likely meant by ``path``, or an empty text."""
    known = {".".join(found): found for found in all_paths(model)}
    wanted = ".".join(path)
    siblings = [name for name, found in known.items() if found[:-1] == tuple(path[:-1])]
    same_name = [name for name, found in known.items() if found[-1] == path[-1]]
    for names, cutoff in ((siblings, 0.75), (same_name, 0.3), (siblings, 0.5), (list(known), 0.6)):
        if close := difflib.get_close_matches(wanted, names, 1, cutoff):
            return close[0]
    return ""

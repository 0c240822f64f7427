"""``config.example.yaml`` and its reference page, made from the settings' models."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from hermes.layers import CUSTOMARY, NESTING, PREFIX, Keys, submodel
from hermes.schema import Settings

WIDTH = 100

HEADER = """\
# The settings of Hermes, each with its default. Copy what you change to config.yaml in the home directory
# (~/.hermes-gateway, or HERMES_HOME) and take the # away; `hermes config check` tells whether all is well.
#
# Every setting can also come from the environment: HERMES_, then the names in capitals joined by two underscores,
# such as HERMES_WEB__PORT=8421; lists are written with commas or as JSON. Tokens and keys belong into secrets.env
# (mode 0600) in the home directory, one NAME=value a line, or into systemd credentials; the customary names work in
# all three places: {names}.
#
# What comes first wins: environment, credentials, secrets.env, config.yaml. `hermes config reload` (or SIGHUP) reads
# all of it again; while something is wrong, Hermes goes on with what worked last and shows `degraded`.
"""

REFERENCE = """\
# Settings

Made from the settings' models by `scripts/generate`. `config.example.yaml` has the same as a file to copy from; it
also says where settings come from. Every setting has an environment variable: `HERMES_`, then its names in capitals
joined by `__`; the last column names the customary variable where there is one.
"""


def render() -> str:
    """Return ``config.example.yaml``."""
    names = ", ".join(sorted(name for name, path in CUSTOMARY.items() if path[0] != "agent"))
    header = HEADER.format(names=f"{names} and the providers' own (OPENAI_API_KEY …)")
    lines = [*_wrapped_header(header), ""]
    for name, info in Settings.model_fields.items():
        model = submodel(info.annotation)
        assert model is not None  # noqa: S101 - the settings consist of sections
        lines += [*_comment(_sentence(model), ""), f"{name}:", *_section(model, "  "), ""]
    return "\n".join(lines).rstrip() + "\n"


def reference() -> str:
    """Return ``docs/reference/configuration.md``."""
    parts = [REFERENCE]
    for path, model in sections(Settings):
        rows = "\n".join(_row((*path, name), info) for name, info in _plain(model))
        if rows:
            title = ".".join(path)
            head = "| setting | default | meaning | also |\n|---|---|---|---|"
            parts.append(f"## {title}\n\n{_sentence(model)}\n\n{head}\n{rows}\n")
    return "\n".join(parts)


def sections(model: type[BaseModel], above: Keys = ()) -> Iterator[tuple[Keys, type[BaseModel]]]:
    """Yield every section below ``model`` with its path; ``NAME`` stands for a key that a person chooses."""
    for name, info in model.model_fields.items():
        inner = submodel(info.annotation)
        if inner is not None:
            path = (*above, name, "NAME") if _is_mapping(info) else (*above, name)
            yield path, inner
            yield from sections(inner, path)


def variable(path: Keys) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + NESTING.join(path).upper()


def default_text(info: FieldInfo) -> str:
    """Return a setting's default as YAML on one line; what must be given has an empty text."""
    if info.is_required():
        return '""'
    value = info.get_default(call_default_factory=True, validated_data={})
    return json.dumps(_as_plain(value), ensure_ascii=False)


def _as_plain(value: Any) -> Any:
    """Return ``value`` as what JSON knows."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return {name: _as_plain(item) for name, item in value}
    if isinstance(value, Mapping):
        return {name: _as_plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_as_plain(item) for item in value]
    return value


def limits(info: FieldInfo) -> str:
    """Return what a setting accepts beyond its type, such as ``"1 to 100"``, or an empty text."""
    bounds = {
        name: getattr(part, name)
        for part in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(part, name)
    }
    choices = _choices(info.annotation)
    if choices:
        return "one of " + ", ".join(choices)
    if "ge" in bounds and "le" in bounds:
        return f"{bounds['ge']} to {bounds['le']}"
    if bounds == {"ge": 0}:
        return ""
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    return " and ".join(f"{words[name]} {value}" for name, value in bounds.items())


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) or '""' for choice in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(choice.value) for choice in annotation]
    return []


def _plain(model: type[BaseModel]) -> list[tuple[str, FieldInfo]]:
    """Return what stands in a section's own table: all but the sections inside it."""
    fields = model.model_fields.items()
    return [
        item
        for item in fields
        if submodel(item[1].annotation) is None or _is_list(item[1]) or _is_mapping(item[1])
    ]


def _is_mapping(info: FieldInfo) -> bool:
    origin = get_origin(info.annotation)
    return isinstance(origin, type) and hasattr(origin, "keys")


def _is_list(info: FieldInfo) -> bool:
    return get_origin(info.annotation) in {tuple, list}


def _sentence(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").strip().partition("\n\n")[0].split())


def _section(model: type[BaseModel], indent: str, *, mark: str = "# ") -> list[str]:
    """Return a section's lines; ``mark`` takes settings out, and is empty inside a block that is out already."""
    lines: list[str] = []
    for name, info in model.model_fields.items():
        inner = submodel(info.annotation)
        lines += _comment(_explained(info), indent)
        if inner is None or _is_list(info):
            lines.append(f"{indent}{mark}{name}: {default_text(info)}")
        elif _is_mapping(info):
            block = [f"{name}:", "  NAME:", *_section(inner, "    ", mark=""), *_shown(info)]
            lines += [f"{indent}{mark}{line}" for line in block]
        else:
            lines += [f"{indent}{name}:", *_section(inner, indent + "  ", mark=mark)]
    return lines


def _shown(info: FieldInfo) -> list[str]:
    """Return the examples of a mapping, with which a person need not begin with nothing."""
    lines: list[str] = []
    for example in info.examples or ():
        text = yaml.safe_dump(_as_plain(example), sort_keys=False, width=WIDTH - 8, allow_unicode=True)
        lines += [f"  {line}" for line in text.splitlines()]
    return lines


def _explained(info: FieldInfo) -> str:
    accepted = limits(info)
    return f"{info.description or ''} ({accepted})" if accepted else info.description or ""


def _comment(text: str, indent: str) -> list[str]:
    width = WIDTH - len(indent)
    return [
        f"{indent}# {line}"
        for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    ]


def _wrapped_header(text: str) -> list[str]:
    """Wrap the header's paragraphs anew, because the names filled in change their lengths."""
    paragraphs = " ".join(line.removeprefix("#").strip() or "\n" for line in text.splitlines()).split("\n")
    return "\n#\n".join("\n".join(_comment(paragraph.strip(), "")) for paragraph in paragraphs).splitlines()


def _row(path: Keys, info: FieldInfo) -> str:
    customary = [f"`{name}`" for name, found in CUSTOMARY.items() if found == path]
    cells = (f"`{path[-1]}`", f"`{default_text(info)}`", _explained(info), ", ".join(customary))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

"""Changing ``config.yaml`` and ``secrets.env`` in place: only what is meant changes, comments stay."""

from collections.abc import Sequence
from typing import Any, get_args

import yaml
from pydantic import SecretStr

from hermes import settings, yaml_layer
from hermes.home import Home, write_private
from hermes.layers import CUSTOMARY, NESTING, PREFIX, Keys, annotation_at, from_names, nearest
from hermes.schema import Settings
from kernel.errors import ConfigError, InvalidInput

INDENT = 2


def change(home: Home, dotted: str, text: str) -> str:
    """Set one setting and return the name of the file that holds it now; a secret goes to ``secrets.env``.

    ``text`` is read as YAML unless the setting is a text. Raises InvalidInput for a setting that does not exist and
    ConfigError, with nothing written, where the result could not be used.
    """
    path = tuple(dotted.strip().split("."))
    annotation = annotation_at(Settings, path)
    if annotation is None:
        guess = nearest(Settings, path)
        raise InvalidInput(f"There is no setting {dotted}.", remedy=f"Did you mean {guess}?" if guess else "")
    if is_secret(annotation):
        return _keep_secret(home, path, text)
    return _configure(home, path, _value(path, text))


def is_secret(annotation: Any) -> bool:
    """Tell whether a setting is a secret."""
    return SecretStr in {annotation, *get_args(annotation)}


def _value(path: Keys, text: str) -> Any:
    """Read the text as the environment would be read, or as YAML where that says more."""
    layer = from_names({PREFIX + NESTING.join(path).upper(): text or '""'}, Settings, "{}")
    value: Any = layer.values
    for part in path:
        value = value[part]
    if annotation_at(Settings, path) is str or not isinstance(value, str):
        return text if isinstance(value, str) else value
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _configure(home: Home, path: Keys, value: Any) -> str:
    before = home.config.read_text("utf-8") if home.config.exists() else ""
    yaml_layer.parse(before, home.config.name)
    after = edited(before, path, value)
    try:
        settings.build([yaml_layer.parse(after, home.config.name)])
    except settings.InvalidSettings as error:
        mine = [problem for problem in error.problems if problem.setting == ".".join(path)]
        raise ConfigError(f"Nothing was changed: {(mine or error.problems)[0].sentence}") from None
    write_private(home.config, after)
    return home.config.name


def edited(text: str, path: Keys, value: Any) -> str:
    """Return YAML text with one setting changed or added; everything else stays as it is written."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode) and not root.value:
        text = text[: root.start_mark.index] + text[root.end_mark.index :].lstrip("\n")
    if not isinstance(root, yaml.MappingNode) or not root.value:
        return text + ("" if text.endswith("\n") or not text else "\n") + _lines(path, value, 0)
    node, depth = _deepest(root, path)
    if depth == len(path):
        return _replaced(text, node, value)
    return _inserted(text, node, path[depth:], value)


def _deepest(root: yaml.MappingNode, path: Keys) -> tuple[yaml.Node, int]:
    """Return the node nearest to ``path`` that exists, and how many of its names it covers."""
    node: yaml.Node = root
    for depth, part in enumerate(path):
        child = _child(node, part)
        if child is None:
            return node, depth
        node = child
    return node, len(path)


def _child(node: yaml.Node, name: str) -> yaml.Node | None:
    pairs: Sequence[tuple[yaml.Node, yaml.Node]] = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in pairs if key.value == name), None)


def _replaced(text: str, node: yaml.Node, value: Any) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    # The mark of a block list or mapping ends at the next key, behind blank lines and comments.
    lines = text[start:end].rstrip().split("\n")
    while len(lines) > 1 and lines[-1].strip()[:1] in {"", "#"}:
        lines.pop()
    before = text[:start].rstrip()
    # A list may begin in the first column of the next line, where a plain value must not stand.
    head = f"{before} " if before.endswith(":") else text[:start] + " " * (node.start_mark.column == 0)
    return head + _dump(value) + text[start + len("\n".join(lines)) :]


def _inserted(text: str, node: yaml.Node, rest: Keys, value: Any) -> str:
    """Add what is missing as the first entry of ``node``, a section that exists but may be empty."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        start = node.value[0][0].start_mark
        return (
            text[: start.index - start.column]
            + _lines(rest, value, start.column)
            + text[start.index - start.column :]
        )
    if isinstance(node, yaml.MappingNode) and node.value:
        raise InvalidInput(
            "That section is written in braces.", remedy="Edit config.yaml by hand, one setting a line."
        )
    start = node.start_mark
    line_end = text.find("\n", start.index)
    line_end = len(text) if line_end < 0 else line_end
    line_start = text.rfind("\n", 0, start.index) + 1
    column = len(text[line_start:]) - len(text[line_start:].lstrip(" ")) + INDENT
    head = text[:line_end].removesuffix("{}").removesuffix("null").rstrip(" ")
    return head + "\n" + _lines(rest, value, column).rstrip("\n") + text[line_end:]


def _lines(path: Keys, value: Any, column: int) -> str:
    sections = [f"{' ' * (column + INDENT * depth)}{name}:\n" for depth, name in enumerate(path[:-1])]
    return "".join(sections) + f"{' ' * (column + INDENT * (len(path) - 1))}{path[-1]}: {_dump(value)}\n"


def _dump(value: Any) -> str:
    """Return a value as YAML on one line, its letters as they are wherever they are read back as such."""
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    if yaml.safe_load(dumped) != value:
        # PyYAML writes a next-line control raw, and reads it back as a space.
        dumped = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return dumped.removesuffix("\n").removesuffix("\n...")


def _keep_secret(home: Home, path: Keys, value: str) -> str:
    """Write one secret, replacing the line it had under any of its names."""
    if "\n" in value:
        raise InvalidInput("A secret is one line.")
    own = PREFIX + NESTING.join(path).upper()
    names = [name for name, found in CUSTOMARY.items() if found == path]
    kept = [line for line in _secret_lines(home) if _name(line) not in {own, *names}]
    added = [f"{names[0] if names else own}={value}"] if value else []
    write_private(home.secrets, "\n".join([*kept, *added]) + "\n")
    return home.secrets.name


def _secret_lines(home: Home) -> list[str]:
    return home.secrets.read_text("utf-8").splitlines() if home.secrets.exists() else []


def _name(line: str) -> str:
    return line.strip().removeprefix("export ").partition("=")[0].strip()

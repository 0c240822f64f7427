"""``config.yaml`` as a layer of settings, with the line of every key."""

from pathlib import Path
from typing import Any

import yaml

from hermes.layers import Keys, Layer
from kernel.errors import ConfigError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Layer:
    """Read a YAML file; raise ConfigError, naming the line, for one that cannot be understood."""
    try:
        return parse(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(
            f"{path} cannot be read: {reason}.", remedy="Make it a text file this user may read."
        ) from None


def parse(text: str, name: str) -> Layer:
    """Read YAML text; ``name`` stands for the file in messages."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Layer()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(
                f"{name} holds no settings.", remedy="Write `section:` and below it `  setting: value`."
            )
        places = _places(node, name)
        return Layer(loader.construct_document(node), places)
    except yaml.YAMLError as error:
        raise _explained(error, name) from None
    finally:
        loader.dispose()


def _places(root: yaml.MappingNode, name: str) -> dict[Keys, str]:
    """Return the line of every key; raise ConfigError where one is written twice."""
    places: dict[Keys, str] = {}
    queue: list[tuple[Keys, yaml.MappingNode]] = [((), root)]
    seen: set[int] = set()
    while queue:
        above, node = queue.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        for key, value in node.value:
            path = (*above, str(key.value))
            place = f"{name} line {key.start_mark.line + 1}"
            if path in places:
                raise ConfigError(
                    f"{place}: {'.'.join(path)} is written twice.", remedy=f"Keep one ({places[path]})."
                )
            places[path] = place
            if isinstance(value, yaml.MappingNode):
                queue.append((path, value))
    return places


def _explained(error: yaml.YAMLError, name: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    line = f" line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return ConfigError(
        f"{name}{line} is not valid YAML: {problem}.",
        remedy="Check the indentation (spaces, no tabs), the colons and the quotes there.",
    )

"""The generated files say what the settings' models say."""

import importlib.machinery
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from pydantic import BaseModel

from hermes import example
from hermes.layers import Keys, Layer, given, submodel
from hermes.schema import Settings

ROOT = Path(__file__).parents[3]


def generator() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("generate", str(ROOT / "scripts/generate"))
    spec = importlib.util.spec_from_loader("generate", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", generator().FILES)
def test_a_generated_file_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text("utf-8") == generator().made(generator().FILES[name]), (
        "run: scripts/generate"
    )


def test_the_example_as_it_is_sets_nothing() -> None:
    sections = yaml.safe_load(example.render())
    assert list(sections) == list(Settings.model_fields)
    assert Settings.model_validate(given(Layer(sections).values)) == Settings()


def uncommented(text: str) -> str:
    """Take the mark away from every setting; explanations stay comments."""
    return re.sub(r"^( +)# (\w+: ?\S.*)$", r"\1\2", text, flags=re.MULTILINE)


def settings_below(model: type[BaseModel], above: Keys = ()) -> list[Keys]:
    found: list[Keys] = []
    for name, info in model.model_fields.items():
        inner = submodel(info.annotation)
        plain = inner is None or str(info.annotation).startswith(("tuple", "dict", "collections", "typing"))
        found += [(*above, name)] if plain or inner is None else settings_below(inner, (*above, name))
    return found


def test_the_example_with_everything_taken_in_is_the_default() -> None:
    body = example.render().partition("\n\n")[2]
    values = yaml.safe_load(uncommented(body))
    assert Settings.model_validate(values) == Settings()
    missing = [".".join(path) for path in settings_below(Settings) if not has(values, path)]
    # What a person names is shown as a commented block.
    named = {"agent.acp", "agent.mcp", "board.programs", "cron.seeds", "delivery.rates"}
    assert missing == [path for path in missing if path in named]


def has(values: object, path: Keys) -> bool:
    for part in path:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def test_every_setting_has_its_row_in_the_reference() -> None:
    parts = {part.partition("\n")[0]: part for part in example.reference().split("\n## ")}
    missing = [
        ".".join(path)
        for path in settings_below(Settings)
        if f"\n| `{path[-1]}` |" not in parts[".".join(path[:-1])]
    ]
    assert missing == []

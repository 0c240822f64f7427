"""Changing one setting in place: the rest of the file stays as it was written."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from hermes.edit import change, edited
from hermes.home import Home
from hermes.settings import load
from kernel.errors import ConfigError, HermesError, InvalidInput


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


CASES = [
    ("", "web.port", 1, "web:\n  port: 1\n"),
    ("# only a comment\n", "web.port", 1, "# only a comment\nweb:\n  port: 1\n"),
    ("web:\n  port: 8420 # keep\n  host: x\n", "web.port", 9, "web:\n  port: 9 # keep\n  host: x\n"),
    ("web:\n  port: 1\n", "log.level", "debug", "log:\n  level: debug\nweb:\n  port: 1\n"),
    ("web:\n    port: 1\n", "web.host", "q", "web:\n    host: q\n    port: 1\n"),
    (
        "web:\n  # why\n  # port: 1\nlog: {}\n",
        "web.port",
        5,
        "web:\n  port: 5\n  # why\n  # port: 1\nlog: {}\n",
    ),
    ("web: {}\n", "web.port", 5, "web:\n  port: 5\n"),
    ("web:", "web.port", 5, "web:\n  port: 5"),
    ("web:\n  port:\n", "web.port", 5, "web:\n  port: 5\n"),
    ("a:\n- 1\n# c\nb: 1\n", "a", 0, "a: 0\n# c\nb: 1\n"),
    ("a: [1,\n  2]\n\n# notes\nb: 1\n", "a", [3], "a: [3]\n\n# notes\nb: 1\n"),
    ("p:\n  t:\n", "p.t.proxy", "a: b", "p:\n  t:\n    proxy: 'a: b'\n"),
]


@pytest.mark.parametrize(("before", "path", "value", "after"), CASES)
def test_only_what_is_meant_changes(before: str, path: str, value: Any, after: str) -> None:
    assert edited(before, tuple(path.split(".")), value) == after


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(st.integers(), st.booleans(), st.text(), st.lists(st.text(), min_size=1), st.none())
TREES = st.recursive(VALUES, lambda inner: st.dictionaries(NAMES, inner, min_size=1), max_leaves=8)


@example(tree={}, path=("a",), value="\x85")
@example(tree={"a": "\x85", "b": 1}, path=("b",), value=["\x85"])
@given(
    tree=st.dictionaries(NAMES, TREES, max_size=3),
    path=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    value=st.one_of(st.integers(), st.text(), st.lists(st.text())),
)
def test_whatever_the_file_holds_the_setting_is_set_and_the_others_stay(
    tree: dict[str, Any], path: tuple[str, ...], value: Any
) -> None:
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
    # What the file holds is what is read from it: PyYAML itself writes some controls so that they are not read back.
    tree = yaml.safe_load(text)
    node: Any = tree
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
        if node is not None and not isinstance(node, dict):
            return
    wanted: Any = tree
    for part in path[:-1]:
        wanted[part] = wanted.get(part) or {}
        wanted = wanted[part]
    wanted[path[-1]] = value
    assert yaml.safe_load(edited(text, path, value)) == tree


def test_a_setting_is_written_and_read_back(home: Home) -> None:
    assert change(home, "web.port", "9000") == "config.yaml"
    assert change(home, "access.owners", "telegram:1,telegram:2") == "config.yaml"
    assert change(home, "owner.name", "12") == "config.yaml"
    settings = load(home, environ={})
    assert (settings.web.port, settings.access.owners, settings.owner.name) == (
        9000,
        ("telegram:1", "telegram:2"),
        "12",
    )


def test_a_secret_goes_to_the_secrets_file_and_replaces_its_line(home: Home) -> None:
    home.secrets.write_text("# mine\nTELEGRAM_BOT_TOKEN=1:old\nOPENAI_API_KEY=k\n")
    home.secrets.chmod(0o600)
    assert change(home, "platforms.telegram.token", "2:new") == "secrets.env"
    assert home.secrets.read_text() == "# mine\nOPENAI_API_KEY=k\nTELEGRAM_BOT_TOKEN=2:new\n"
    change(home, "agent.provider_keys.openai", "")
    assert home.secrets.read_text() == "# mine\nTELEGRAM_BOT_TOKEN=2:new\n"
    assert home.secrets.stat().st_mode & 0o777 == 0o600


def test_a_secret_without_a_customary_name_gets_ours(home: Home) -> None:
    change(home, "platforms.telegram.webhook.secret", "abc")
    assert home.secrets.read_text() == "HERMES_PLATFORMS__TELEGRAM__WEBHOOK__SECRET=abc\n"
    assert load(home, environ={}).platforms.telegram.webhook.secret.get_secret_value() == "abc"


def test_an_unknown_setting_is_refused_with_the_nearest(home: Home) -> None:
    with pytest.raises(InvalidInput, match=r"There is no setting web.prot. Did you mean web.port\?"):
        change(home, "web.prot", "1")


@pytest.mark.parametrize(
    ("name", "value"), [("web.port", "x"), ("log.level", "loud"), ("owner.timezone", "Mars")]
)
def test_a_value_that_does_not_fit_changes_nothing(home: Home, name: str, value: str) -> None:
    home.config.write_text("# mine\n")
    with pytest.raises(ConfigError, match="Nothing was changed"):
        change(home, name, value)
    assert home.config.read_text() == "# mine\n"


def test_a_file_that_is_broken_already_is_left_alone(home: Home) -> None:
    home.config.write_text("web: [\n")
    with pytest.raises(ConfigError, match="not valid YAML"):
        change(home, "web.host", "::1")
    assert home.config.read_text() == "web: [\n"


def test_a_section_in_braces_is_left_to_its_author(home: Home) -> None:
    home.config.write_text("web: {port: 1}\n")
    with pytest.raises(HermesError, match=r"Edit config\.yaml by hand"):
        change(home, "web.host", "::1")

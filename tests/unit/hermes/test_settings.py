"""Settings: where they come from, what wins, and what a person is told."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from hermes.home import Home
from hermes.layers import CUSTOMARY, all_paths, annotation_at, submodel
from hermes.schema import Settings
from hermes.settings import InvalidSettings, load, load_or_last_good, secret_values
from kernel.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def read(home: Home) -> Callable[..., Settings]:
    """Return a function that writes ``config.yaml`` and reads the settings in a given environment."""

    def read(yaml: str = "", **environ: str) -> Settings:
        home.config.write_text(yaml)
        return load(home, environ=environ)

    return read


def write_secrets(home: Home, text: str, mode: int = 0o600) -> None:
    home.secrets.write_text(text)
    home.secrets.chmod(mode)


def problems(home: Home, **environ: str) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        load(home, environ=environ)
    return [str(problem) for problem in caught.value.problems]


def test_without_any_source_every_setting_has_its_default(home: Home) -> None:
    assert load(home, environ={}) == Settings()


def test_config_yaml_sets_what_it_names_and_leaves_the_rest(read: Callable[..., Settings]) -> None:
    settings = read("web:\n  port: 9000\n")
    assert (settings.web.port, settings.web.host) == (9000, "127.0.0.1")


def test_the_environment_wins_over_every_file(home: Home, tmp_path: Path) -> None:
    home.config.write_text("web: {port: 1001}\nlog: {level: debug}\n")
    write_secrets(home, "HERMES_WEB__PORT=1002\nHERMES_LOG__FILES=7\n")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "hermes_web__port").write_text("1003\n")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    assert load(home, environ={**environ, "HERMES_WEB__PORT": "1004"}).web.port == 1004
    assert load(home, environ=environ).web.port == 1003
    assert load(home, environ={}).web.port == 1002
    assert (load(home, environ={}).log.files, load(home, environ={}).log.level) == (7, "debug")


def test_overrides_win_over_the_environment(home: Home) -> None:
    assert load(home, environ={"HERMES_WEB__PORT": "1004"}, overrides={"web": {"port": 5}}).web.port == 5


def test_customary_names_stand_for_settings_and_the_own_name_wins(read: Callable[..., Settings]) -> None:
    both = {"TELEGRAM_BOT_TOKEN": "1:a", "HERMES_PLATFORMS__TELEGRAM__TOKEN": "2:b"}
    assert read(TELEGRAM_BOT_TOKEN="1:a").platforms.telegram.token.get_secret_value() == "1:a"
    assert read(**both).platforms.telegram.token.get_secret_value() == "2:b"
    assert read(OPENAI_API_KEY="k").agent.provider_keys["openai"].get_secret_value() == "k"
    assert read(HERMES_MCP_URL="http://h:1").client.mcp_url == "http://h:1"


@pytest.mark.parametrize(
    "text", ["telegram:1,telegram:2", '["telegram:1", "telegram:2"]', " telegram:1 , telegram:2,"]
)
def test_a_list_in_the_environment_is_written_with_commas_or_as_json(
    read: Callable[..., Settings], text: str
) -> None:
    assert read(HERMES_ACCESS__OWNERS=text).access.owners == ("telegram:1", "telegram:2")


def test_a_mapping_s_entries_can_be_named_one_by_one(read: Callable[..., Settings]) -> None:
    server = read(
        HERMES_AGENT__MCP__FILES__COMMAND="serve", HERMES_AGENT__MCP__FILES__ARGS="-a,-b"
    ).agent.mcp["files"]
    assert (server.command, server.args) == ("serve", ("-a", "-b"))


def test_an_empty_variable_counts_as_not_given(read: Callable[..., Settings]) -> None:
    assert read("web: {port: 9000}", HERMES_WEB__PORT="", TELEGRAM_BOT_TOKEN="").web.port == 9000


def test_an_empty_section_and_an_empty_value_are_defaults(read: Callable[..., Settings]) -> None:
    assert read("web:\nplatforms:\n  telegram:\nlog:\n  level:\n") == Settings()


def test_variables_of_other_programs_are_left_alone(read: Callable[..., Settings]) -> None:
    assert read(HERMES_YOLO="1", HERMES_HOME="/x", HERMES_TEST="1", WEB__PORT="3") == Settings()


def test_an_unknown_key_is_told_with_its_line_and_the_nearest_setting(home: Home) -> None:
    home.config.write_text("log:\n  level: info\nweb:\n  prot: 1\n")
    assert problems(home) == ["config.yaml line 4: there is no setting web.prot; did you mean web.port?"]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("telegram.token", "platforms.telegram"), ("agent.modle", "agent.model"), ("wbe.port", "web")],
)
def test_the_suggestion_finds_settings_that_stand_elsewhere(home: Home, wrong: str, meant: str) -> None:
    section, name = wrong.split(".")
    home.config.write_text(f"{section}:\n  {name}: x\n")
    assert any(f"did you mean {meant}?" in problem for problem in problems(home))


def test_a_wrong_variable_is_named(home: Home) -> None:
    assert problems(home, HERMES_WEB__PROT="1") == [
        "environment variable HERMES_WEB__PROT: there is no setting web.prot; did you mean web.port?"
    ]
    assert problems(home, HERMES_WEB__PORT="x")[0].startswith(
        "environment variable HERMES_WEB__PORT: web.port must be a whole number."
    )


def test_every_problem_is_told_at_once(home: Home) -> None:
    home.config.write_text("web:\n  port: 70000\nlog:\n  level: loud\nnonsense: 1\n")
    assert len(problems(home)) == 3


def test_a_problem_never_quotes_a_secret(home: Home) -> None:
    home.config.write_text(
        "platforms:\n  telegram:\n    token: [topsecretvalue]\n    webhook: topsecretvalue\n"
    )
    assert "topsecretvalue" not in " ".join(problems(home))


@pytest.mark.parametrize(
    ("text", "line"),
    [("web:\n\tport: 1\n", 2), ("web:\n  port: [1\n", 3), ("a: 1\nb: 'x\n", 3), ("a: 1\n b: 2\n", 2)],
)
def test_invalid_yaml_is_told_with_its_line(home: Home, text: str, line: int) -> None:
    home.config.write_text(text)
    with pytest.raises(ConfigError, match=rf"config.yaml line {line} is not valid YAML"):
        load(home, environ={})


def test_a_key_written_twice_is_refused(home: Home) -> None:
    home.config.write_text("web:\n  port: 1\nlog: {}\nweb:\n  port: 2\n")
    with pytest.raises(
        ConfigError, match=r"config.yaml line 4: web is written twice. Keep one \(config.yaml line 1\)"
    ):
        load(home, environ={})


@pytest.mark.parametrize(
    "content", [b"just words", b"- a\n- b\n", b"\xff\xfe\x00", b"!!python/object:os.system x"]
)
def test_a_file_that_holds_no_settings_is_refused_with_a_sentence(home: Home, content: bytes) -> None:
    home.config.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(home, environ={})
    assert caught.value.remedy


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secrets_file_that_others_may_read_is_refused(home: Home, mode: int) -> None:
    write_secrets(home, "OPENAI_API_KEY=k\n", mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(home, environ={})


def test_the_secrets_file_knows_comments_quotes_and_export(home: Home) -> None:
    write_secrets(home, "# a comment\n\nexport OPENAI_API_KEY='k e y'\nTELEGRAM_BOT_TOKEN=\"1:a=b\"\n")
    settings = load(home, environ={})
    assert settings.agent.provider_keys["openai"].get_secret_value() == "k e y"
    assert settings.platforms.telegram.token.get_secret_value() == "1:a=b"


def test_a_line_without_an_equals_sign_is_told(home: Home) -> None:
    write_secrets(home, "OPENAI_API_KEY=k\nnonsense\n")
    with pytest.raises(ConfigError, match=r"secrets.env line 2 is no NAME=value"):
        load(home, environ={})


def test_an_unknown_timezone_is_refused(home: Home) -> None:
    assert "Europe/Berlin" in problems(home, HERMES_OWNER__TIMEZONE="Mars/Olympus")[0]


def test_a_start_with_a_broken_file_uses_what_worked_last_and_says_so(home: Home) -> None:
    home.config.write_text("web: {port: 9001}\n")
    assert load_or_last_good(home, environ={}).problem is None
    home.config.write_text("web: {port: 9001\n")
    loaded = load_or_last_good(home, environ={})
    assert loaded.settings.web.port == 9001
    assert "not valid YAML" in str(loaded.problem)


def test_a_start_with_an_open_secrets_file_goes_on_without_it(home: Home) -> None:
    load_or_last_good(home, environ={})
    write_secrets(home, "OPENAI_API_KEY=k\n", 0o644)
    loaded = load_or_last_good(home, environ={})
    assert "openai" not in loaded.settings.agent.provider_keys
    assert "chmod 600" in str(loaded.problem)


def test_a_first_start_with_a_broken_file_is_refused(home: Home) -> None:
    home.config.write_text("web: {port: 9001\n")
    with pytest.raises(ConfigError):
        load_or_last_good(home, environ={})


def test_a_wrong_environment_is_refused_even_when_something_worked_before(home: Home) -> None:
    load_or_last_good(home, environ={})
    with pytest.raises(ConfigError):
        load_or_last_good(home, environ={"HERMES_WEB__PORT": "x"})


def models(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for info in model.model_fields.values():
        inner = submodel(info.annotation)
        if inner is not None:
            found += models(inner)
    return found


@pytest.mark.parametrize("model", models(Settings), ids=lambda model: model.__name__)
def test_every_section_is_frozen_closed_and_explained(model: type[BaseModel]) -> None:
    assert model.model_config.get("frozen")
    assert model.model_config.get("extra") == "forbid"
    assert model.__doc__
    silent = [
        name
        for name, info in model.model_fields.items()
        if not info.description and submodel(info.annotation) is None
    ]
    assert silent == []


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().web.port = 1


def test_every_customary_name_stands_for_a_setting() -> None:
    assert [name for name, path in CUSTOMARY.items() if annotation_at(Settings, path) is None] == []


def test_every_secret_of_the_settings_is_known_for_redaction(read: Callable[..., Settings]) -> None:
    fallback, server = "[{model: 'a:b', api_key: in-a-list}]", "{x: {command: y, env: {K: in-a-mapping}}}"
    yaml = f"agent:\n  fallback: {fallback}\n  mcp: {server}\n"
    settings = read(yaml, TELEGRAM_BOT_TOKEN="1:token", OPENAI_API_KEY="the-key")
    assert secret_values(settings) == {"1:token", "the-key", "in-a-list", "in-a-mapping"}


def test_no_setting_has_the_name_of_a_section() -> None:
    paths = all_paths(Settings)
    assert len(paths) == len(set(paths))


def modules_after(statement: str, environ: Mapping[str, str]) -> set[str]:
    program = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(environ)
    )
    found: list[Any] = json.loads(done.stdout)
    return set(found)


HEAVY = {
    "fastapi", "httpx", "mcp", "pydantic_ai", "rich", "sqlite3", "starlette", "structlog", "telegram", "typer", "yaml",
}  # fmt: skip


def test_reading_settings_loads_nothing_heavy(tmp_path: Path) -> None:
    statement = "from hermes.start import *\nload_or_last_good(Home.locate(environment()))"
    assert modules_after(statement, {"HERMES_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}) & HEAVY == set()

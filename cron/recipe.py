"""What a recipe is: a small module that does one useful thing when its time comes.

A recipe's module offers ``RECIPE``; ``cron.recipes.RECIPES`` names the modules, which are loaded when they run::

    class NewsSettings(RecipeSettings):
        feeds: tuple[str, ...] = Field(description="Addresses of RSS or Atom feeds.")

    async def run(context: RecipeContext[NewsSettings]) -> RecipeResult: ...

    RECIPE = Recipe("news_brief", "New items of feeds, grouped.", NewsSettings, run)

A job's ``options`` become the settings. What is returned as ``cursor`` comes back with the next run, and only what is
returned counts: a run that raised keeps the cursor of the one before it. A recipe may run twice for one instant (a
crash, a retry), so what it does elsewhere must be the same twice as once.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from kernel.errors import HermesError


class RecipeSettings(BaseModel):
    """Settings of a recipe: unchangeable, and closed to names it does not know.

    They are stored with the job, so a password is never one of them: a setting names a secret of ``cron.secrets``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


SettingsType = TypeVar("SettingsType", bound=RecipeSettings)


class RecipeFailed(HermesError):
    """A recipe could not do its work; the message is told to the person, and the run counts as failed."""


@dataclass(frozen=True, slots=True)
class RecipeResult:
    """What a run gives: Markdown (empty: nothing to say) and files to send.

    ``changed`` says whether there is news: a result without is not delivered. ``cursor`` is kept for the next run.
    """

    text: str = ""
    files: tuple[Path, ...] = ()
    changed: bool = True
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer over HTTP; ``headers`` have lower-case names."""

    status: int
    body: bytes
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")


class Http(Protocol):
    """Fetches over HTTP; private addresses are refused unless ``cron.allow_private`` has their network."""

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limit: int = 5_000_000
    ) -> Reply:
        """Return the answer behind redirects; raise RecipeFailed where there is none or it is over ``limit`` bytes."""
        ...

    async def address(self, host: str, port: int) -> str:
        """Return the number of a host that is reached without HTTP; raise RecipeFailed where it may not be reached."""
        ...


class House(Protocol):
    """What the daemon knows of itself, for recipes that report on it."""

    async def status(self) -> Mapping[str, Any]:
        """Return the status as ``hermes status --json`` shows it."""
        ...

    async def digest(self, since: int) -> Mapping[str, Any]:
        """Return what happened since a time (milliseconds).

        Keys: ``turns`` and ``failed_turns`` (counts), ``tasks`` (list of ``{id, title, state}`` that ended), ``runs``
        and ``failures`` (jobs' runs by outcome; ``failures`` is a list of ``{name, error}``), ``approvals`` (waiting
        ones as ``{short, text}``), ``cost`` (US dollars), ``tokens``, ``upcoming`` (list of ``{name, at}``, the next
        ten), ``dead`` (undeliverable messages).
        """
        ...


@dataclass(frozen=True, slots=True)
class RecipeContext(Generic[SettingsType]):
    """What a run is given.

    ``now`` is the instant's time and ``last_run`` when a run last ended well (0: never), in milliseconds; ``folder`` is
    the job's own and kept; ``home`` is Hermes' own. ``secret(name)`` returns a secret of ``cron.secrets`` or raises
    RecipeFailed. ``summarise(instruction, material)`` asks the configured model and returns ``""`` where there is none
    or it fails: every recipe has a plain text for that. The material is data from outside and framed as such.
    """

    settings: SettingsType
    cursor: str
    now: int
    last_run: int
    zone: ZoneInfo
    folder: Path
    home: Path
    http: Http
    house: House
    secret: Callable[[str], str]
    summarise: Callable[[str, str], Awaitable[str]]


Run = Callable[[RecipeContext[Any]], Awaitable[RecipeResult]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe: its name, a sentence, the model of its settings, and what it does; ``secrets`` it may ask for."""

    name: str
    summary: str
    settings: type[RecipeSettings]
    run: Run
    secrets: Sequence[str] = ()

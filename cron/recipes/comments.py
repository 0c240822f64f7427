"""Sources of comments: feeds, JSON endpoints, and the comment threads of YouTube's Data API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode, urljoin

from pydantic import Field, TypeAdapter, ValidationError

from cron.recipe import Http, RecipeFailed, RecipeSettings, Reply
from cron.recipes import cursors, feeds
from cron.recipes.items import Item
from cron.recipes.prose import one_line, plain
from cron.recipes.reading import Page, closed, fetched

SECOND_MS = 1000
# Times of JSON beyond this are in milliseconds already: as seconds they would be in the year 5138.
MILLISECONDS_FROM = 100_000_000_000
LATEST_MS = 253_402_300_000_000
LONGEST_COMMENT = 1000
Name = Annotated[str, Field(default="", max_length=80, description="What it is called; empty: its address.")]
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


class FeedSource(RecipeSettings):
    """Comments in an RSS or Atom feed, as most weblogs offer them."""

    kind: Literal["feed"] = Field(description="feed")
    url: str = Field(min_length=1, max_length=2000, description="Its address.")
    name: Name

    @property
    def key(self) -> str:
        """What the source is remembered by."""
        return self.url


class JsonSource(RecipeSettings):
    """Comments in JSON; a path is names and positions joined by dots, such as ``data.0.author.name``."""

    kind: Literal["json"] = Field(description="json")
    url: str = Field(min_length=1, max_length=2000, description="Its address.")
    name: Name
    items: str = Field(default="", description="The path to the list; empty: the answer is the list.")
    id: str = Field(default="id", description="A comment's path to what identifies it.")
    text: str = Field(default="text", description="Its path to the text.")
    author: str = Field(default="author", description="Its path to the author's name.")
    link: str = Field(default="url", description="Its path to its address.")
    time: str = Field(
        default="created_at", description="Its path to its time: ISO 8601, seconds or milliseconds."
    )
    next: str = Field(default="", description="The answer's path to the address of the next page.")
    secret: str = Field(default="", description="The name of a secret of cron.secrets that is sent along.")
    header: str = Field(
        default="Authorization", pattern=r"^[A-Za-z0-9-]+$", description="The header that carries it."
    )
    scheme: str = Field(default="Bearer", description="The word before it; empty: none.")

    @property
    def key(self) -> str:
        """What the source is remembered by."""
        return self.url


class YoutubeSource(RecipeSettings):
    """Comments below a video, or below all videos of a channel, by YouTube's Data API."""

    kind: Literal["youtube"] = Field(description="youtube")
    name: Name
    video: str = Field(default="", max_length=64, description="A video's id.")
    channel: str = Field(default="", max_length=64, description="Or a channel's id: all of its videos.")
    secret: str = Field(default="youtube", description="The name of the secret that is the API key.")
    base: str = Field(
        default="https://www.googleapis.com", max_length=2000, description="The API's base address."
    )

    @property
    def key(self) -> str:
        """What the source is remembered by."""
        return f"youtube:{self.video or self.channel}"


Source = Annotated[FeedSource | JsonSource | YoutubeSource, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Call:
    """What reading a source needs: ``secret`` is its value, ``pages`` how many pages are read at most."""

    http: Http
    secret: str
    pages: int
    memory: Mapping[str, Any]


async def read(source: Source, call: Call) -> Page:
    """Return what a source shows, the newest first; raise RecipeFailed where it cannot be read."""
    match source:
        case FeedSource():
            return await _feed(source, call)
        case JsonSource():
            return await _json(source, call)
        case YoutubeSource():
            return await _youtube(source, call)


async def _feed(source: FeedSource, call: Call) -> Page:
    title, items = feeds.read(await fetched(call.http, source.url, {}))
    return Page([_named(item, source.name or title) for item in items])


async def _json(source: JsonSource, call: Call) -> Page:
    headers: dict[str, str] = {}
    if call.secret:
        await closed(call.http, source.url)
        headers[source.header] = f"{source.scheme} {call.secret}".strip()
    found: list[Item] = []
    url = source.url
    for _ in range(call.pages):
        answer = _parsed(await fetched(call.http, url, headers))
        page = at(answer, source.items)
        if not isinstance(page, list):
            raise RecipeFailed(f"{source.url} has no list at {source.items or 'its top'}.")
        items = [_comment(source, entry) for entry in page]
        found += items
        there = str(at(answer, source.next) or "") if source.next else ""
        if not there or not items or _reaches_back(items, call.memory):
            break
        url = _same_host(url, there)
    return Page(found)


def _same_host(url: str, there: str) -> str:
    """Return the next page's address; a secret must not follow it to another host."""
    joined = urljoin(url, there)
    if joined.split("/")[:3] != url.split("/")[:3]:
        raise RecipeFailed(f"{url} names a next page on another host.")
    return joined


def _reaches_back(items: Sequence[Item], memory: Mapping[str, Any]) -> bool:
    """Tell whether a page leads on to what is known; a first comment may be pinned there, so it says nothing."""
    seen = set(cursors.words(memory, "seen"))
    return "seen" not in memory or any(item.key in seen for item in items[1:] or items)


def _comment(source: JsonSource, entry: Any) -> Item:
    text = plain(_text(at(entry, source.text)), LONGEST_COMMENT)
    author = one_line(_text(at(entry, source.author)), 80)
    identity = _text(at(entry, source.id)) or f"{author}\n{text}"
    link = urljoin(source.url, _text(at(entry, source.link))) if at(entry, source.link) else ""
    return Item(identity, "", link, author, text, moment(at(entry, source.time)), source.name or source.url)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def at(value: Any, path: str) -> Any:
    """Return what stands at a path, ``None`` where there is nothing."""
    for name in path.split(".") if path else ():
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def moment(value: Any) -> int:
    """Return a time in milliseconds, 0 where it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        told_ms = value if value >= MILLISECONDS_FROM else value * SECOND_MS
        return int(told_ms) if 0 <= told_ms < LATEST_MS else 0
    try:
        told = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return 0
    if told is None:
        return 0
    return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * SECOND_MS)


def _parsed(reply: Reply) -> Any:
    try:
        return _ANY.validate_json(reply.body)
    except ValidationError:
        raise RecipeFailed(f"{reply.url} did not answer with JSON.") from None


async def _youtube(source: YoutubeSource, call: Call) -> Page:
    """Read threads, the newest first, page by page until one leads on to what is known."""
    if bool(source.video) == bool(source.channel):
        raise RecipeFailed("A source of the kind youtube has either a video or a channel.")
    await closed(call.http, source.base)
    # The key travels as a header: in the address it would stand in logs and messages.
    headers = {"X-Goog-Api-Key": call.secret}
    found: list[Item] = []
    token = ""
    for _ in range(call.pages):
        url = f"{source.base.rstrip('/')}/youtube/v3/commentThreads?{_query(source, token)}"
        answer = _parsed(await fetched(call.http, url, headers))
        threads = at(answer, "items")
        if not isinstance(threads, list):
            raise RecipeFailed(f"{source.base} did not answer with comment threads.")
        items = [comment for thread in threads for comment in _thread(source, thread)]
        found += items
        token = _text(at(answer, "nextPageToken"))
        if not token or not items or _reaches_back(items, call.memory):
            break
    return Page(found)


def _query(source: YoutubeSource, token: str) -> str:
    scope = {"videoId": source.video} if source.video else {"allThreadsRelatedToChannelId": source.channel}
    page = {"pageToken": token} if token else {}
    asked = {"part": "snippet,replies", "order": "time", "maxResults": "100", "textFormat": "plainText"}
    return urlencode({**asked, **scope, **page})


def _thread(source: YoutubeSource, thread: Any) -> list[Item]:
    replies = at(thread, "replies.comments")
    top = at(thread, "snippet.topLevelComment")
    video = _text(at(thread, "snippet.videoId"))
    found = [top, *(replies if isinstance(replies, list) else [])]
    return [_youtube_comment(source, video, comment) for comment in found if at(comment, "id")]


def _youtube_comment(source: YoutubeSource, video: str, comment: Any) -> Item:
    id = _text(at(comment, "id"))
    text = one_line(_text(at(comment, "snippet.textDisplay")), LONGEST_COMMENT)
    author = one_line(_text(at(comment, "snippet.authorDisplayName")), 80)
    link = f"https://www.youtube.com/watch?{urlencode({'v': video, 'lc': id})}" if video else ""
    when = moment(at(comment, "snippet.publishedAt"))
    return Item(id, "", link, author, text, when, source.name or f"YouTube {source.video or source.channel}")


def _named(item: Item, name: str) -> Item:
    text = item.text or item.title
    return Item(item.id, "", item.link, item.author, text, item.at, name)

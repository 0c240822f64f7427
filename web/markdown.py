"""Renders Markdown as HTML that is safe to put into the page.

Raw HTML in the text is shown as text, links open elsewhere and tell nothing about us, and images become links: a page
that fetched them would tell their server that a person is reading.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Rendering takes about a second for each megabyte; what is longer is shown as it was written.
LIMIT = 60_000


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    parser.add_render_rule("th_open", _cell_open)
    parser.add_render_rule("td_open", _cell_open)
    return parser


def render(text: str) -> str:
    """Return the HTML of a Markdown text."""
    if len(text) > LIMIT:
        return f'<pre class="long">{escape(text)}</pre>'
    return _parser().render(text)


def escape(text: str) -> str:
    """Return text as HTML, fit for element content and for quoted attributes."""
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        text = text.replace(character, entity)
    return text


def _link_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    tokens[index].attrSet("target", "_blank")
    return renderer.renderToken(tokens, index, options, env)


def _image(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    source = escape(str(token.attrGet("src") or ""))
    label = escape(token.content or "image")
    return f'<a href="{source}" rel="noopener noreferrer nofollow" target="_blank">{label}</a>'


def _fence(
    _renderer: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    language = escape(token.info.split(maxsplit=1)[0]) if token.info.strip() else ""
    return (
        f'<figure class="code"><figcaption><span>{language or "text"}</span>'
        '<button type="button" class="copy" data-copy>Copy</button></figcaption>'
        f'<pre tabindex="0"><code>{escape(token.content)}</code></pre></figure>\n'
    )


def _table_open(
    _renderer: RendererHTML, _tokens: Any, _index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return '<div class="table" tabindex="0"><table>'


def _table_close(
    _renderer: RendererHTML, _tokens: Any, _index: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</table></div>"


def _cell_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    """Say a column's alignment by a class: the page's policy allows no styles in elements."""
    style = str(tokens[index].attrs.pop("style", ""))
    if style:
        tokens[index].attrSet("class", style.removeprefix("text-align:"))
    return renderer.renderToken(tokens, index, options, env)

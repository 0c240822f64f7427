"""A message as the page shows it: one ``article`` element, made here for the first sight and for what comes later."""

from kernel.clock import at
from kernel.messages import Button
from web.chat.media import SHOWN
from web.chat.shapes import FileView, MessageView
from web.markdown import escape, render

# States of a person's message worth a word under it.
WORDS = {
    "received": "Received",
    "queued": "Waiting for its turn",
    "cancelled": "Withdrawn",
    "ignored": "Not taken in",
    "dead": "Could not be handled",
}
UNITS = ((1024**3, "GB"), (1024**2, "MB"), (1024, "kB"))


def with_html(view: MessageView) -> MessageView:
    """Return a message that carries its element."""
    return view.model_copy(update={"html": article(view)})


def article(view: MessageView) -> str:
    """Return the element of a message."""
    who = "You" if view.direction == "in" else "Hermes"
    attributes = (
        f'class="message {view.direction}" id="{view.id}" data-state="{view.state}"'
        f' data-message="{escape(view.message_id)}" aria-label="{who}"'
    )
    parts = (_body(view), _files(view.attachments), _buttons(view.buttons), _foot(view))
    return f'<article {attributes}><h3 class="who">{who}</h3>{"".join(parts)}</article>'


def _body(view: MessageView) -> str:
    if not view.text.strip():
        return ""
    if view.direction == "in":
        return f'<div class="body plain">{escape(view.text)}</div>'
    return f'<div class="body prose">{render(view.text)}</div>'


def _files(files: list[FileView]) -> str:
    items = "".join(f"<li>{_file(file)}</li>" for file in files)
    return f'<ul class="files">{items}</ul>' if items else ""


def _file(file: FileView) -> str:
    name, url = escape(file.name), escape(file.url)
    if not file.url:
        return f'<span class="file lost"><b>{name}</b><small>{escape(file.problem or "on its way")}</small></span>'
    if file.mime in SHOWN and file.mime.startswith("image/"):
        picture = f'<img src="{url}?shown" alt="{name}" loading="lazy">'
        return f'<a class="picture" href="{url}" download="{name}">{picture}</a>'
    if file.mime in SHOWN:
        tag = file.mime.partition("/")[0]
        return f'<{tag} controls preload="none" src="{url}?shown" aria-label="{name}"></{tag}>'
    size = f"<small>{size_text(file.size)}</small>" if file.size else ""
    return f'<a class="file" href="{url}" download="{name}"><b>{name}</b>{size}</a>'


def size_text(size: int) -> str:
    """Return a size as a person reads it."""
    for unit, word in UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {word}"
    return f"{size} bytes"


def _buttons(rows: list[list[Button]]) -> str:
    lines = "".join(
        '<div class="row">'
        + "".join(
            f'<button type="button" data-tap="{escape(one.value)}">{escape(one.label)}</button>'
            for one in row
        )
        + "</div>"
        for row in rows
    )
    return f'<div class="buttons">{lines}</div>' if lines else ""


def _foot(view: MessageView) -> str:
    moment = at(view.at)
    words = [f'<time datetime="{moment:%Y-%m-%dT%H:%M:%S.%fZ}">{moment:%H:%M} UTC</time>']
    if view.edited:
        words.append("<span>edited</span>")
    if view.direction == "in" and (word := WORDS.get(view.state)):
        words.append(f'<span class="state" title="{escape(view.sentence)}">{word}</span>')
    if view.error and view.state in {"ignored", "dead"}:
        words.append(f'<span class="error">{escape(view.error)}</span>')
    return f"<footer>{' '.join(words)}</footer>"

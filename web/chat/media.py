"""Media types: what a file is by its name, and what a browser may show in place."""

import mimetypes

from kernel.messages import AttachmentKind

# Types a browser may show in place; everything else is saved, so that no file of a chat runs as a page of ours.
SHOWN = frozenset({
    "image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/ogg", "audio/wav", "audio/webm",
    "audio/mp4", "video/mp4", "video/webm",
})  # fmt: skip


def mime_of(name: str) -> str:
    """Return the media type that a name's ending stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def kind_of(mime: str) -> AttachmentKind:
    """Return what sort of attachment a media type is."""
    kinds = {"image": AttachmentKind.PHOTO, "audio": AttachmentKind.AUDIO, "video": AttachmentKind.VIDEO}
    return kinds.get(mime.partition("/")[0], AttachmentKind.DOCUMENT)

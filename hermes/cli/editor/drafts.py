"""From drafts, which show the whole answer so far, to the pieces that an editor is given one after the other."""

from dataclasses import dataclass

# A draft begins with lines of these signs: what is done now, and how long nothing was heard.
SIGNS = ("⚙️ ", "⏳ ")
DOING = SIGNS[0]
# So much of what was said is enough to find the place in a draft that shows only the end of a long answer.
OVERLAP = 200


@dataclass(slots=True)
class Answer:
    """What was said of one answer until now."""

    said: str = ""

    def more(self, text: str) -> str:
        """Return what of a text is new, and count it as said; one that does not go on from there is new as a whole."""
        if text.startswith(self.said):
            new = text[len(self.said) :]
        else:
            end = self.said[-OVERLAP:]
            place = text.rfind(end) if len(end) == OVERLAP else -1
            new = text[place + OVERLAP :] if place >= 0 else f"\n\n{text}"
        self.said += new
        return new


def parts(draft: str) -> tuple[str, str]:
    """Return what a draft says that is done now, and the text of the answer."""
    head, _, rest = draft.partition("\n\n")
    lines = head.splitlines()
    if not lines or not all(line.startswith(SIGNS) for line in lines):
        return "", draft
    doing = [line.removeprefix(DOING) for line in lines if line.startswith(DOING)]
    return doing[-1] if doing else "", rest

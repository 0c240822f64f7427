"""The public functions of the classifier: pure, deterministic, and never an exception."""

import hashlib
from collections.abc import Callable

from approvals.shell.call import Call
from approvals.shell.characters import escape, suspicious
from approvals.shell.context import Context, Overrides, Preset
from approvals.shell.effects import Effect, judge
from approvals.shell.paths import locate
from approvals.shell.rules.builtins import SHELL_ONLY
from approvals.shell.scope import Scope
from approvals.shell.tree import TooMuch
from approvals.shell.walk import Walk
from kernel.risk import Classification, Segment, Tier

_DEFAULT = Context()
_NO_OVERRIDES = Overrides()


def classify(
    text: str,
    context: Context = _DEFAULT,
    overrides: Overrides = _NO_OVERRIDES,
    preset: Preset = Preset.BALANCED,
) -> Classification:
    """Return the tier of a shell text, with the reasons and the simple commands in it.

    Nothing is run, read or looked up. Whatever cannot be understood with certainty is high.
    """
    walk = Walk(context, overrides, preset)
    walk.whole = text

    def work() -> None:
        walk.text(text, Scope.of(context))
        walk.finish()

    _guarded(walk, work, text)
    return _verdict(walk, _digest(text), whole=walk.first == text.strip())


def classify_argv(
    argv: list[str] | tuple[str, ...],
    context: Context = _DEFAULT,
    overrides: Overrides = _NO_OVERRIDES,
    preset: Preset = Preset.BALANCED,
) -> Classification:
    """Return the tier of one command that would run without a shell; its words mean only themselves.

    The digest is that of the words joined by NUL bytes.
    """
    walk = Walk(context, overrides, preset)
    piece = walk.whole = " ".join(argv)

    def work() -> None:
        odd = suspicious(piece)
        if odd or "\0" in piece or not argv:
            walk.add(Tier.HIGH, "characters", odd or "is not a command", piece)
        call = Call(list(argv), Scope.of(context), piece)
        if argv:
            walk.judge.run(call)
        segment = Segment(escape(piece), walk.worst, tuple(argv), tuple(call.paths), tuple(call.scripts))
        walk.segments[segment] = None

    _guarded(walk, work, piece)
    return _verdict(walk, _digest("\0".join(argv)), whole=True)


def judge_path(effect: str, path: str, context: Context = _DEFAULT) -> tuple[Tier, str]:
    """Return the tier of an effect on one absolute path, and why.

    Classification is lexical; whoever runs a command asks again here with each path's real path.
    """
    return judge(Effect(effect), locate(path, context.cwd, context), context)


def _guarded(walk: Walk, work: Callable[[], None], text: str) -> None:
    try:
        work()
    except TooMuch:
        walk.add(Tier.HIGH, "unreadable", "has too many commands to be judged", text[:200])
    except RecursionError:
        walk.add(Tier.HIGH, "unreadable", "is nested too deeply to be judged", text[:200])
    except Exception as problem:  # noqa: BLE001 - doubt means no: whatever goes wrong here must end in a question
        walk.add(Tier.HIGH, "failure", f"could not be judged ({type(problem).__name__})", text[:200])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _verdict(walk: Walk, digest: str, *, whole: bool) -> Classification:
    reasons = tuple(sorted(walk.reasons, key=lambda reason: -reason.tier))
    segments = tuple(walk.segments)
    tier = max((reason.tier for reason in reasons), default=Tier.NONE)
    argv = segments[0].argv if whole and len(segments) == 1 and walk.commands <= 1 else None
    if argv and argv[0] in SHELL_ONLY:
        argv = None
    return Classification(tier, reasons, segments, digest, argv)

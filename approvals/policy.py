"""The one place that judges actions of every kind: how each is asked about, and what it is bound to."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from approvals import digest
from approvals.settings import ApprovalSettings
from approvals.shell import Context, Override, Overrides, Preset, classify, judge_path
from approvals.shell.characters import escape, suspicious
from approvals.shell.context import OVERRIDE
from approvals.shell.protect import is_own_api, is_token
from kernel.approvals import Action, ActionKind
from kernel.risk import Classification, Reason, Tier

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
PRODUCTION = re.compile(r"(?<![A-Za-z])(prod|production|prd|live)(?![A-Za-z])", re.IGNORECASE)
DEPLOYS = re.compile(r"deploy|release|publish|promote|rollout|ship|delete|destroy|drop", re.IGNORECASE)
# Changes that an agent may ask for; every other one is a person's alone.
ASKABLE_CHANGES = frozenset({"schedule", "skill"})
# Low by a rule that names the class; low by a preset or by the owner's table is asked without a clock.
_NOT_HARMLESS = frozenset({"unknown", OVERRIDE})
# The rule of a tier that whoever asks has named.
CLAIMED = "claimed"
# A text longer than this is shown in a reason only by its beginning.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is pinned for everything that runs here.

    Absolute paths; ``path`` is the ``PATH`` of the agents' processes, ``port`` Hermes' own, ``projects`` are folders
    that count as workspaces besides the one an action names.
    """

    home: str
    hermes_home: str
    user: str = "user"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    port: int = 8420
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessed:
    """An action bound to what it depends on, and the verdict on it; ``harmless`` is what the veto clock is for."""

    action: Action
    classification: Classification

    @property
    def tier(self) -> Tier:
        """How the action is asked about."""
        return self.classification.tier

    @property
    def harmless(self) -> bool:
        """Tell whether only explicitly harmless classes made it low."""
        reasons = self.classification.reasons
        return self.tier is Tier.LOW and all(reason.rule not in _NOT_HARMLESS for reason in reasons)


class Policy:
    """Judges actions; reads the files they name, and runs nothing.

    ``measured(name)`` returns the digest of an input that is no file (``digest.MEASURED``) as it is now.
    """

    def __init__(
        self,
        settings: ApprovalSettings,
        surroundings: Surroundings,
        measured: Callable[[str], str] = digest.unmeasured,
    ) -> None:
        self._surroundings = surroundings
        self._measured = measured
        self._preset = Preset(settings.preset)
        self._overrides = Overrides(
            tuple(Override(line.words, Tier.named(line.tier), line.why) for line in settings.overrides)
        )
        self._judges: Mapping[ActionKind, Callable[[Action], Assessed]] = {
            ActionKind.TERMINAL: self._terminal,
            ActionKind.FILE: self._file,
            ActionKind.REQUEST: self._request,
            ActionKind.MCP: self._mcp,
            ActionKind.SEND: self._send,
            ActionKind.CONFIG: self._config,
            ActionKind.QUESTION: self._question,
        }

    def assess(self, action: Action) -> Assessed:
        """Return the action bound as things are now, and its tier; whatever goes wrong is high.

        It reads scripts and hashes programs, so it belongs in a thread where it must not block.
        """
        try:
            return self._judges[action.kind](action)
        except Exception as problem:  # noqa: BLE001 - doubt means no: what cannot be judged is asked as high
            why = f"could not be judged ({type(problem).__name__})"
            return _judged(action, [Reason(Tier.HIGH, "failure", why, escape(action.text[:_SHOWN]))])

    def context(self, action: Action, files: Mapping[str, str]) -> Context:
        """Return what the classifier is told about an action's surroundings."""
        pinned = self._surroundings
        folders = action.workspaces or ((action.cwd,) if action.cwd else ())
        return Context(
            cwd=action.cwd or (folders[0] if folders else "/"),
            home=pinned.home,
            hermes_home=pinned.hermes_home,
            workspaces=tuple(dict.fromkeys((*folders, *pinned.projects))),
            variables=dict(action.environment),
            files=files,
            branch=action.branch or None,
            port=pinned.port,
            user=pinned.user,
        )

    def read(self, action: Action) -> Classification:
        """Return the verdict on a command's text alone: nothing is looked at but the text."""
        return self._classify(action.text, self.context(action, {}))

    def _classify(self, text: str, context: Context) -> Classification:
        return classify(text, context, self._overrides, self._preset)

    def _terminal(self, action: Action) -> Assessed:
        bare = self.read(action)
        files = digest.contents(bare)
        context = self.context(action, files)
        judged = self._classify(action.text, context) if files else bare
        bound = digest.measure(digest.bind(action, judged, self._surroundings.path), self._measured)
        extra = [*self._variables(action, context), *self._real_paths(judged, context), *_absent(judged)]
        return Assessed(bound, _with(judged, extra))

    def _variables(self, action: Action, context: Context) -> Iterable[Reason]:
        """Judge the variables a command gets as the shell would set them."""
        for name, value in action.environment:
            if is_token(name):
                yield Reason(Tier.DENY, "hermes.token", "holds one of Hermes' own secrets", name)
            yield from self._classify(f"export {name}={shlex.quote(value)}", context).reasons

    def _real_paths(self, judged: Classification, context: Context) -> Iterable[Reason]:
        """Judge what is written or deleted again where links really lead."""
        for use in (use for segment in judged.segments for use in segment.paths):
            real = digest.real_path(use)
            if real != use.path:
                yield from _placed(use.effect, real, context, f"{use.path} → {real}")

    def _file(self, action: Action) -> Assessed:
        context, effect = self.context(action, {}), action.effect or "write"
        placed = [
            reason
            for place in digest.places(action.target)
            for reason in _placed(effect, place, context, place)
        ]
        return _judged(digest.bind_file(action), [*placed, *_odd(action.target)])

    def _request(self, action: Action) -> Assessed:
        method = action.effect.upper()
        if is_own_api(action.target, self.context(action, {})):
            return _judged(
                action, [Reason(Tier.DENY, "hermes.api", "speaks to Hermes' own interface", action.target)]
            )
        reasons = _odd(action.target)
        if method not in SAFE_METHODS:
            place = urlsplit(action.target)
            tier = Tier.HIGH if PRODUCTION.search(f"{place.netloc}{place.path}") else Tier.MEDIUM
            reasons.append(
                Reason(
                    tier,
                    f"request.{method.lower()}",
                    f"changes something at {place.hostname}",
                    f"{method} {action.target}",
                )
            )
        return _judged(action, reasons)

    def _mcp(self, action: Action) -> Assessed:
        if action.effect == "safe":
            return _judged(action, [])
        named = f"{action.target} {action.arguments}"
        grave = PRODUCTION.search(named) and DEPLOYS.search(action.target)
        tier = Tier.HIGH if grave else Tier.MEDIUM
        why = "is a tool of another program that is not listed as safe"
        return _judged(action, [Reason(tier, "mcp.tool", why, escape(action.target))])

    def _send(self, action: Action) -> Assessed:
        why = "speaks to other people in your name"
        return _judged(
            action, [Reason(Tier.MEDIUM, "send.others", why, escape(action.target)), *_odd(action.target)]
        )

    def _config(self, action: Action) -> Assessed:
        if action.effect in ASKABLE_CHANGES:
            why = "changes what Hermes does later by itself"
            return _judged(action, [Reason(Tier.HIGH, f"config.{action.effect}", why, escape(action.target))])
        why = "would decide, grant or configure Hermes, which no agent may"
        return _judged(action, [Reason(Tier.DENY, "hermes.config", why, escape(action.target))])

    def _question(self, action: Action) -> Assessed:
        why = "is a question that somebody wants decided"
        return _judged(action, [Reason(Tier.MEDIUM, "question", why, escape(action.text[:_SHOWN]))])


def raised(assessed: Assessed, tier: Tier) -> Assessed:
    """Return the verdict at least as grave as whoever asks claims it is; never deny, which is ours to say."""
    claimed = min(tier, Tier.HIGH)
    if claimed <= assessed.tier:
        return assessed
    reason = Reason(claimed, CLAIMED, "is called that by the one who asks", "")
    return replace(assessed, classification=_with(assessed.classification, [reason]))


def claimed(reasons: Iterable[Reason]) -> Tier:
    """Return how grave whoever asked has called it."""
    return max((reason.tier for reason in reasons if reason.rule == CLAIMED), default=Tier.NONE)


def _absent(judged: Classification) -> Iterable[Reason]:
    """A script that is not there yet is seen by nobody before it runs."""
    for script in (script for segment in judged.segments for script in segment.scripts):
        if digest.hashed(script) == digest.MISSING:
            yield Reason(Tier.HIGH, "script.absent", "runs a file that is not there yet", escape(script))


def _placed(effect: str, path: str, context: Context, shown: str) -> list[Reason]:
    tier, why = judge_path(effect, path, context)
    return [Reason(tier, f"path.{effect}", why, escape(shown))] if tier > Tier.NONE else []


def _odd(target: str) -> list[Reason]:
    odd = suspicious(target)
    return [Reason(Tier.HIGH, "characters", odd, escape(target))] if odd else []


def _judged(action: Action, reasons: Iterable[Reason]) -> Assessed:
    return Assessed(action, _with(Classification(Tier.NONE, (), (), ""), reasons))


def _with(judged: Classification, extra: Iterable[Reason]) -> Classification:
    reasons = dict.fromkeys((*judged.reasons, *extra))
    ordered = tuple(sorted(reasons, key=lambda reason: -reason.tier))
    return replace(judged, reasons=ordered, tier=max((judged.tier, *(reason.tier for reason in ordered))))

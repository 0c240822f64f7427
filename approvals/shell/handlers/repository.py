"""git: settings that execute, refspecs, and the many faces of checkout."""

import fnmatch
import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque
from approvals.shell.options import read
from approvals.shell.production import names_production
from approvals.shell.uses import run_text
from kernel.risk import Tier

_RUNS = re.compile(
    r"(core\.(pager|editor|sshcommand|gitproxy|askpass|fsmonitor|alternaterefscommand)|diff\.external"
    r"|diff\..*\.(command|textconv)"
    r"|difftool\..*|mergetool\..*|merge\..*\.driver|filter\..*|credential\..*helper|credential\.helper"
    r"|gpg\.(.*\.)?program"
    r"|sequence\.editor|pager\..*|interactive\.difffilter|sendemail\..*|trailer\..*\.(command|cmd)"
    r"|web\.browser|browser\..*"
    r"|man\..*|remote\..*\.(uploadpack|receivepack|vcs|proxy)|uploadpack\.packobjectshook"
    r"|submodule\..*\.update|tar\..*\.command"
    r"|gui\..*|guitool\..*|imap\.tunnel|help\.browser|hook\..*)\Z"
)
_PUSHES = re.compile(r"(remote\..*\.(push|mirror)|push\.default|branch\..*\.pushremote)\Z")
_LOADS = re.compile(
    r"(core\.(hookspath|attributesfile|excludesfile|worktree|gitdir)|include\.path|includeif\..*"
    r"|init\.templatedir|url\..*"
    r"|protocol\..*|http\..*proxy|http\.proxy|http\.sslverify|safe\.directory|ssh\.variant|fsck\..*"
    r"|receive\..*|transfer\..*"
    r"|commit\.template|remote\..*\.url|remote\..*\.pushurl|extensions\..*|gc\..*)\Z"
)
_SHELL_ALIAS = re.compile(r"\s*!(.*)", re.DOTALL)
_PRODUCTION = re.compile(r"(.*/)?(production|prod|live)\Z|(production|prod)/", re.IGNORECASE)
_DEPLOYING = frozenset({"heroku", "dokku", "piku", "clever", "scalingo"})
_TAG = re.compile(r"(refs/tags/.*|v?\d+\.\d+.*)\Z")
_FILE = re.compile(r"(.*/)?[^/]*[A-Za-z_)]\.[A-Za-z]\w{0,4}\Z")
_REMOTE_URL = re.compile(r"(\w+://|[\w.-]+@[\w.-]+:|/|\.\.?/|~)")


def _setting(judge: Judging, key: str, value: str, call: Call, floor: Tier) -> None:
    """Judge one setting; ``floor`` is the tier of changing any setting at all."""
    name, piece = key.lower(), f"{key}={value}"
    if is_opaque(key):
        judge.opaque("git.setting", "which setting it changes is not known beforehand", piece)
    elif name.startswith("alias."):
        _alias(judge, value, call, piece)
    elif _RUNS.match(name):
        judge.add(Tier.MEDIUM, "git.setting.runs", "makes git run what the setting names", piece)
        text = value.removeprefix("!")
        if text and text not in {"true", "false", "store", "cache", "osxkeychain", "manager"}:
            run_text(judge, text, call, "git")
    elif _PUSHES.match(name):
        judge.add(Tier.HIGH, "git.setting.pushes", "makes every push rewrite or delete on the remote", piece)
    elif _LOADS.match(name):
        grave = floor is Tier.NONE and name in {"core.hookspath", "include.path", "core.worktree"}
        judge.add(
            Tier.HIGH if grave else Tier.MEDIUM, "git.setting.loads", "makes git obey other files", piece
        )
    elif floor > Tier.NONE:
        judge.add(floor, "git config", "changes a setting", piece)


def _alias(judge: Judging, value: str, call: Call, piece: str) -> None:
    judge.add(Tier.MEDIUM, "git.alias", "gives a git command another meaning", piece)
    match = _SHELL_ALIAS.match(value)
    if match:
        run_text(judge, match.group(1), call, "git")
    else:
        judge.wrap(["git", *value.split()], call)


def git(job: Job) -> None:
    """``git -c SETTING … VERB``: the settings first, then the sub-command by the table."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    for value in reading.values("-c"):
        key, _, setting = value.partition("=")
        _setting(judge, key, setting, call, Tier.NONE)
    for value in reading.values("--config-env"):
        judge.opaque("git.setting", "takes a setting from a variable", value)
    judge.by_table(rule, label, args, call, {})


def config(job: Job) -> None:
    """``git config`` reads with one key and changes with a value."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    words = reading.operands
    for name in reading.values("-f", "--file", "--blob"):
        judge.watch(name, call)
    if reading.calm or words[:1] in [["get"], ["list"]]:
        return
    if reading.has("--unset", "--unset-all", "--remove-section", "--rename-section", "--edit", "-e"):
        judge.add(Tier.MEDIUM, label, "changes settings", " ".join(call.argv))
        return
    if words[:1] in [["set"], ["unset"], ["edit"], ["rename-section"], ["remove-section"]]:
        words = words[1:]
        if len(words) < 2:  # noqa: PLR2004 - a key and its value
            judge.add(Tier.MEDIUM, label, "changes settings", " ".join(call.argv))
    if len(words) > 1:
        _setting(judge, words[0], words[1], call, Tier.MEDIUM)
    elif any(is_opaque(word) for word in words):
        judge.opaque("git.setting", "which setting it changes is not known beforehand", " ".join(words))


def push(job: Job) -> None:
    """``git push``: plain to an own branch runs, anything that rewrites, deletes or publishes is asked."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    remote, refspecs = reading.operands[:1], reading.operands[1:]
    for word in remote:
        _remote(judge, word)
    for word in reading.values("--repo"):
        _remote(judge, word)
    deletes = reading.has("-d", "--delete")
    for refspec in refspecs:
        _refspec(judge, refspec, deletes=deletes)
    if not refspecs:
        _branch(judge, judge.walk.context.branch or "", "git push")


def _remote(judge: Judging, word: str) -> None:
    if is_opaque(word):
        judge.opaque("opaque.remote", "where it pushes is not known beforehand", word)
    elif "::" in word:
        judge.opaque("git.transport", "uses a transport that runs a program", word)
    elif names_production(word) or word in _DEPLOYING:
        judge.add(Tier.HIGH, "git push.production", "deploys by pushing", word)
    elif _REMOTE_URL.match(word):
        judge.add(Tier.MEDIUM, "git push.url", "pushes to an address instead of a configured remote", word)


def _refspec(judge: Judging, refspec: str, *, deletes: bool) -> None:
    if is_opaque(refspec):
        judge.opaque("opaque.refspec", "what it pushes is not known beforehand", refspec)
        return
    if refspec.startswith("+"):
        judge.add(Tier.HIGH, "git push.force", "rewrites the remote branch", refspec)
    source, colon, target = refspec.lstrip("+").partition(":")
    branch = (target if colon else source).removeprefix("refs/heads/")
    if deletes or (colon and not source):
        judge.add(Tier.MEDIUM, "git push.delete", "deletes a remote branch", refspec)
        if _is_protected(branch, judge):
            judge.add(Tier.HIGH, "git push.delete", "deletes a protected branch", refspec)
        return
    if branch == "HEAD":
        branch = judge.walk.context.branch or ""
    if "\ue003" in refspec or "*" in refspec:
        judge.add(Tier.MEDIUM, "git push.many", "pushes many branches at once", refspec)
    _branch(judge, branch, refspec)


def _branch(judge: Judging, branch: str, piece: str) -> None:
    if _TAG.match(branch):
        judge.add(Tier.MEDIUM, "git push.tag", "publishes a tag", piece)
    elif _PRODUCTION.match(branch):
        judge.add(Tier.HIGH, "git push.production", "pushes to a production branch", piece)
    elif _is_protected(branch, judge):
        judge.add(Tier.MEDIUM, "git push.protected", "pushes to a protected branch", piece)


def _is_protected(branch: str, judge: Judging) -> bool:
    return any(fnmatch.fnmatchcase(branch, pattern) for pattern in judge.walk.context.protected_branches)


def checkout(job: Job) -> None:
    """``git checkout``: another branch is harmless, files are overwritten."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    files = (
        "--" in args
        or len(reading.operands) > 1
        or any(word == "." or _FILE.match(word) for word in reading.operands)
    )
    if reading.has("-b", "-B", "--orphan", "-t", "--track"):
        files = False
    if files:
        judge.add(Tier.MEDIUM, label, "overwrites files with their committed state", " ".join(call.argv))


def restore(job: Job) -> None:
    """``git restore`` overwrites files unless it only unstages."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    if reading.has("-S", "--staged") and not reading.has("-W", "--worktree"):
        return
    judge.add(Tier.MEDIUM, label, "overwrites files with their committed state", " ".join(call.argv))


def fetch(job: Job) -> None:
    """``git clone``, ``fetch``, ``pull``: harmless, but some transports run programs."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None:
        return
    for value in reading.values("-c", "--config"):
        key, _, setting = value.partition("=")
        _setting(judge, key, setting, call, Tier.NONE)
    for word in reading.operands:
        if "::" in word:
            judge.opaque("git.transport", "uses a transport that runs a program", word)
    if label.endswith("clone"):
        for word in reading.operands[1:2]:
            judge.touch(Effect.MAKE, word, call)


FUNCTIONS = {
    "git": git,
    "git_config": config,
    "git_push": push,
    "git_checkout": checkout,
    "git_restore": restore,
    "git_fetch": fetch,
}

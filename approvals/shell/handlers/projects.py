"""Targets of build tools and package scripts: a short list is known by its name, the rest are scripts."""

import re

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.environment import judge_assignment
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque
from approvals.shell.options import read
from approvals.shell.production import names_production
from approvals.shell.uses import judge_options, run_script, run_text
from approvals.shell.wordlist import words
from kernel.risk import Tier

_SAFE = re.compile(
    r"(all|test|tests|check|checks|lint|linter|format|fmt|typecheck|types?|type-check|tsc|build|compile"
    r"|bundle|cover|coverage|cov"
    r"|unit|unittest|integration|e2e|smoke|spec|specs|bench|benchmark|docs?|html|help|list|dev|start"
    r"|serve|server|watch|preview"
    r"|storybook|verify|validate|assemble|package|jar|classes|testClasses|ci|mypy|ruff|pytest|jest"
    r"|vitest|eslint|prettier|stylelint"
    r"|audit|deps|dependencies|tasks|projects|properties|version|info|typings|codegen|generate|proto|vet"
    r"|analyze|analyse"
    r"|install-deps|setup-dev|venv|process-resources|site|javadoc)([-_:.](?!.*(prod|live|deploy|release"
    r"|publish)).+)?\Z",
    re.IGNORECASE,
)
_CLEANS = re.compile(
    r"(clean|tidy|distclean|mostlyclean|clean-(cache|pyc|build|test)|clear-cache|clean:cache|clean:build)\Z",
    re.IGNORECASE,
)
_DESTROYS = re.compile(r"(?<![A-Za-z])(drop|nuke|wipe|purge|destroy|teardown)(?![A-Za-z])", re.IGNORECASE)
_DEPLOYS = re.compile(
    r"deploy|release|publish|promote|rollout|ship|migrate|provision|apply|upload|push|sync", re.IGNORECASE
)
_TEST_WORDS = re.compile(
    r"(?<![A-Za-z])(build|compile|bundle|lint|test|check|types?|start|serve|preview|dev)(?![A-Za-z])",
    re.IGNORECASE,
)
_TOOL = re.compile(r"@?[\w.-]+(/[\w.-]+)?")
_VARIABLE = re.compile(r"[A-Za-z_][\w.]*[:+?]?=")


def judge_target(judge: Judging, label: str, target: str, call: Call) -> None:
    """Judge one target or script by its name."""
    if is_opaque(target):
        judge.opaque("opaque.target", "which target it builds is not known beforehand", f"{label} {target}")
        return
    builds = _TEST_WORDS.search(target) and not _DEPLOYS.search(target)
    words = (target, *call.argv[1:], *judge.surroundings(call))
    if not builds and any(names_production(word) for word in words) and not _SAFE.match(target):
        judge.add(Tier.HIGH, f"{label}.production", "runs a target for production", target)
    elif _DESTROYS.search(target):
        judge.add(Tier.HIGH, f"{label}.destroys", "runs a target that destroys something by its name", target)
    elif _CLEANS.match(target):
        judge.add(Tier.LOW, f"{label}.clean", "deletes what the build can make again", target)
    elif not _SAFE.match(target) and not (builds and names_production(target)):
        judge.add(Tier.MEDIUM, f"{label}.target", "runs a target that is not known to be harmless", target)


def make(job: Job) -> None:
    """``make TARGETS NAME=VALUE``."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, [arg for arg in args if not _VARIABLE.match(arg)], call, {})
    for arg in args:
        if _VARIABLE.match(arg):
            _make_variable(judge, arg, call)
    if reading is None or reading.calm:
        return
    for word in reading.values("-f", "--file", "--makefile"):
        run_script(judge, word, call)
    if reading.has("-n", "--dry-run", "--just-print"):
        return
    for target in reading.operands:
        judge_target(judge, label, target, call)


def _make_variable(judge: Judging, arg: str, call: Call) -> None:
    name, _, value = arg.partition("=")
    name = name.rstrip(":+?")
    if is_opaque(value) or "$(" in value or "`" in value or "${" in value:
        judge.opaque("make.variable", "sets a variable that may run something", arg)
    elif name in {"SHELL", ".SHELLFLAGS", "MAKEFLAGS", "MAKE"}:
        judge.add(Tier.MEDIUM, "make.variable", "changes what runs the recipes", arg)
        run_text(judge, value, call, "make")
    else:
        judge_assignment(judge.walk, name, value, call)


def targets(job: Job) -> None:
    """``just``, ``gradle``, ``mvn``, ``rake`` …: operands are targets."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    named = reading.operands
    if label in _PROJECT_FIRST:
        # The target stands first, the projects that it is for behind it.
        named = [word for word in named if word not in _PROJECT_FIRST[label]][:1]
    for word in named:
        if word.startswith("//"):
            continue
        if _VARIABLE.match(word):
            _project_variable(judge, word, call)
        else:
            goal = word.lstrip(":")
            if goal.split(":")[0] not in rule.language.split():
                judge_target(
                    judge,
                    label.split()[0],
                    goal if ":" in goal and not goal.endswith(_KNOWN_TAILS) else goal.rpartition(":")[2],
                    call,
                )


_KNOWN_TAILS = tuple(
    f":{name}" for name in ("test", "build", "check", "lint", "assemble", "compile", "run", "jar", "clean")
)


_PROJECT_FIRST = {"nx": words("run run-many affected exec show graph"), "turbo": words("run")}


def _project_variable(judge: Judging, word: str, call: Call) -> None:
    name, _, value = word.partition("=")
    judge_assignment(judge.walk, name, value, call)


def package_script(job: Job) -> None:
    """``npm run NAME``: a script of the project; what follows the name goes to it."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    judge_options(judge, reading, call, label)
    if reading.operands and not reading.calm:
        judge_target(judge, label.split()[0], reading.operands[0], call)


def unknown_script(job: Job) -> None:
    """``yarn NAME``: what is no sub-command is a script of the project, or a tool that it installed."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    name = label.split()[-1]
    tool = judge.rule_of(name)
    if tool is not None and not _SAFE.match(name):
        judge.wrap([name, *args], call)
    else:
        judge_target(judge, label.split()[0], name, call)


def run_tool(job: Job) -> None:
    """``npx TOOL``, ``uvx TOOL``: a known tool by its own rule, any other comes from the network."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    judge_options(judge, reading, call, label)
    if not reading.operands or reading.calm:
        return
    if reading.unknown:
        judge.opaque(f"{label}.option", "has an option that the rules do not know", reading.unknown[0])
    tool, *rest = reading.operands
    name = re.sub(r"(?<=.)@[\w.^~-]+\Z", "", tool)
    if judge.rule_of(name) is not None or not _TOOL.fullmatch(name):
        judge.wrap([name, *rest], call)
    else:
        judge.add(Tier.MEDIUM, f"{label}.unknown", "fetches and runs a program", tool)
        for word in rest:
            judge.watch(word, call)


def pip_install(job: Job) -> None:
    """``pip install``: what the project declares is building it, a named package is something new."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    for word in (*reading.operands, *reading.values("-e", "--editable")):
        if re.match(r"\.(\[[\w,.-]*\])?/?\Z", word) or (word.startswith("./") and not is_opaque(word)):
            continue
        remote = re.search(r"[a-z+]+://|git@", word) is not None
        why = "installs code from an address" if remote else "installs a package"
        judge.add(Tier.HIGH if is_opaque(word) else Tier.MEDIUM, label, why, word)
    for word in reading.values("-r", "--requirement"):
        if "://" in word or is_opaque(word):
            judge.opaque(f"{label}.remote", "installs what a list elsewhere names", word)


def as_node(job: Job) -> None:
    """``yarn node`` is node."""
    judge, args, call = job.judge, job.args, job.call
    judge.wrap(["node", *args], call)


def yarn_workspace(job: Job) -> None:
    """``yarn workspace NAME COMMAND`` is yarn inside a package."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    judge.wrap([label.split()[0], *args[1:]], call)


def go_run(job: Job) -> None:
    """``go run PACKAGE``: the project's own package is building it, files are scripts, anything else is fetched."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or not reading.operands:
        return
    word = reading.operands[0]
    if word.endswith(".go"):
        run_script(judge, word, call, label)
    elif not (word == "." or word.startswith("./")):
        judge.add(Tier.MEDIUM, label, "fetches and runs a program", word)


FUNCTIONS = {
    "pip_install": pip_install,
    "as_node": as_node,
    "yarn_workspace": yarn_workspace,
    "go_run": go_run,
    "make": make,
    "targets": targets,
    "package_script": package_script,
    "unknown_script": unknown_script,
    "run_tool": run_tool,
}

"""What a rule does not say: a command among a program's words, a task that empties a database, a place elsewhere."""

import re
from collections.abc import Iterator, Sequence

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.context import Context
from approvals.shell.marks import base
from approvals.shell.paths import Zone, locate
from approvals.shell.production import names_production
from approvals.shell.rules import PROJECT_TOOLS
from approvals.shell.rules.migrations import loses_data
from approvals.shell.wordlist import words
from kernel.risk import Tier

# Options whose value many programs run, and what may stand before a command of its own.
_RUNS = words("-c -e -x --command --exec --execute --cmd --run")
# Programs of which only some words are known, and which run other commands all the same.
_CARRIERS = words("dotenv cmake nix vagrant lxc incus multipass limactl minikube")
# Names that begin a command wherever they stand, being no program's own verbs.
_TOLD_APART = words(
    "git rm psql mysql sqlite3 redis-cli kubectl helm docker podman terraform aws gcloud az gh bash sh zsh"
    " sudo dd python python3 node chmod chown shred mongosh systemctl gsutil npm"
)
_DEPLOYS = re.compile(r"deploy|release|publish|promote|rollout|ship")
_INSIDE = frozenset(
    {Zone.WORKSPACE, Zone.ROOT, Zone.CACHE, Zone.CONFIG, Zone.HISTORY, Zone.HOME_ROOT, Zone.UNKNOWN}
)
_FOREIGN = frozenset({Zone.HOME, Zone.OUTSIDE, Zone.CRITICAL})
# Programs that name targets of the project like //src:app.
_LABELLED = words("bazel bazelisk buck2 please pants")
# Options of project tools whose file says what they run or load.
_OBEYS = words(
    "-c --config --config-file --configuration --rootdir --confcutdir --rulesdir --resolve-plugins-relative-to"
    " --setupFiles --globalSetup --require --import --plugin --plugins --toolchain --init-script"
)


def beyond(judge: Judging, program: str, call: Call) -> None:
    """Judge what the rule of a program does not say."""
    task = loses_data(program, call.argv[1:])
    if task:
        judge.add(Tier.HIGH, f"{program} {task}", "destroys what is in a database", task)
    if program in _CARRIERS:
        carried(judge, call)
    if program in PROJECT_TOOLS and judge.walk.worst < Tier.MEDIUM:
        _elsewhere(judge, program, call)


def without_rule(judge: Judging, program: str, call: Call) -> None:
    """Judge the words of a program that has no rule."""
    judge.add(judge.walk.preset.unknown_program, "unknown", "is a program without a rule", program)
    whole = " ".join(call.argv)
    if names_production(whole) and _DEPLOYS.search(whole):
        judge.add(Tier.HIGH, "production", "deploys to production", whole)
    for word in call.argv[1:]:
        judge.watch(word, call)
    carried(judge, call)


def carried(judge: Judging, call: Call) -> None:
    """Judge what a program without a rule may run: a command among its words, or a text after an option."""
    for index, word in enumerate(call.argv[1:], 1):
        if call.argv[index - 1] in _RUNS and " " in word:
            judge.runs += 1
            judge.walk.text(word, call.scope.copy(), call.stdin)
        elif base(word) in _TOLD_APART and index + 1 < len(call.argv):
            judge.wrap(call.argv[index:], call)
            return


def _elsewhere(judge: Judging, program: str, call: Call) -> None:
    """Building and testing is free inside the workspace; elsewhere it runs what somebody else wrote."""
    if call.scope.remote or (len(call.argv) == 2 and call.argv[1].startswith("-")):  # noqa: PLR2004 - asks for a version
        return
    context = judge.walk.context
    for directory in call.scope.directories:
        if locate(directory, directory, context).zone not in _INSIDE:
            judge.add(Tier.MEDIUM, f"{program}.elsewhere", "works outside the workspace", directory)
    for word in call.argv[1:]:
        label = word.startswith("//") and program in _LABELLED
        if word.startswith(("/", "../")) and not label and _zone(word, call, context) in _FOREIGN:
            judge.add(Tier.MEDIUM, f"{program}.elsewhere", "works outside the workspace", word)
    for word in _obeyed(call.argv):
        if _zone(word, call, context) not in _INSIDE:
            judge.add(Tier.MEDIUM, f"{program}.obeys", "obeys a file from outside the workspace", word)


def _zone(word: str, call: Call, context: Context) -> Zone:
    return locate(word, call.scope.directories[0], context).zone


def _obeyed(argv: Sequence[str]) -> Iterator[str]:
    """Yield the paths that options name as what to obey."""
    for index, word in enumerate(argv[1:], 1):
        name, _, value = word.partition("=")
        if name in _OBEYS:
            target = value or argv[index + 1 : index + 2]
            yield from (path for path in ([target] if isinstance(target, str) else target) if "/" in path)

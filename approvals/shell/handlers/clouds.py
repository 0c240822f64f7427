"""Command lines with hundreds of sub-commands: their verbs are told by how they are named."""

import re
from dataclasses import replace

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import MANY, UNKNOWN, is_opaque
from approvals.shell.options import read
from approvals.shell.rule import Option, Rule
from approvals.shell.uses import run_statements, run_text
from approvals.shell.wordlist import words
from kernel.risk import Tier

_LOOKS = re.compile(
    r"(ls|list|list-.*|get|get-.*|describe|describe-.*|show|show-.*|head-.*|view|logs?|log|tail|read"
    r"|wait|search|lookup.*|validate.*"
    r"|simulate.*|check.*|status|info|version|help|presign|filter-log-events|batch-get-.*|query|scan"
    r"|estimate-.*|preview.*|test-.*"
    r"|whoami|print|browse|dry-run|diff|stat|du|cat|explain|account|accounts|active|current|inspect)\Z"
)
_DESTROYS = re.compile(
    r"(delete.*|terminate.*|remove.*|rb|purge.*|destroy.*|deregister.*|detach.*|disable.*|revoke.*"
    r"|reset.*|drop.*|batch-delete.*|wipe|.*[-:](delete|destroy|delete-batch)|nuke|release-address"
    r"|schedule-key-deletion|cancel.*|deactivate.*)\Z"
)
_KEYS = re.compile(
    r"(secretsmanager|kms|iam|sts|ssm|cognito.*|acm|keyvault|secrets?|keys?|access-keys?"
    r"|service-accounts?|credential.*|tokens?|ad|role"
    r"|ssh-keys?|sp|certs?|certificates?|auth|login|logout|configure)\Z"
)
_SECRET_VERBS = re.compile(
    r"(get-secret-value|get-parameters?.*|decrypt|generate-data-key.*|get-session-token|assume-role.*"
    r"|get-login-password|create-access-key"
    r"|print-access-token|print-identity-token|get-access-token|access|get-credentials|rotate.*"
    r"|export-credentials|update-access-key"
    r"|get-authorization-token|create-login-profile|put-.*-policy|attach-.*-policy"
    r"|add-iam-policy-binding|set-iam-policy)\Z"
)
_FREE = frozenset({"get-caller-identity", "version", "help", "info"})
_STORAGE = frozenset({"cp", "mv", "sync", "rsync"})


def _words(args: list[str]) -> tuple[list[str], list[str]]:
    """Split off what looks like sub-commands from the options and their values."""
    words: list[str] = []
    options: list[str] = []
    skip = False
    for index, arg in enumerate(args):
        if skip:
            skip = False
        elif arg.startswith("-"):
            options.append(arg)
            following = args[index + 1] if index + 1 < len(args) else "-"
            skip = (
                arg.startswith("--")
                and "=" not in arg
                and not following.startswith("-")
                and arg not in _SWITCHES
            )
            if skip:
                options.append(following)
        else:
            words.append(arg)
    return words, options


_SWITCHES = words(
    "--recursive --dryrun --dry-run --delete --debug --no-paginate --yes --quiet --human-readable"
    " --summarize --force --no-cli-pager"
    " --no-verify-ssl --no-sign-request --all --verbose --async --no-wait --only-show-errors"
    " --exact-timestamps --wait"
)


def cloud(job: Job) -> None:
    """``aws``, ``gcloud``, ``az``: looking is free, changing is medium, destroying and keys are high."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    words, options = _words(args)
    if not words or args[-1:] in [["help"], ["--help"]]:
        return
    if any(is_opaque(word) for word in words[:2]) or any(arg.startswith(MANY) for arg in args):
        judge.opaque("opaque.verb", "what it is told to do is not known beforehand", " ".join(args))
        return
    for word in (*words, *options):
        judge.watch(word, call)
    if "--dryrun" in options or "--dry-run" in options:
        return
    if label == "bq" and words[0] == "query":
        run_statements(judge, words[-1] if len(words) > 1 else call.stdin or UNKNOWN, call, "sql")
    elif label in {"gsutil", "bq", "s3cmd", "s5cmd", "mc", "b2"} or (
        label != "az" and words[0] in {"s3", "storage"}
    ):
        _storage(judge, label, words, options, call)
    else:
        _service(judge, label, [word for word in words if "/" not in word][:5], call)


def _service(judge: Judging, label: str, verbs: list[str], call: Call) -> None:
    whole = " ".join(call.argv)
    if any(_SECRET_VERBS.match(verb) for verb in verbs) and not set(verbs) & _FREE:
        judge.add(Tier.HIGH, f"{label}.keys", "creates, changes or shows keys or rights", whole)
    elif _looks(verbs):
        return
    elif any(_DESTROYS.match(verb) for verb in verbs):
        judge.add(Tier.HIGH, f"{label}.destroys", "destroys something in the cloud", whole)
    elif any(_KEYS.match(verb) for verb in verbs):
        judge.add(Tier.HIGH, f"{label}.keys", "creates, changes or shows keys or rights", whole)
    else:
        judge.add(Tier.MEDIUM, f"{label}.changes", "changes something in the cloud", whole)
        judge.production(call, label)


def _looks(verbs: list[str]) -> bool:
    if set(verbs) & _FREE:
        return True
    if any(_DESTROYS.match(verb) for verb in verbs):
        return False
    secret = any(verb in {"secretsmanager", "keyvault", "secrets", "secret"} for verb in verbs)
    looking = any(_LOOKS.match(verb) for verb in verbs[1:] or verbs)
    return looking and not (secret and not {"list", "list-secrets"} & set(verbs))


def _storage(judge: Judging, label: str, words: list[str], options: list[str], call: Call) -> None:
    verb = next((word for word in words if word not in {"s3", "storage"} and "/" not in word), "")
    whole = " ".join(call.argv)
    paths = words[words.index(verb) + 1 :] if verb in words else []
    if verb in _STORAGE:
        _transfer(judge, label, paths, whole, call)
        if "--delete" in options or "-d" in options:
            judge.add(Tier.HIGH, f"{label}.delete", "deletes what is missing on the other side", whole)
    elif verb in {"rm", "rb", "del", "delete", "remove"}:
        grave = (
            verb == "rb"
            or {"--recursive", "-r", "--force"} & set(options)
            or any("\ue003" in path for path in paths)
        )
        judge.add(Tier.HIGH if grave else Tier.MEDIUM, f"{label}.{verb}", "deletes stored objects", whole)
        judge.production(call, label)
    elif not _LOOKS.match(verb):
        judge.add(Tier.MEDIUM, f"{label}.{verb}", "changes stored objects", whole)
        judge.production(call, label)


def _transfer(judge: Judging, label: str, paths: list[str], whole: str, call: Call) -> None:
    remote = [path for path in paths if re.match(r"(s3|gs|b2|az|r2|oss)://|\w+:", path)]
    local = [path for path in paths if path not in remote]
    for path in local:
        judge.touch(Effect.WRITE if path == paths[-1] else Effect.READ_TREE, path, call)
    if paths and paths[-1] in remote:
        judge.add(Tier.MEDIUM, f"{label}.upload", "changes stored objects", whole)
        judge.production(call, label)


_PLATFORM_LOOKS = re.compile(
    r"(status|logs?|ls|list|info|inspect|whoami|ps|open|version|help|dev|serve|start|build|link|env:list"
    r"|releases|apps|doctor|emulators.*|docs|regions)\Z"
)
_PLATFORM_GRAVE = re.compile(
    r"(destroy|delete|remove|rm|rollback|promote|alias|domains?.*|certs?.*|secrets?.*|env|config.*|login"
    r"|logout|auth.*|tokens?|keys?.*|pg:.*|run|ssh|console|exec|.*:destroy|.*:reset|.*:set|.*:unset"
    r"|apps:.*|scale|maintenance:.*)\Z"
)


def platform(job: Job) -> None:
    """``vercel``, ``fly``, ``heroku``: a bare call or ``deploy`` deploys; previews are medium, production is high."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    words, options = _words(args)
    whole = " ".join(call.argv)
    verb = words[0] if words else ""
    if {"--version", "--help", "-v", "-h"} & set(options):
        return
    # ``fly apps destroy`` says with its second word what ``heroku apps:destroy`` says with its first.
    if is_opaque(verb) or _PLATFORM_GRAVE.match(verb) or any(_DESTROYS.match(word) for word in words[1:3]):
        judge.add(Tier.HIGH, f"{label}.{verb or 'deploys'}", "changes what others use, or its secrets", whole)
    elif _PLATFORM_LOOKS.match(verb):
        return
    elif label in {"vercel", "now", "netlify"} and not {"--prod", "--production", "-p"} & set(options):
        judge.add(Tier.MEDIUM, f"{label}.preview", "deploys a preview", whole)
        judge.production(call, label)
    else:
        judge.add(Tier.HIGH, f"{label}.deploys", "deploys to where others use it", whole)


def ansible(job: Job) -> None:
    """``ansible HOSTS -m shell -a TEXT`` runs the text elsewhere."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None or reading.calm:
        return
    modules = reading.values("-m", "--module-name") or ["command"]
    if modules[-1].rpartition(".")[2] in {"shell", "command", "raw", "script"}:
        inner = call.inner(call.argv, call.scope.elsewhere())
        for text in reading.values("-a", "--args"):
            run_text(judge, text, inner, label)


def kubectl_exec(job: Job) -> None:
    """``kubectl exec POD -- COMMAND``."""
    judge, label, args, call = job.judge, job.label, job.args, job.call
    if "--" not in args:
        words = [arg for arg in args if not arg.startswith("-")]
        judge.add(
            Tier.HIGH,
            "kubectl exec",
            "runs something in a container that is not set off by --",
            " ".join(words),
        )
        return
    cut = args.index("--")
    before = args[:cut]
    inner = call.inner(args[cut + 1 :], call.scope.elsewhere())
    inner.scope.names = (*inner.scope.names, *before)
    if any(word == UNKNOWN or MANY in word for word in before):
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", " ".join(before)
        )
    worst, judge.walk.worst = judge.walk.worst, Tier.NONE
    judge.wrap(inner.argv, inner)
    if judge.walk.worst >= Tier.MEDIUM:
        judge.production(call, label)
        inner.argv = before or [label]
        judge.production(inner, label)
    judge.walk.worst = max(judge.walk.worst, worst)


def kubectl_run(job: Job) -> None:
    """``kubectl run NAME --image=X -- COMMAND``: a new program in the cluster, and what it is told to do there."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    cut = args.index("--") if "--" in args else len(args)
    reading = judge.by_table(replace(rule, handler=""), label, args[:cut], call, {})
    if reading is not None and not reading.calm and args[cut + 1 :]:
        judge.wrap(args[cut + 1 :], call.inner(args[cut + 1 :], call.scope.elsewhere()))


def kubectl_get(job: Job) -> None:
    """``kubectl get``: free, but the contents of secrets are not."""
    judge, args, call = job.judge, job.args, job.call
    kinds = " ".join(arg for arg in args if not arg.startswith("-"))
    shows = any(
        arg.startswith(("-o", "--output", "--template")) and "wide" not in arg and "name" not in arg
        for arg in args
    )
    if re.search(r"\bsecrets?\b", kinds) and shows and "wide" not in args and "name" not in args:
        judge.add(Tier.HIGH, "kubectl get secret", "shows secrets", " ".join(call.argv))


def kubectl_delete(job: Job) -> None:
    """``kubectl delete``: a pod comes back, a volume or a namespace does not."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    for option in _delete_options(rule, args):
        judge.add(option.tier, label, option.why, " ".join(call.argv))
    grave = re.compile(
        r"(namespaces?|ns|pvcs?|persistentvolume(claim)?s?|pvs?|nodes?|no|crds?"
        r"|customresourcedefinitions?|secrets?|statefulsets?|sts"
        r"|clusterroles?(bindings?)?|storageclass(es)?|all)(/.*|,.*|\Z)"
    )
    words = [arg for arg in args if not arg.startswith("-")]
    if any(is_opaque(word) for word in words[:1]):
        judge.opaque("opaque.verb", "what it deletes is not known beforehand", " ".join(args))
    if words and grave.match(words[0]):
        judge.add(Tier.HIGH, label, "deletes what does not come back", " ".join(call.argv))
    else:
        judge.add(Tier.MEDIUM, label, "deletes a part of the cluster", " ".join(call.argv))
    judge.production(call, label)


def _delete_options(rule: Rule, args: list[str]) -> list[Option]:
    return [option for option, _, _ in read(args, rule).found if option.tier > Tier.NONE]


def gh_api(job: Job) -> None:
    """``gh api``: the method decides."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = judge.by_table(rule, label, args, call, {})
    if reading is None:
        return
    fields = reading.values("-f", "-F", "--raw-field", "--field", "--input")
    asks = reading.operands[:1] == ["graphql"] and not any(
        re.search(r"mutation|[@\ue000]", value) for value in fields
    )
    if fields and not asks:
        judge.add(Tier.MEDIUM, label, "sends data", " ".join(call.argv))
    if any(re.fullmatch(r"force=true", value) for value in fields):
        judge.add(Tier.HIGH, f"{label}.force", "rewrites what is on the remote", " ".join(call.argv))
    for method in reading.values("-X", "--method"):
        if is_opaque(method) or method.upper() == "DELETE":
            judge.add(Tier.HIGH, f"{label} {method}", "deletes something for others", " ".join(call.argv))
        elif method.upper() not in {"GET", "HEAD"}:
            judge.add(Tier.MEDIUM, f"{label} {method}", "changes something for others", " ".join(call.argv))


FUNCTIONS = {
    "cloud": cloud,
    "platform": platform,
    "ansible": ansible,
    "kubectl_exec": kubectl_exec,
    "kubectl_run": kubectl_run,
    "kubectl_get": kubectl_get,
    "kubectl_delete": kubectl_delete,
    "gh_api": gh_api,
}

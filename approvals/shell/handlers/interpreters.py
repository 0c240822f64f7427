"""Interpreters: inline code, modules, script files and programs on standard input."""

from approvals.shell.bench import Judging
from approvals.shell.call import Call
from approvals.shell.effects import Effect
from approvals.shell.job import Job
from approvals.shell.marks import is_opaque
from approvals.shell.options import Reading, read
from approvals.shell.rule import Rule
from approvals.shell.rules.modules import PYTHON_MODULES, SAFE_SCRIPTS
from approvals.shell.uses import apply_use, run_code, run_script
from kernel.risk import Tier


def interpreter(job: Job) -> None:
    """``node -e CODE``, ``perl FILE``, ``ruby < FILE``; the rule says which options hold code."""
    judge, rule, label, args, call = job.judge, job.rule, job.label, job.args, job.call
    reading = read(args, rule)
    if _options(judge, reading, rule, label, call):
        return
    _file_or_input(judge, reading.operands, rule, label, call)


def _options(judge: Judging, reading: Reading, rule: Rule, label: str, call: Call) -> bool:
    """Judge the options; tell whether nothing else is run."""
    found_code = False
    for option, name, value in reading.found:
        if option.tier > Tier.NONE:
            judge.add(option.tier, f"{label} {name}", option.why, f"{name} {value or ''}".strip())
        if option.use is not None and value is not None:
            found_code = found_code or option.use.value == "code"
            apply_use(judge, option.use, value, call, rule.language or label)
    if reading.uncertain and not found_code:
        judge.opaque(
            "opaque.option", "a word that is not known beforehand may be an option", reading.uncertain[0]
        )
        return True
    if found_code:
        edits = reading.has("-i") and rule.language in {"perl", "ruby"}
        for word in reading.operands:
            judge.watch(word, call)
            if edits:
                judge.touch(Effect.WRITE, word, call)
    return reading.calm or found_code


def _file_or_input(judge: Judging, operands: list[str], rule: Rule, label: str, call: Call) -> None:
    language = rule.language or label
    if operands and operands[0] != "-":
        if operands[0] in rule.verbs:
            judge.apply(rule.verbs[operands[0]], f"{label} {operands[0]}", operands[1:], call, {})
            return
        for word in operands[1:]:
            judge.watch(word, call)
        _script(judge, operands, language, call)
    elif call.stdin is not None:
        run_code(judge, language, call.stdin, call, label)
    else:
        judge.add(Tier.MEDIUM, f"{label}.interactive", "starts an interpreter", label)


def _script(judge: Judging, operands: list[str], language: str, call: Call) -> None:
    """A script file is at least medium, but for a short list of test entry points of well-known frameworks."""
    name = operands[0].removeprefix("./")
    safe = SAFE_SCRIPTS.get(name)
    if safe is not None and operands[1:2] and operands[1] in safe and name not in call.scope.files:
        return
    if operands[0] in judge.walk.pipes:
        content = judge.walk.pipes[operands[0]]
        run_code(judge, language, content, call, language)
        return
    run_script(judge, operands[0], call)
    content = judge.content(operands[0], call)
    if not is_opaque(content):
        run_code(judge, language, content, call, language)


def python(job: Job) -> None:
    """``python -c CODE``, ``python -m MODULE``, ``python FILE``: what follows ``-c`` and ``-m`` is not ours to read."""
    judge, rule, args, call = job.judge, job.rule, job.args, job.call
    for index, arg in enumerate(args):
        if not arg.startswith("-") or arg in {"-", "--"}:
            break
        if arg in {"-W", "-X", "--check-hash-based-pycs"}:
            continue
        letters = arg[1:] if not arg.startswith("--") else ""
        for letter in ("m", "c"):
            if letter in letters and not arg.startswith(("-W", "-X")):
                _split(judge, letter, arg, index, args, call)
                return
    reading = read([arg for arg in args if arg not in {"default", "ignore"}], rule)
    if reading.uncertain[:1] == reading.operands[:1] and reading.uncertain:
        judge.opaque("opaque.script", "which file it runs is not known beforehand", reading.uncertain[0])
        return
    if not reading.calm:
        _file_or_input(judge, reading.operands, rule, "python", call)


def _split(judge: Judging, letter: str, arg: str, index: int, args: list[str], call: Call) -> None:
    glued = arg.split(letter, 1)[1]
    value = glued or (args[index + 1] if index + 1 < len(args) else "")
    rest = args[index + 1 :] if glued else args[index + 2 :]
    if letter == "c":
        run_code(judge, "python", value, call, "python")
        for word in rest:
            judge.watch(word, call)
    else:
        _module(judge, value, rest, call)


def _module(judge: Judging, module: str, rest: list[str], call: Call) -> None:
    if is_opaque(module):
        judge.opaque("opaque.module", "which module it runs is not known beforehand", module)
        return
    if module == "hermes" or module.startswith(("hermes.", "approvals", "store.")):
        judge.wrap(["hermes", *rest], call)
        return
    known = PYTHON_MODULES.get(module)
    if known == "":
        for word in rest:
            judge.watch(word, call)
    elif known is not None:
        judge.wrap([known, *rest], call)
    else:
        judge.add(Tier.MEDIUM, "python -m", "runs a module without a rule", module)
        for word in rest:
            judge.watch(word, call)


FUNCTIONS = {"interpreter": interpreter, "python": python}

"""npm, yarn, pnpm, bun and the runners that come with them."""

from dataclasses import replace

from approvals.shell.rule import HIGH, LOW, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_ADDS = Rule(MEDIUM, "installs or removes packages")
_PUBLISHES = Rule(HIGH, "publishes to everybody")
_KEYS = Rule(HIGH, "handles credentials")
_CLEANS = Rule(LOW, "empties a cache")

SCRIPT = Rule(
    handler="package_script",
    posix=True,
    bare=_OK,
    options=(
        flag(
            "-s --silent --if-present -ws --workspaces --include-workspace-root -r --recursive"
            " --parallel --stream -i"
        ),
        takes("-w --workspace --prefix -C --dir --filter -F"),
        takes("--script-shell", Use.PROGRAM, MEDIUM, "runs scripts in another shell"),
    ),
)
RUN_TOOL = Rule(
    handler="run_tool",
    posix=True,
    options=(
        flag("-y --yes --no --no-install -q --quiet --prefer-offline --offline --silent --bun -s"),
        takes("-w --workspace --filter"),
        takes("-p --package --from --with --python"),
        takes("-c --call", Use.SHELL, MEDIUM, "runs a command"),
        calm("-v --version -h --help"),
    ),
)
_NODE_CONFIG = Rule(
    posix=True, other=Rule(MEDIUM, "changes settings"), bare=_OK, verbs=programs("get list ls", _OK)
)
_NODE_GLOBAL = (
    calm("-v --version -h --help"),
    takes("--prefix -C --dir --cwd", Use.DIRECTORY),
    takes("-w --workspace --filter -F --loglevel --cache"),
    flag("-s --silent -ws --workspaces -r --recursive"),
    takes("--registry", None, MEDIUM, "takes packages from another source"),
    takes("--script-shell", Use.PROGRAM, MEDIUM, "runs scripts in another shell"),
    takes("--node-options", None, MEDIUM, "changes how node starts"),
)
_NODE_VERBS = table(
    programs("ci clean-install install-clean install-test cit it", _OK),
    programs(
        "install i",
        Rule(
            MEDIUM,
            "installs packages",
            bare=_OK,
            options=(
                flag(
                    "-D -S -E -O -P -f -w --save --save-dev --save-exact --production --frozen-lockfile"
                    " --immutable --no-audit --no-fund --legacy-peer-deps --force --ignore-scripts"
                    " --prefer-offline --silent --no-save --check-files --verbose --no-optional"
                    " --offline --lockfile-only"
                ),
                flag("-g --global", MEDIUM, "installs a program for everybody"),
                takes("--omit --include --only --network-timeout --registry --prefix --cwd --mode"),
            ),
        ),
    ),
    programs(
        "add uninstall remove rm un unlink update upgrade up link dedupe prune rebuild approve-builds"
        " import patch patch-commit up-interactive",
        Rule(MEDIUM, "changes the packages"),
    ),
    programs(
        "ls list ll la outdated audit view info show v why explain search doctor root bin prefix ping"
        " whoami fund help licenses query sbom diff docs repo bugs home constraints workspaces check",
        _OK,
    ),
    programs("pack", _OK),
    programs("init create", Rule(MEDIUM, "runs a generator")),
    programs("run run-script rum urn", SCRIPT),
    programs("test t tst", Rule(options=(flag("-s --silent -w"),))),
    programs("start", _OK),
    programs("stop restart", Rule(MEDIUM, "runs a script")),
    programs(
        "publish unpublish deprecate dist-tag owner access star team org profile hook deploy", _PUBLISHES
    ),
    programs("login logout adduser token", _KEYS),
    {
        "cache": Rule(
            posix=True,
            bare=_OK,
            verbs=table(programs("clean clear rm", _CLEANS), programs("ls list verify dir path", _OK)),
        ),
        "config": _NODE_CONFIG,
        "c": _NODE_CONFIG,
        "get": _OK,
        "set": Rule(MEDIUM, "changes settings"),
        "pkg": Rule(posix=True, other=Rule(MEDIUM, "changes package.json"), verbs=programs("get", _OK)),
        "version": Rule(MEDIUM, "changes the version and tags it", bare=_OK),
        "store": Rule(
            posix=True,
            other=Rule(MEDIUM, "changes the store"),
            verbs=table(programs("path status", _OK), programs("prune", _CLEANS)),
        ),
    },
)

_SCRIPTED = Rule(
    posix=True,
    bare=_OK,
    options=_NODE_GLOBAL,
    other=Rule(handler="unknown_script"),
    verbs=table(
        _NODE_VERBS,
        {
            "exec": Rule(operands=(Use.COMMAND,), posix=True),
            "dlx": RUN_TOOL,
            "x": RUN_TOOL,
            "node": Rule(operands=(Use.COMMAND,), posix=True, handler="as_node"),
            "workspace": Rule(handler="yarn_workspace"),
            "global": _ADDS,
            "fetch": _OK,
            "build": _OK,
        },
    ),
)

NODE = table(
    programs(
        "npm cnpm",
        Rule(
            posix=True,
            bare=_OK,
            options=_NODE_GLOBAL,
            verbs=table(_NODE_VERBS, {"exec": RUN_TOOL, "x": RUN_TOOL}),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
        ),
    ),
    programs("yarn pnpm", _SCRIPTED),
    programs("bun", replace(_SCRIPTED, options=(*_NODE_GLOBAL, takes("-e --eval -p --print", Use.CODE)))),
    programs("npx pnpx bunx", RUN_TOOL),
)

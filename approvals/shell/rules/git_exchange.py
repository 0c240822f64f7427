"""git with other repositories: fetching, pushing, submodules, and what is handed to others."""

from dataclasses import replace

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes
from approvals.shell.rules.git_changes import LOCAL

_FETCH = Rule(
    handler="git_fetch",
    options=(
        flag(
            "-a -f -p -t -n -q -v -k -u -l -s -4 -6 --all --prune --tags --no-tags --recurse-submodules"
            " --bare --mirror --no-checkout --single-branch --rebase --no-rebase --ff-only --autostash"
            " --progress --quiet --dry-run --unshallow"
        ),
        takes(
            "-b --branch --depth --shallow-since -j --jobs -o --origin --filter --reference --refmap"
            " --server-option --strategy --shallow-exclude --negotiation-tip"
        ),
        takes("-c --config"),
        takes("--upload-pack", Use.PROGRAM, MEDIUM, "runs a program for the transfer"),
        takes("--template", Use.OPAQUE),
    ),
)

EXCHANGE = table(
    programs("bundle", Rule(operands=(Use.DATA, Use.WRITE, Use.ANY))),
    programs(
        "archive",
        Rule(
            options=(
                takes("-o --output", Use.WRITE),
                takes("--exec", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("--remote", Use.NAME),
            )
        ),
    ),
    programs("fetch pull", _FETCH),
    programs(
        "clone",
        replace(
            _FETCH,
            # The later of two options with one name counts; for fetch and pull -u is a switch.
            options=(
                *_FETCH.options,
                takes("-u", Use.PROGRAM, MEDIUM, "runs a program for the transfer"),
            ),
        ),
    ),
    programs(
        "ls-remote fetch-pack",
        Rule(
            handler="git_fetch",
            options=(
                flag("-h -t -q --heads --tags --refs --symref --get-url"),
                takes("--upload-pack --exec", Use.PROGRAM, MEDIUM, "runs a program for the transfer"),
            ),
        ),
    ),
    programs(
        "push",
        Rule(
            handler="git_push",
            options=(
                flag(
                    "-f --force --force-with-lease --force-if-includes --mirror --prune",
                    HIGH,
                    "rewrites or deletes what is on the remote",
                    attached=False,
                ),
                flag(
                    "--all --branches --tags --follow-tags",
                    MEDIUM,
                    "pushes more than one branch or publishes tags",
                ),
                flag("--no-verify", MEDIUM, "skips the checks before a push"),
                flag(
                    "-u -q -v -d --delete --set-upstream --quiet --verbose --progress --porcelain"
                    " --atomic --thin --no-thin --verify -4 -6 --no-force-with-lease"
                    " --no-recurse-submodules"
                ),
                flag("--signed --recurse-submodules", attached=True),
                takes("-o --push-option --repo"),
                takes("--receive-pack --exec", Use.PROGRAM, MEDIUM, "runs a program for the transfer"),
                calm("-n --dry-run --help"),
            ),
        ),
    ),
    programs("send-pack http-push", Rule(HIGH, "pushes below the checks of git push")),
    programs(
        "remote",
        Rule(
            bare=Rule(),
            options=(flag("-v --verbose"),),
            other=Rule(MEDIUM, "changes where the repository exchanges with"),
            verbs=programs("show get-url update prune", Rule()),
        ),
    ),
    programs(
        "submodule",
        Rule(
            posix=True,
            bare=Rule(),
            options=(flag("-q --quiet"),),
            verbs=table(
                programs("status summary update init sync absorbgitdirs", LOCAL),
                programs(
                    "foreach",
                    Rule(operands=(Use.SHELL_WORDS,), posix=True, options=(flag("--recursive -q --quiet"),)),
                ),
                programs("add set-url set-branch deinit", Rule(MEDIUM, "changes the submodules")),
            ),
        ),
    ),
    programs(
        "lfs",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes how large files are kept"),
            verbs=table(
                programs("ls-files status env version fetch pull checkout fsck logs locks pointer", Rule()),
                programs("push", Rule()),
                programs("install track untrack", Rule(MEDIUM, "changes settings")),
            ),
        ),
    ),
    programs("credential credential-store credential-cache", Rule(HIGH, "handles credentials")),
    programs("send-email imap-send request-pull", Rule(MEDIUM, "sends something to others")),
    programs(
        "daemon instaweb http-backend upload-pack receive-pack shell upload-archive cvsserver",
        Rule(MEDIUM, "serves the repository"),
    ),
    programs(
        "subtree",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes a subtree"),
            verbs=programs("push", Rule(MEDIUM, "pushes a subtree")),
        ),
    ),
)

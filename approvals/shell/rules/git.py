"""git and its relatives."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes
from approvals.shell.rules.git_changes import CHANGES, LOCAL, LOOKS
from approvals.shell.rules.git_exchange import EXCHANGE

GIT_VERBS = table(
    EXCHANGE,
    CHANGES,
    programs(
        "status describe rev-parse rev-list merge-base ls-files ls-tree cat-file name-rev shortlog"
        " cherry whatchanged"
        " show-ref for-each-ref show-branch count-objects fsck verify-commit verify-tag check-ignore"
        " check-attr check-ref-format"
        " var version help range-diff diff-tree diff-index diff-files merge-tree get-tar-commit-id"
        " patch-id stripspace column",
        Rule(options=LOOKS),
    ),
    programs("diff log show blame annotate grep", Rule(options=LOOKS, operands=(Use.ANY,))),
    programs(
        "add stage rev merge-file mv merge cherry-pick revert am apply notes rerere"
        " interpret-trailers write-tree mktag"
        " hash-object commit-tree read-tree checkout-index update-index pack-refs repack multi-pack-index",
        LOCAL,
    ),
    programs("format-patch", Rule(options=(takes("-o --output-directory", Use.WRITE),))),
    programs(
        "init",
        Rule(
            operands=(Use.MAKE,),
            options=(
                flag("-q --bare --quiet"),
                takes("-b --initial-branch --object-format"),
                takes("--template", Use.OPAQUE),
            ),
        ),
    ),
    programs(
        "config",
        Rule(
            handler="git_config",
            options=(
                calm(
                    "-l --list --get --get-all --get-regexp --get-urlmatch --get-color --get-colorbool"
                    " --show-scope"
                ),
                flag(
                    "--global --system --local --worktree --add --replace-all -z --null --name-only"
                    " --show-origin --bool --int --path -e --edit --unset --unset-all --remove-section"
                    " --rename-section"
                ),
                takes("-f --file --blob --type --default --comment"),
            ),
        ),
    ),
    programs(
        "difftool mergetool",
        Rule(MEDIUM, "opens a program", options=(takes("-x --extcmd", Use.PROGRAM), takes("-t --tool"))),
    ),
    programs("hook", Rule(MEDIUM, "runs a hook")),
    programs("flow", Rule(MEDIUM, "starts or finishes branches")),
)


GIT = table(
    programs(
        "git hub",
        Rule(
            handler="git",
            posix=True,
            verbs=GIT_VERBS,
            bare=Rule(),
            strict=True,
            options=(
                flag(
                    "-p -P --paginate --no-pager --bare --no-replace-objects --literal-pathspecs"
                    " --glob-pathspecs --noglob-pathspecs --icase-pathspecs --no-optional-locks"
                    " --no-lazy-fetch --no-advice"
                ),
                calm("-v --version -h --help --html-path --man-path --info-path"),
                takes("-C", Use.DIRECTORY),
                takes("-c"),
                takes("--config-env"),
                takes(
                    "--git-dir --work-tree",
                    Use.READ,
                    MEDIUM,
                    "works with a repository that is named explicitly",
                ),
                takes("--namespace --super-prefix --attr-source"),
                flag("--exec-path", HIGH, "runs git's parts from another folder", attached=True),
            ),
        ),
    ),
)

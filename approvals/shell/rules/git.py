"""git and its relatives."""

from dataclasses import replace

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_LOOKS = (
    takes("--output", Use.WRITE),
    flag("--ext-diff --textconv", MEDIUM, "runs programs that the configuration names"),
    takes("-O --open-files-in-pager", Use.PROGRAM, MEDIUM, "runs a program"),
    takes(
        "-n -S -G -L --author --since --until --after --before --grep --format --pretty --date"
        " --max-count --skip --committer -U"
    ),
)
_COMMIT = Rule(
    operands=(Use.ANY,),
    options=(
        flag(
            "-a -p -v -q -s -n -e -i -o -z --all --amend --no-edit --no-verify --signoff --allow-empty"
            " --quiet --verbose --dry-run -S --gpg-sign"
        ),
        takes(
            "-m --message --author --date --fixup --squash -C -c --reuse-message --trailer --cleanup",
            Use.DATA,
        ),
        takes("-F --file -t --template --pathspec-from-file", Use.READ),
    ),
)
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
_LOCAL = Rule(operands=(Use.ANY,))

GIT_VERBS = table(
    programs(
        "status describe rev-parse rev-list merge-base ls-files ls-tree cat-file name-rev shortlog"
        " cherry whatchanged"
        " show-ref for-each-ref show-branch count-objects fsck verify-commit verify-tag check-ignore"
        " check-attr check-ref-format"
        " var version help range-diff diff-tree diff-index diff-files merge-tree get-tar-commit-id"
        " patch-id stripspace column",
        Rule(options=_LOOKS),
    ),
    programs("diff log show blame annotate grep", Rule(options=_LOOKS, operands=(Use.ANY,))),
    programs(
        "add stage rev merge-file mv merge cherry-pick revert am apply notes rerere"
        " interpret-trailers write-tree mktag"
        " hash-object commit-tree read-tree checkout-index update-index pack-refs repack multi-pack-index",
        _LOCAL,
    ),
    programs(
        "gc",
        Rule(
            options=(
                flag("--aggressive --auto --no-prune --quiet -q --keep-largest-pack --detach --no-detach"),
                flag("--force --prune", MEDIUM, "throws away what no branch holds any more", attached=True),
            )
        ),
    ),
    programs("commit", _COMMIT),
    programs("format-patch", Rule(options=(takes("-o --output-directory", Use.WRITE),))),
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
        "checkout",
        Rule(
            handler="git_checkout",
            options=(
                flag(
                    "-q -t -l -d -m --track --detach --no-track --guess --progress --quiet --merge"
                    " --recurse-submodules"
                ),
                takes("-b --orphan --conflict"),
                takes("-B", None, MEDIUM, "moves a branch"),
                flag("-f --force -p --patch --ours --theirs", MEDIUM, "discards changes"),
            ),
        ),
    ),
    programs(
        "switch",
        Rule(
            options=(
                flag("-q -t -d -m --track --detach --merge --guess --no-guess --progress"),
                takes("-c --create --orphan"),
                takes("-C --force-create", None, MEDIUM, "moves a branch"),
                flag("-f --force --discard-changes", MEDIUM, "discards changes"),
            )
        ),
    ),
    programs(
        "restore",
        Rule(
            handler="git_restore",
            options=(
                flag("-S -W -p -q --staged --worktree --ours --theirs --merge"),
                takes("-s --source --conflict"),
            ),
        ),
    ),
    programs(
        "reset",
        Rule(
            options=(
                flag("--hard --merge --keep", MEDIUM, "discards changes"),
                flag("--soft --mixed -q -p -N --quiet --patch"),
            )
        ),
    ),
    programs(
        "clean",
        Rule(
            MEDIUM,
            "deletes files that are not in the repository",
            options=(calm("-n --dry-run"), flag("-f -d -x -X -q -i --force"), takes("-e --exclude")),
        ),
    ),
    programs(
        "rm",
        Rule(
            MEDIUM,
            "deletes files",
            operands=(Use.DELETE,),
            options=(calm("-n --dry-run"), flag("-r -f -q --cached --force")),
        ),
    ),
    programs(
        "stash",
        Rule(
            posix=True,
            bare=Rule(),
            verbs=table(
                programs("list show push save pop apply branch create store", _LOCAL),
                programs("drop", Rule(MEDIUM, "deletes a stash")),
                programs("clear", Rule(MEDIUM, "deletes every stash")),
            ),
            options=(
                flag("-u -k -a -p -q --keep-index --include-untracked --all"),
                takes("-m --message", Use.DATA),
            ),
        ),
    ),
    programs(
        "branch",
        Rule(
            options=(
                flag("-d -D --delete", MEDIUM, "deletes a branch"),
                flag("-M -C -f --force", MEDIUM, "overwrites a branch"),
                flag("--edit-description", MEDIUM, "changes a setting"),
                flag(
                    "-a -r -v -vv -q -l -m -c -i -t --all --remotes --verbose --list --show-current"
                    " --move --copy --unset-upstream --no-track --track --no-color --color",
                    attached=False,
                ),
                takes("-u --set-upstream-to --contains --no-contains --points-at --sort --format"),
            )
        ),
    ),
    programs(
        "tag",
        Rule(
            options=(
                flag("-d --delete", MEDIUM, "deletes a tag"),
                flag("-f --force", MEDIUM, "moves a tag"),
                flag("-a -s -l -v --list --annotate --sign --verify"),
                takes("-m --message -F --file -u -n --sort --format --contains --points-at", Use.DATA),
            )
        ),
    ),
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
        "rebase",
        Rule(
            options=(
                flag(
                    "-i -q -v -p -r -m -f --continue --abort --skip --quit --autosquash --autostash"
                    " --interactive --root --no-verify --update-refs --keep-empty --rebase-merges"
                    " --edit-todo",
                    attached=False,
                ),
                takes("--onto -s -X --strategy --strategy-option -C"),
                takes("-x --exec", Use.PROGRAM, MEDIUM, "runs a command at every step"),
            )
        ),
    ),
    programs(
        "bisect",
        Rule(
            posix=True,
            verbs=table(
                programs("start good bad old new skip reset log replay visualize view terms", _LOCAL),
                programs("run", Rule(operands=(Use.COMMAND,), posix=True)),
            ),
        ),
    ),
    programs(
        "submodule",
        Rule(
            posix=True,
            bare=Rule(),
            options=(flag("-q --quiet"),),
            verbs=table(
                programs("status summary update init sync absorbgitdirs", _LOCAL),
                programs(
                    "foreach",
                    Rule(operands=(Use.SHELL_WORDS,), posix=True, options=(flag("--recursive -q --quiet"),)),
                ),
                programs("add set-url set-branch deinit", Rule(MEDIUM, "changes the submodules")),
            ),
        ),
    ),
    programs(
        "worktree",
        Rule(
            posix=True,
            verbs=table(
                programs("list lock unlock repair", Rule()),
                programs("add", _LOCAL),
                programs("remove prune move", Rule(MEDIUM, "removes a working tree")),
            ),
        ),
    ),
    programs(
        "sparse-checkout",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes which files are checked out"),
            verbs=programs("list", Rule()),
        ),
    ),
    programs(
        "reflog",
        Rule(
            bare=Rule(),
            posix=True,
            options=_LOOKS,
            other=Rule(),
            verbs=programs("expire delete", Rule(HIGH, "deletes the way back")),
        ),
    ),
    programs("filter-branch filter-repo", Rule(HIGH, "rewrites the whole history")),
    programs(
        "update-ref symbolic-ref replace prune prune-packed fast-import",
        Rule(MEDIUM, "changes references or objects by hand"),
    ),
    programs(
        "maintenance", Rule(MEDIUM, "changes what runs by itself", posix=True, verbs=programs("run", Rule()))
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
    programs(
        "difftool mergetool",
        Rule(MEDIUM, "opens a program", options=(takes("-x --extcmd", Use.PROGRAM), takes("-t --tool"))),
    ),
    programs("credential credential-store credential-cache", Rule(HIGH, "handles credentials")),
    programs("send-email imap-send request-pull", Rule(MEDIUM, "sends something to others")),
    programs(
        "daemon instaweb http-backend upload-pack receive-pack shell upload-archive cvsserver",
        Rule(MEDIUM, "serves the repository"),
    ),
    programs("hook", Rule(MEDIUM, "runs a hook")),
    programs(
        "subtree",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes a subtree"),
            verbs=programs("push", Rule(MEDIUM, "pushes a subtree")),
        ),
    ),
    programs("flow", Rule(MEDIUM, "starts or finishes branches")),
)

GIT = table(
    programs(
        "git",
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

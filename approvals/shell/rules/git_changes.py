"""git on the repository itself: commits, branches, working trees, and the history behind them."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

LOOKS = (
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
LOCAL = Rule(operands=(Use.ANY,))

CHANGES = table(
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
                programs("list show push save pop apply branch create store", LOCAL),
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
                programs("start good bad old new skip reset log replay visualize view terms", LOCAL),
                programs("run", Rule(operands=(Use.COMMAND,), posix=True)),
            ),
        ),
    ),
    programs(
        "worktree",
        Rule(
            posix=True,
            verbs=table(
                programs("list lock unlock repair", Rule()),
                programs("add", LOCAL),
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
            options=LOOKS,
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
)

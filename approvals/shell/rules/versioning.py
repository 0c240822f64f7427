"""Other version control, and what runs at its hooks."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, calm, flag, programs, table

VERSIONING = table(
    programs("tig gitk git-gui lazygit gitui", Rule(MEDIUM, "opens a program")),
    programs(
        "svn hg bzr fossil jj sl",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes a repository"),
            bare=Rule(),
            verbs=table(
                programs(
                    "status st log diff info blame annotate cat ls list show help version root branches"
                    " branch tags summary identify update up pull add commit ci",
                    Rule(),
                ),
                programs(
                    "push",
                    Rule(
                        MEDIUM,
                        "publishes changes",
                        options=(flag("-f --force --new-branch", HIGH, "rewrites what is on the remote"),),
                    ),
                ),
                programs("strip obliterate", Rule(HIGH, "rewrites the history")),
                {
                    "git": Rule(
                        posix=True,
                        other=Rule(MEDIUM, "changes a repository"),
                        verbs=programs(
                            "push",
                            Rule(
                                MEDIUM,
                                "publishes changes",
                                options=(
                                    flag("--deleted --all --tracked", HIGH, "changes several branches"),
                                ),
                            ),
                        ),
                    )
                },
            ),
        ),
    ),
    programs(
        "pre-commit lefthook husky",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes hooks"),
            options=(calm("--version"),),
            verbs=programs("run validate-config validate-manifest sample-config help version", Rule()),
        ),
    ),
)

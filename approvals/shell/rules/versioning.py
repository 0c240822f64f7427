"""Other version control, and what runs at its hooks."""

from approvals.shell.rule import MEDIUM, Rule, calm, programs, table

VERSIONING = table(
    programs("tig gitk git-gui lazygit gitui", Rule(MEDIUM, "opens a program")),
    programs(
        "svn hg bzr fossil jj sl",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes a repository"),
            bare=Rule(),
            verbs=programs(
                "status st log diff info blame annotate cat ls list show help version root branches"
                " branch tags summary identify update up pull add commit ci",
                Rule(),
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

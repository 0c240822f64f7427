"""gh and glab."""

from collections.abc import Mapping
from dataclasses import replace

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_LOOK = Rule(
    options=(
        flag("-w --web"),
        takes("-R --repo -L --limit -q --jq -t --template --json -s --state -a --author"),
    )
)
_TELLS = Rule(
    MEDIUM,
    "says or changes something for others",
    options=(
        takes("-b --body -t --title -m --message --notes", Use.DATA),
        takes("-F --body-file --notes-file", Use.READ),
        takes("-R --repo"),
    ),
)
_DROPS = Rule(HIGH, "deletes something for others")
_SECRETS = Rule(HIGH, "handles secrets or keys")


_MERGES = replace(
    _TELLS, options=(*_TELLS.options, flag("--admin", HIGH, "goes around the rules of the branch"))
)
_EDITS = replace(
    _TELLS,
    options=(
        *_TELLS.options,
        takes("--visibility", None, HIGH, "changes who sees the repository"),
        flag("--accept-visibility-change-consequences", HIGH, "changes who sees the repository"),
    ),
)
_SETS = replace(_TELLS, deploy=True)
_NONE: Mapping[str, Rule] = {}


def _noun(looks: str, tells: str = "", drops: str = "", also: Mapping[str, Rule] = _NONE) -> Rule:
    return Rule(
        posix=True,
        bare=Rule(),
        other=_TELLS,
        verbs=table(programs(looks, _LOOK), programs(tells, _TELLS), programs(drops, _DROPS), also),
    )


_API = Rule(
    options=(
        takes("-X --method", Use.NAME),
        takes("-f -F --raw-field --field --input"),
        takes("-H --header --jq -q -t --template --hostname -p --preview --cache"),
        flag("-i --include --paginate --silent --slurp --verbose"),
    )
)

GITHUB = table(
    programs(
        "gh",
        Rule(
            posix=True,
            bare=Rule(),
            options=(calm("--version --help"), takes("-R --repo")),
            other=Rule(MEDIUM, "is a command or extension without a rule"),
            verbs=table(
                {
                    "pr": _noun(
                        "list view status checks diff checkout",
                        "create comment review edit ready close reopen update-branch lock unlock",
                        also={"merge": _MERGES},
                    ),
                    "mr": _noun("list view status diff checkout"),
                    "issue": _noun(
                        "list view status",
                        "create comment edit close reopen pin unpin develop transfer lock unlock",
                        "delete",
                    ),
                    "repo": _noun(
                        "list view clone",
                        "create fork sync set-default rename",
                        "delete archive unarchive",
                        also={"edit": _EDITS},
                    ),
                    "run": _noun("list view watch download", "rerun cancel", "delete"),
                    "workflow": Rule(
                        posix=True,
                        verbs=table(
                            programs("list view", _LOOK),
                            programs("run", Rule(MEDIUM, "starts a workflow", deploy=True)),
                            programs("enable disable", Rule(MEDIUM, "switches a workflow")),
                        ),
                    ),
                    "release": _noun("list view download", "create upload edit", "delete delete-asset"),
                    "gist": _noun("list view clone", "create edit", "delete"),
                    "label": _noun("list", "create edit clone", "delete"),
                    "project": _noun("list view item-list field-list", "create edit", "delete"),
                    "cache": _noun("list", "delete"),
                    "search": _LOOK,
                    "status": _LOOK,
                    "browse": _LOOK,
                    "help": _LOOK,
                    "version": _LOOK,
                    "completion": _LOOK,
                    "api": Rule(handler="gh_api", options=_API.options),
                    "auth": Rule(
                        posix=True,
                        other=_SECRETS,
                        verbs=programs(
                            "status",
                            Rule(
                                options=(
                                    flag("-t --show-token", HIGH, "shows a token"),
                                    takes("-h --hostname"),
                                )
                            ),
                        ),
                    ),
                    "secret": Rule(posix=True, other=_SECRETS, verbs=programs("list", _LOOK)),
                    "variable": _noun("list get", "", "delete", also={"set": _SETS}),
                    "ssh-key": Rule(posix=True, other=_SECRETS, verbs=programs("list", _LOOK)),
                    "gpg-key": Rule(posix=True, other=_SECRETS, verbs=programs("list", _LOOK)),
                    "config": Rule(
                        posix=True, other=Rule(MEDIUM, "changes settings"), verbs=programs("get list", _LOOK)
                    ),
                    "alias": Rule(
                        posix=True,
                        verbs=table(
                            programs("list", _LOOK),
                            {
                                "set": Rule(
                                    MEDIUM,
                                    "gives a command another meaning",
                                    operands=(Use.DATA, Use.SHELL),
                                    options=(flag("-s --shell --clobber"),),
                                ),
                                "delete": Rule(MEDIUM, "removes an alias"),
                                "import": Rule(HIGH, "imports aliases"),
                            },
                        ),
                    ),
                    "extension": Rule(
                        posix=True,
                        verbs=programs("list search browse", _LOOK),
                        other=Rule(MEDIUM, "changes extensions"),
                    ),
                    "codespace": Rule(
                        posix=True,
                        verbs=programs("list view logs ports", _LOOK),
                        other=Rule(MEDIUM, "works on a remote machine"),
                    ),
                    "ruleset": _noun("list view check"),
                    "attestation": _noun("verify download trusted-root"),
                },
            ),
        ),
    ),
    programs(
        "glab tea",
        Rule(
            posix=True,
            bare=Rule(),
            options=(calm("--version --help"),),
            other=Rule(MEDIUM, "is a command without a rule"),
            verbs={
                "mr": _noun("list view diff checkout", "create note approve merge close", "delete"),
                "issue": _noun("list view", "create note close", "delete"),
                "ci": _noun("list view status trace lint", "run retry cancel", "delete"),
                "repo": _noun("list view clone", "create fork", "delete"),
                "auth": Rule(posix=True, other=_SECRETS, verbs=programs("status", _LOOK)),
                "variable": Rule(posix=True, other=_SECRETS, verbs=programs("list", _LOOK)),
            },
        ),
    ),
)

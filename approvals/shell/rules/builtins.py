"""Shell builtins."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes
from approvals.shell.wordlist import words

_DATA = (Use.DATA,)

SHELL_ONLY = words(
    """: cd pushd popd dirs export declare typeset local readonly unset read mapfile readarray getopts let set
    shift trap alias unalias shopt enable hash complete compgen bind coproc eval source . command builtin exec
    exit return break continue wait jobs fg bg disown times umask ulimit caller history fc type suspend logout [
    test"""
)
"""What exists in a shell alone (or means something else outside of one)."""

BUILTINS = table(
    programs(
        ": true false exit return break continue wait jobs fg bg disown times umask ulimit caller dirs",
        Rule(prints="nothing"),
    ),
    programs("echo", Rule(operands=_DATA)),
    programs("printf", Rule(handler="printenv")),
    programs("printenv", Rule(handler="printenv")),
    programs("type which whereis whatis apropos", Rule(operands=_DATA, prints="tame")),
    programs("cd pushd", Rule(handler="cd")),
    programs("popd", Rule(handler="popd")),
    programs("export declare typeset local readonly", Rule(handler="declare")),
    programs("unset", Rule(handler="unset")),
    programs("read mapfile readarray getopts", Rule(handler="read")),
    programs("let", Rule(handler="let")),
    programs("test [", Rule(handler="test")),
    programs("set", Rule(handler="set")),
    programs("shift", Rule(handler="shift")),
    programs("trap", Rule(handler="trap")),
    programs("alias", Rule(handler="alias")),
    programs("unalias logout history suspend", Rule(operands=_DATA)),
    programs("fc", Rule(HIGH, "runs commands from the history again")),
    programs("shopt enable hash complete compgen bind", Rule(handler="shopt")),
    programs("coproc", Rule(HIGH, "runs a command beside the others")),
    programs("eval", Rule(handler="eval")),
    programs("source .", Rule(handler="source")),
    programs("command", Rule(handler="plain", posix=True, strict=True, options=(flag("-p"), calm("-v -V")))),
    programs("builtin", Rule(handler="plain", posix=True, strict=True)),
    programs("exec", Rule(handler="plain", posix=True, strict=True, options=(flag("-c -l"), takes("-a")))),
    programs(
        "time",
        Rule(
            handler="plain",
            posix=True,
            strict=True,
            options=(
                flag("-p -v --verbose --portability -a --append -q --quiet"),
                takes("-f --format"),
                takes("-o --output", Use.WRITE),
            ),
        ),
    ),
    programs("sleep yes seq expr bc dc cal factor numfmt", Rule(operands=_DATA)),
    programs(
        "date nproc arch hostname uname whoami id groups tty logname users locale hostid",
        Rule(operands=_DATA, prints="tame"),
    ),
    programs("mktemp", Rule(prints="paths")),
    programs("pwd basename dirname realpath readlink", Rule()),
    programs("kill", Rule(handler="kill")),
    programs("getconf tput clear uuidgen", Rule(operands=_DATA, prints="tame")),
    programs("stty reset", Rule()),
    programs(
        "hostnamectl timedatectl localectl",
        Rule(
            MEDIUM,
            "changes the system's settings",
            bare=Rule(),
            verbs=programs("status show list-timezones list-locales", Rule()),
        ),
    ),
)

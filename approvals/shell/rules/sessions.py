"""Commands that run on another machine, in another terminal, or later."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

SESSIONS = table(
    programs(
        "at batch",
        Rule(
            handler="from_input",
            options=(takes("-f", Use.READ), takes("-q -t"), flag("-m -l -c -r -d -v -M")),
        ),
    ),
    programs(
        "tmux screen",
        Rule(
            handler="terminal",
            posix=True,
            options=(flag("-d -D -m -P -2 -u -v -r -R -x"), takes("-s -t -S -n -L -f -c -e -F -y")),
        ),
    ),
    programs(
        "ssh autossh slogin",
        Rule(
            handler="ssh",
            posix=True,
            strict=True,
            options=(
                flag("-t -T -v -N -f -q -a -C -g -K -k -M -n -s -X -x -Y -y -4 -6"),
                flag("-A", MEDIUM, "lends the keys of this machine to the other"),
                takes("-p -l -b -c -e -m -O -Q -B"),
                takes("-i -S"),
                takes("-o"),
                takes("-J -W", Use.NAME),
                takes("-L -R -D -w", None, MEDIUM, "opens a way between the machines"),
                takes("-F", Use.OPAQUE),
                takes("-E", Use.WRITE),
                takes("-I", None, HIGH, "loads a library"),
                calm("-V -G"),
            ),
        ),
    ),
    programs(
        "mosh pssh pdsh clush sshpass rsh rlogin",
        Rule(HIGH, "runs commands on other machines", handler="unclear"),
    ),
    programs("expect", Rule(HIGH, "runs a dialogue with other programs")),
)

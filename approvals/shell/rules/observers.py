"""Programs that run another command to watch, measure, trace or repeat it."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, flag, programs, table, takes
from approvals.shell.rules.wrapping import wrapper

OBSERVERS = table(
    programs(
        "strace ltrace",
        wrapper(
            flag(
                "-f -ff -c -C -q -qq -r -t -tt -ttt -T -v -x -xx -y -yy -i -k -D -h -V -n -S -w -z -Z",
                attached=False,
            ),
            takes("-e -s -a -S -O -I -P -b -E -u -U -l -F -A --trace --status"),
            takes("-o --output", Use.WRITE),
            takes("-p --attach", None, HIGH, "looks into another process"),
        ),
    ),
    programs(
        "valgrind",
        wrapper(
            flag(
                "--leak-check --track-origins --tool --show-leak-kinds --error-exitcode -q -v --quiet"
                " --trace-children --num-callers",
                attached=True,
            ),
            takes("--log-file", Use.WRITE),
        ),
    ),
    programs(
        "perf",
        Rule(
            MEDIUM,
            "profiles programs",
            posix=True,
            verbs={
                "stat": wrapper(flag("-d -a -B -i"), takes("-e -r -x"), takes("-o", Use.WRITE)),
                "record": wrapper(
                    flag("-g -a -d"),
                    takes("-e -F -c --call-graph"),
                    takes("-o", Use.WRITE),
                    takes("-p", None, HIGH, "looks into another process"),
                ),
                "list": Rule(),
                "report": Rule(),
                "annotate": Rule(),
                "script": Rule(MEDIUM, "runs a script"),
                "top": Rule(),
            },
        ),
    ),
    programs(
        "gdb lldb",
        Rule(
            MEDIUM,
            "runs a program under a debugger",
            operands=(Use.COMMAND,),
            posix=True,
            options=(
                flag("--args -q -batch --batch -nx -nh -tui -quiet --quiet -n"),
                takes("-p --pid -ex --eval-command -ix -iex -o -O", None, HIGH, "runs debugger commands"),
                takes("-x --command -s --source", Use.SCRIPT, HIGH, "runs debugger commands"),
            ),
        ),
    ),
    programs(
        "watch",
        Rule(
            handler="texts",
            language="joined",
            posix=True,
            strict=True,
            options=(
                flag(
                    "-b -c -d -e -g -t -x -p -w -q -r --color --differences --no-title --errexit"
                    " --chgexit --exec --precise",
                    attached=False,
                ),
                takes("-n --interval -q"),
            ),
        ),
    ),
    programs(
        "hyperfine",
        Rule(
            handler="texts",
            strict=True,
            options=(
                flag("-i -N --ignore-failure --show-output --time-unit"),
                takes(
                    "-w --warmup -r --runs -m -M --min-runs --max-runs -L --parameter-list -n"
                    " --command-name -u --style"
                ),
                takes("-p --prepare -s --setup -c --cleanup --conclude", Use.SHELL),
                takes("-S --shell", Use.PROGRAM),
                takes("--export-json --export-markdown --export-csv", Use.WRITE),
            ),
        ),
    ),
    programs(
        "concurrently npm-run-all run-p run-s",
        Rule(
            handler="texts",
            options=(
                flag("-k --kill-others -r --raw --kill-others-on-fail -g"),
                takes("-n --names -c --prefix-colors -p --prefix -s --success -m"),
            ),
        ),
    ),
    programs(
        "nodemon",
        Rule(
            MEDIUM,
            "runs a file again and again",
            options=(
                takes("-x --exec", Use.PROGRAM),
                takes("-w --watch -e --ext -i --ignore -d --delay --signal"),
            ),
            operands=(Use.SCRIPT, Use.ANY),
        ),
    ),
    programs("entr", wrapper(flag("-a -c -cc -d -n -p -r -s -x -z"))),
    programs(
        "watchexec",
        wrapper(
            flag("-c -r -p -n --clear --restart --no-ignore"),
            takes("-w --watch -e --exts -f --filter -i --ignore -d --debounce -s --signal --shell"),
        ),
    ),
)

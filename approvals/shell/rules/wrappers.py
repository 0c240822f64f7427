"""Programs that run another command; an option they are not known to have makes them opaque."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_COMMAND = (Use.COMMAND,)


def _wrapper(*options: object, operands: tuple[Use, ...] = _COMMAND, **more: object) -> Rule:
    return Rule(options=options, operands=operands, posix=True, strict=True, **more)  # type: ignore[arg-type]


_SHELL = Rule(
    handler="shell",
    posix=True,
    strict=True,
    options=(
        flag(
            "-c -l -i -e -u -x -v -f -p -r -s -a -b -h -k -m -t -B -C -E -H -P -T --login --norc"
            " --noprofile --posix --verbose"
        ),
        flag(
            "--restricted --noediting --debug -d --no-rcs --noprofile --no-config -N --dump-strings"
            " --dump-po-strings"
        ),
        flag("+x +e +u +v +B +H +m"),
        takes("-o +o -O +O"),
        takes("--rcfile --init-file", Use.SCRIPT),
        calm("-n --version --help"),
    ),
)
_ENV = Rule(
    handler="environ",
    posix=True,
    strict=True,
    options=(
        flag("--ignore-environment -0 --null -v --debug --list-signal-handling"),
        flag("-"),
        takes("-u --unset"),
        takes("-C --chdir", Use.DIRECTORY),
        takes("-S --split-string"),
        takes("--block-signal --default-signal --ignore-signal -a --argv0"),
        flag("-i"),
        calm("--version --help"),
    ),
)
_SUDO = Rule(
    handler="environ",
    posix=True,
    strict=True,
    options=(
        flag(
            "-n -E -H -k -K -S -b -P -B -A --non-interactive --preserve-env --set-home --stdin"
            " --background --reset-timestamp",
            attached=True,
        ),
        flag("-i -s --login --shell"),
        takes(
            "-u -g -p -h -r -t -C -T -U -a -c --user --group --prompt --host --role --type --close-from"
            " --command-timeout"
        ),
        takes("-D --chdir", Use.DIRECTORY),
        takes("-R --chroot", Use.DIRECTORY, HIGH, "changes the root directory"),
        takes("-e --edit", Use.WRITE),
        calm("-v -l -V --validate --list --version --help"),
    ),
)

WRAPPERS = table(
    programs("bash sh dash ash zsh ksh mksh rbash", _SHELL),
    programs(
        "fish csh tcsh nu elvish xonsh pwsh powershell osh yash",
        Rule(HIGH, "is a shell whose language is not understood"),
    ),
    programs("env", _ENV),
    programs("sudo", _SUDO),
    programs("doas", _SUDO),
    programs("pkexec", _wrapper(takes("--user"), flag("--disable-internal-agent --keep-cwd"))),
    programs(
        "su",
        Rule(
            handler="switch_user",
            options=(flag("- -l --login -m -p -f"), takes("-c --command"), takes("-s --shell -g -G -w")),
            strict=True,
        ),
    ),
    programs(
        "runuser",
        Rule(
            handler="switch_user",
            posix=True,
            strict=True,
            options=(flag("- -l --login -m -p"), takes("-c --command"), takes("-u --user -s -g -G")),
        ),
    ),
    programs(
        "script",
        Rule(
            handler="switch_user",
            strict=True,
            options=(
                flag("-q -a -f -e --quiet --append --flush --return"),
                takes("-c --command"),
                takes("-t -O -I -B -m -o -T -E"),
            ),
        ),
    ),
    programs("gosu su-exec chpst setuidgid", _wrapper(operands=(Use.NAME, Use.COMMAND))),
    programs(
        "xargs",
        Rule(
            handler="xargs",
            posix=True,
            strict=True,
            options=(
                flag(
                    "-0 -r -t -p -x -o --null --no-run-if-empty --verbose --interactive --exit"
                    " --open-tty --show-limits"
                ),
                flag("-i --replace -l -e --eof --max-lines", attached=True),
                takes(
                    "-I -n -L -P -s -d -E -a --arg-file --max-args --max-procs --max-chars --delimiter"
                    " --process-slot-var"
                ),
            ),
        ),
    ),
    programs(
        "parallel",
        Rule(
            handler="parallel",
            posix=True,
            strict=True,
            options=(
                flag(
                    "-k --keep-order --bar --eta --progress -t --verbose -0 --null --halt-on-error"
                    " --no-notice --will-cite --line-buffer --lb --tag -u --ungroup -X -m -q"
                ),
                takes(
                    "-j --jobs -P --max-procs -n --max-args -N -I -d --delimiter --timeout --retries"
                    " --halt --delay -C --colsep --joblog --load --memfree"
                ),
                takes("-a --arg-file", Use.OPAQUE),
                takes(
                    "-S --sshlogin --sshloginfile --slf", Use.NAME, HIGH, "runs commands on other machines"
                ),
                calm("--dry-run --dryrun --version"),
            ),
        ),
    ),
    programs(
        "timeout gtimeout",
        _wrapper(
            flag("--foreground --preserve-status -v --verbose -f -p"),
            takes("-s --signal -k --kill-after"),
            operands=(Use.DATA, Use.COMMAND),
        ),
    ),
    programs(
        "nohup linux32 linux64 unbuffer fakeroot catchsegv chronic caffeinate dbus-run-session dumb-init",
        _wrapper(flag("-i -d -s -m -p"), calm("--version --help")),
    ),
    programs("nice", _wrapper(takes("-n --adjustment"), *(flag(f"-{level}") for level in range(1, 20)))),
    programs("ionice", _wrapper(flag("-t --ignore"), takes("-c --class -n --classdata -p -P -u"))),
    programs(
        "chrt",
        _wrapper(flag("-b -f -i -o -r -a -m -v -R"), takes("-p -T -P -D"), operands=(Use.DATA, Use.COMMAND)),
    ),
    programs("taskset", _wrapper(flag("-a -p"), flag("-c --cpu-list"), operands=(Use.DATA, Use.COMMAND))),
    programs("stdbuf", _wrapper(takes("-i -o -e --input --output --error"))),
    programs("setsid", _wrapper(flag("-c -f -w --ctty --fork --wait"))),
    programs(
        "setpriv",
        _wrapper(
            flag("--no-new-privs --clear-groups --keep-groups --reset-env"),
            takes("--reuid --regid --groups --inh-caps --bounding-set --ambient-caps"),
        ),
    ),
    programs(
        "strace ltrace",
        _wrapper(
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
        _wrapper(
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
                "stat": _wrapper(flag("-d -a -B -i"), takes("-e -r -x"), takes("-o", Use.WRITE)),
                "record": _wrapper(
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
            options=(
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
    programs("entr", _wrapper(flag("-a -c -cc -d -n -p -r -s -x -z"))),
    programs(
        "watchexec",
        _wrapper(
            flag("-c -r -p -n --clear --restart --no-ignore"),
            takes("-w --watch -e --exts -f --filter -i --ignore -d --debounce -s --signal --shell"),
        ),
    ),
    programs(
        "flock",
        Rule(
            handler="lock",
            posix=True,
            strict=True,
            options=(
                flag(
                    "-s -x -e -n -u -o -F -v --shared --exclusive --nonblock --nb --unlock --close --no-fork"
                ),
                takes("-w -E --timeout --wait --conflict-exit-code"),
            ),
        ),
    ),
    programs(
        "chroot",
        _wrapper(
            flag("--skip-chdir"),
            takes("--userspec --groups"),
            operands=(Use.READ, Use.COMMAND),
            tier=HIGH,
            why="changes the root directory",
        ),
    ),
    programs(
        "unshare",
        _wrapper(
            flag(
                "-m -u -i -n -p -U -C -T -f -r -c --mount --uts --ipc --net --pid --user --cgroup"
                " --time --fork --map-root-user --map-current-user --keep-caps --kill-child --mount-proc",
                attached=False,
            ),
            takes("--propagation --setgroups -S -G --setuid --setgid -w --wd --root -R"),
        ),
    ),
    programs(
        "nsenter",
        _wrapper(
            flag(
                "-m -u -i -n -p -U -C -a --mount --uts --ipc --net --pid --user --all"
                " --preserve-credentials -F"
            ),
            takes("-t --target -S -G"),
            tier=HIGH,
            why="enters another process's surroundings",
        ),
    ),
    programs(
        "bwrap firejail proot systemd-run systemd-inhibit cgexec numactl runcon prlimit capsh faketime"
        " xvfb-run rlwrap",
        Rule(HIGH, "runs a command in surroundings that are not understood", handler="unclear"),
    ),
    programs("setarch", _wrapper(flag("-R -v"), operands=(Use.DATA, Use.COMMAND))),
    programs(
        "ld-linux-x86-64.so.2 ld-linux.so.2 ld-linux-aarch64.so.1 ld-musl-x86_64.so.1 ld.so",
        _wrapper(
            takes("--library-path --preload --audit --argv0", None, MEDIUM, "loads libraries"),
            tier=MEDIUM,
            why="loads a program by hand",
        ),
    ),
    programs("busybox toybox", _wrapper(calm("--list --help"))),
    programs(
        "direnv",
        Rule(
            MEDIUM,
            "changes the environment",
            posix=True,
            verbs={
                "exec": _wrapper(
                    operands=(Use.READ, Use.COMMAND), tier=MEDIUM, why="loads a directory's environment"
                ),
                "status": Rule(),
                "version": Rule(),
            },
        ),
    ),
    programs(
        "dotenv",
        Rule(
            posix=True,
            verbs={"run": _wrapper(flag("--override --no-override"))},
            options=(takes("-f --file", Use.READ), takes("-e", Use.READ)),
            other=Rule(MEDIUM, "runs a command with a file's environment"),
        ),
    ),
    programs("cross-env cross-env-shell", Rule(handler="environ", posix=True, strict=True)),
    programs("tini", _wrapper(flag("-s -g -v -w"), takes("-p -e"))),
    programs(
        "conda mamba micromamba",
        Rule(
            posix=True,
            options=(takes("-n --name -p --prefix"),),
            other=Rule(MEDIUM, "changes an environment"),
            bare=Rule(),
            verbs={
                "run": _wrapper(
                    takes("-n --name -p --prefix --cwd"), flag("--no-capture-output --live-stream -v")
                ),
                **programs("list info search", Rule()),
                "env": Rule(posix=True, verbs={"list": Rule()}, other=Rule(MEDIUM, "changes an environment")),
                "activate": Rule(),
                "deactivate": Rule(),
            },
        ),
    ),
    programs(
        "nix-shell",
        Rule(
            MEDIUM,
            "enters an environment",
            options=(takes("--run --command", Use.SHELL), takes("-p --packages -A --attr -I")),
        ),
    ),
)

"""Programs that run another command; an option they are not known to have makes them opaque."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes
from approvals.shell.rules.wrapping import wrapper

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
    programs("pkexec", wrapper(takes("--user"), flag("--disable-internal-agent --keep-cwd"))),
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
    programs("gosu su-exec chpst setuidgid", wrapper(operands=(Use.NAME, Use.COMMAND))),
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
        wrapper(
            flag("--foreground --preserve-status -v --verbose -f -p"),
            takes("-s --signal -k --kill-after"),
            operands=(Use.DATA, Use.COMMAND),
        ),
    ),
    programs(
        "nohup linux32 linux64 unbuffer fakeroot catchsegv chronic caffeinate dbus-run-session dumb-init",
        wrapper(flag("-i -d -s -m -p"), calm("--version --help")),
    ),
    programs("nice", wrapper(takes("-n --adjustment"), *(flag(f"-{level}") for level in range(1, 20)))),
    programs("ionice", wrapper(flag("-t --ignore"), takes("-c --class -n --classdata -p -P -u"))),
    programs(
        "chrt",
        wrapper(flag("-b -f -i -o -r -a -m -v -R"), takes("-p -T -P -D"), operands=(Use.DATA, Use.COMMAND)),
    ),
    programs("taskset", wrapper(flag("-a -p"), flag("-c --cpu-list"), operands=(Use.DATA, Use.COMMAND))),
    programs("stdbuf", wrapper(takes("-i -o -e --input --output --error"))),
    programs("setsid", wrapper(flag("-c -f -w --ctty --fork --wait"))),
    programs(
        "setpriv",
        wrapper(
            flag("--no-new-privs --clear-groups --keep-groups --reset-env"),
            takes("--reuid --regid --groups --inh-caps --bounding-set --ambient-caps"),
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
        wrapper(
            flag("--skip-chdir"),
            takes("--userspec --groups"),
            operands=(Use.READ, Use.COMMAND),
            tier=HIGH,
            why="changes the root directory",
        ),
    ),
    programs(
        "unshare",
        wrapper(
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
        wrapper(
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
    programs("setarch", wrapper(flag("-R -v"), operands=(Use.DATA, Use.COMMAND))),
    programs(
        "ld-linux-x86-64.so.2 ld-linux.so.2 ld-linux-aarch64.so.1 ld-musl-x86_64.so.1 ld.so",
        wrapper(
            takes("--library-path --preload --audit --argv0", None, MEDIUM, "loads libraries"),
            tier=MEDIUM,
            why="loads a program by hand",
        ),
    ),
    programs("busybox toybox", wrapper(calm("--list --help"))),
    programs(
        "direnv",
        Rule(
            MEDIUM,
            "changes the environment",
            posix=True,
            verbs={
                "exec": wrapper(
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
            verbs={"run": wrapper(flag("--override --no-override"))},
            options=(takes("-f --file", Use.READ), takes("-e", Use.READ)),
            other=Rule(MEDIUM, "runs a command with a file's environment"),
        ),
    ),
    programs("cross-env cross-env-shell", Rule(handler="environ", posix=True, strict=True)),
    programs("tini", wrapper(flag("-s -g -v -w"), takes("-p -e"))),
    programs(
        "conda mamba micromamba",
        Rule(
            posix=True,
            options=(takes("-n --name -p --prefix"),),
            other=Rule(MEDIUM, "changes an environment"),
            bare=Rule(),
            verbs={
                "run": wrapper(
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

"""Package managers and the runners that come with them."""

from approvals.shell.rule import HIGH, LOW, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_ADDS = Rule(MEDIUM, "installs or removes packages")
_SYSTEM = Rule(MEDIUM, "installs or removes software of the system")
_PUBLISHES = Rule(HIGH, "publishes to everybody")
_KEYS = Rule(HIGH, "handles credentials")
_CLEANS = Rule(LOW, "empties a cache")
_RUN = Rule(operands=(Use.COMMAND,), posix=True)
_INDEX = takes(
    "-i --index-url --extra-index-url --default-index --index --find-links --trusted-host --registry",
    None,
    MEDIUM,
    "takes packages from another source",
)
# With a name it adds a package; without one it installs what the project already declares.
_SYNC = Rule(MEDIUM, "installs packages", bare=_OK)
_PIP_INSTALL = Rule(
    handler="pip_install",
    options=(
        flag(
            "-U -I -q -v --upgrade --user --no-deps --pre --no-cache-dir --break-system-packages"
            " --quiet --force-reinstall --no-build-isolation --system --no-input"
            " --disable-pip-version-check"
        ),
        takes("-r --requirement -c --constraint", Use.READ),
        takes("-e --editable"),
        takes("-t --target --prefix --root", Use.WRITE),
        takes(
            "--python --platform --python-version --only-binary --no-binary --timeout --retries -p"
            " --report --log --extra --group"
        ),
        _INDEX,
        calm("--dry-run"),
    ),
)

_PIP = Rule(
    posix=True,
    bare=_OK,
    options=(calm("-V --version --help"), takes("--python --cache-dir --log --proxy")),
    verbs=table(
        programs("list show freeze check search index inspect debug help hash completion tree", _OK),
        programs("install sync", _PIP_INSTALL),
        programs("uninstall", _ADDS),
        programs("download wheel compile", Rule()),
        {
            "cache": Rule(
                posix=True, verbs=table(programs("list info dir", _OK), programs("purge remove", _CLEANS))
            ),
            "config": Rule(
                posix=True, other=Rule(MEDIUM, "changes settings"), verbs=programs("list get debug", _OK)
            ),
        },
    ),
)

_SCRIPT = Rule(
    handler="package_script",
    posix=True,
    bare=_OK,
    options=(
        flag(
            "-s --silent --if-present -ws --workspaces --include-workspace-root -r --recursive"
            " --parallel --stream -i"
        ),
        takes("-w --workspace --prefix -C --dir --filter -F"),
        takes("--script-shell", Use.PROGRAM, MEDIUM, "runs scripts in another shell"),
    ),
)
_NPX = Rule(
    handler="run_tool",
    posix=True,
    options=(
        flag("-y --yes --no --no-install -q --quiet --prefer-offline --offline --silent --bun -s"),
        takes("-w --workspace --filter"),
        takes("-p --package --from --with --python"),
        takes("-c --call", Use.SHELL, MEDIUM, "runs a command"),
        calm("-v --version -h --help"),
    ),
)
_NODE_CONFIG = Rule(
    posix=True, other=Rule(MEDIUM, "changes settings"), bare=_OK, verbs=programs("get list ls", _OK)
)
_NODE_GLOBAL = (
    calm("-v --version -h --help"),
    takes("--prefix -C --dir --cwd -w --workspace --filter -F --loglevel --cache"),
    flag("-s --silent -ws --workspaces -r --recursive"),
    takes("--registry", None, MEDIUM, "takes packages from another source"),
    takes("--script-shell", Use.PROGRAM, MEDIUM, "runs scripts in another shell"),
    takes("--node-options", None, MEDIUM, "changes how node starts"),
)
_NODE_VERBS = table(
    programs("ci clean-install install-clean install-test cit it", _OK),
    programs(
        "install i",
        Rule(
            MEDIUM,
            "installs packages",
            bare=_OK,
            options=(
                flag(
                    "-D -S -E -O -P -f -w --save --save-dev --save-exact --production --frozen-lockfile"
                    " --immutable --no-audit --no-fund --legacy-peer-deps --force --ignore-scripts"
                    " --prefer-offline --silent --no-save --check-files --verbose --no-optional"
                    " --offline --lockfile-only"
                ),
                flag("-g --global", MEDIUM, "installs a program for everybody"),
                takes("--omit --include --only --network-timeout --registry --prefix --cwd --mode"),
            ),
        ),
    ),
    programs(
        "add uninstall remove rm un unlink update upgrade up link dedupe prune rebuild approve-builds"
        " import patch patch-commit up-interactive",
        Rule(MEDIUM, "changes the packages"),
    ),
    programs(
        "ls list ll la outdated audit view info show v why explain search doctor root bin prefix ping"
        " whoami fund help licenses query sbom diff docs repo bugs home constraints workspaces check",
        _OK,
    ),
    programs("pack", _OK),
    programs("init create", Rule(MEDIUM, "runs a generator")),
    programs("run run-script rum urn", _SCRIPT),
    programs("test t tst", Rule(options=(flag("-s --silent -w"),))),
    programs("start", _OK),
    programs("stop restart", Rule(MEDIUM, "runs a script")),
    programs(
        "publish unpublish deprecate dist-tag owner access star team org profile hook deploy", _PUBLISHES
    ),
    programs("login logout adduser token", _KEYS),
    {
        "cache": Rule(
            posix=True,
            bare=_OK,
            verbs=table(programs("clean clear rm", _CLEANS), programs("ls list verify dir path", _OK)),
        ),
        "config": _NODE_CONFIG,
        "c": _NODE_CONFIG,
        "get": _OK,
        "set": Rule(MEDIUM, "changes settings"),
        "pkg": Rule(posix=True, other=Rule(MEDIUM, "changes package.json"), verbs=programs("get", _OK)),
        "version": Rule(MEDIUM, "changes the version and tags it", bare=_OK),
        "store": Rule(
            posix=True,
            other=Rule(MEDIUM, "changes the store"),
            verbs=table(programs("path status", _OK), programs("prune", _CLEANS)),
        ),
    },
)

_UV_RUN = Rule(
    operands=(Use.COMMAND,),
    posix=True,
    strict=True,
    options=(
        flag(
            "--frozen --locked --no-sync --isolated --all-extras --dev --no-dev -q -v --quiet --verbose"
            " --no-project --active --exact --offline --all-groups --refresh --upgrade --managed-python"
        ),
        takes(
            "--extra --group --with --with-requirements -p --python --project --package --env-file"
            " --directory --only-group --no-group --with-editable"
        ),
        takes("-m --module", Use.COMMAND),
        takes("-s --script", Use.SCRIPT),
        _INDEX,
        calm("--help"),
    ),
)

PACKAGES = table(
    programs("pip pip3", _PIP),
    programs(
        "pipx",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version"),),
            other=_ADDS,
            verbs={"run": _NPX, "list": _OK, "environment": _OK},
        ),
    ),
    programs("uvx", _NPX),
    programs(
        "uv",
        Rule(
            posix=True,
            bare=_OK,
            options=(
                calm("-V --version -h --help"),
                flag("-q -v --quiet --verbose --offline"),
                takes("--directory --project --config-file --python --color --cache-dir"),
            ),
            verbs=table(
                programs("sync lock venv tree export version build help generate-shell-completion", _OK),
                programs("add remove init", _ADDS),
                {"run": _UV_RUN, "pip": _PIP, "publish": _PUBLISHES, "auth": _KEYS},
                {
                    "tool": Rule(posix=True, other=_ADDS, verbs={"run": _NPX, "list": _OK, "dir": _OK}),
                    "cache": Rule(
                        posix=True, verbs=table(programs("clean prune", _CLEANS), programs("dir size", _OK))
                    ),
                    "python": Rule(posix=True, other=_ADDS, verbs=programs("list find dir", _OK)),
                    "self": Rule(MEDIUM, "changes uv itself"),
                },
            ),
        ),
    ),
    programs(
        "poetry pdm rye hatch pipenv",
        Rule(
            posix=True,
            bare=_OK,
            options=(
                calm("-V --version -h --help"),
                flag("-n -q -v -vv -vvv --no-interaction"),
                takes("-C --directory -P --project -e --env -p"),
            ),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            verbs=table(
                programs(
                    "install sync lock check show build list info about search export version help fmt"
                    " test graph tree verify status",
                    Rule(
                        options=(
                            takes("--with --without --only -E --extras -G"),
                            flag("--no-root --sync --no-dev --all-extras --frozen --dev"),
                        )
                    ),
                ),
                programs("add remove update upgrade uninstall use init new self plugin", _ADDS),
                {"run": _RUN, "shell": Rule(MEDIUM, "starts a shell"), "publish": _PUBLISHES},
                {
                    "config": Rule(MEDIUM, "changes settings", options=(calm("--list"),)),
                    "env": Rule(posix=True, other=_ADDS, verbs=programs("info list show find activate", _OK)),
                    "cache": Rule(posix=True, other=_CLEANS, verbs=programs("list", _OK)),
                    "source": Rule(MEDIUM, "changes where packages come from"),
                },
            ),
        ),
    ),
    programs(
        "npm cnpm",
        Rule(
            posix=True,
            bare=_OK,
            options=_NODE_GLOBAL,
            verbs=table(_NODE_VERBS, {"exec": _NPX, "x": _NPX}),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
        ),
    ),
    programs(
        "yarn pnpm bun",
        Rule(
            posix=True,
            bare=_OK,
            options=_NODE_GLOBAL,
            other=Rule(handler="unknown_script"),
            verbs=table(
                _NODE_VERBS,
                {
                    "exec": Rule(operands=(Use.COMMAND,), posix=True),
                    "dlx": _NPX,
                    "x": _NPX,
                    "node": Rule(operands=(Use.COMMAND,), posix=True, handler="as_node"),
                    "workspace": Rule(handler="yarn_workspace"),
                    "global": _ADDS,
                    "fetch": _OK,
                    "build": _OK,
                },
            ),
        ),
    ),
    programs("npx pnpx bunx", _NPX),
    programs(
        "corepack nvm fnm volta n pyenv rbenv nodenv asdf mise rustup sdk jenv goenv tfenv",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-v --version"),),
            other=Rule(MEDIUM, "changes which versions are installed"),
            verbs=table(
                programs(
                    "list ls list-remote ls-remote versions version current which show help doctor use"
                    " local env info where status",
                    _OK,
                ),
                {"exec": _RUN, "run": Rule(operands=(Use.NAME, Use.COMMAND), posix=True)},
            ),
        ),
    ),
    programs(
        "apt apt-get aptitude nala",
        Rule(
            posix=True,
            bare=_OK,
            options=(
                calm("-v --version -s --simulate --dry-run"),
                flag("-y -q -qq --yes"),
                takes("-o", None, HIGH, "changes settings that can run programs"),
                takes("-t -c"),
            ),
            other=_SYSTEM,
            verbs=programs(
                "list search show policy depends rdepends changelog help moo madison showsrc check"
                " source download",
                _OK,
            ),
        ),
    ),
    programs("apt-cache apt-file dpkg-query rpm2cpio", _OK),
    programs(
        "apt-mark add-apt-repository apt-key update-alternatives dpkg-reconfigure apt-add-repository", _SYSTEM
    ),
    programs(
        "dpkg rpm",
        Rule(
            MEDIUM,
            "installs or removes software of the system",
            options=(
                calm(
                    "-l -L -s -S -p -I -c -q -qa -qi -ql -qf -V --list --listfiles --status --search"
                    " --info --print-architecture --get-selections --version -C --audit"
                    " --compare-versions --query"
                ),
            ),
        ),
    ),
    programs(
        "yum dnf zypper pacman apk emerge xbps-install port snap flatpak nix-env guix choco scoop"
        " winget pkg opkg",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-Q -Qi -Ql -Qs -Ss -Si --version"),),
            other=_SYSTEM,
            verbs=programs(
                "list search info show repolist provides deplist check-update help version history find", _OK
            ),
        ),
    ),
    programs(
        "brew",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-v --version --prefix --cellar --repository --cache --config"),),
            other=_SYSTEM,
            verbs=table(
                programs(
                    "list ls search info desc deps uses leaves outdated doctor config home log options"
                    " missing commands help cat formulae casks",
                    _OK,
                ),
                {
                    "services": Rule(
                        posix=True,
                        bare=_OK,
                        other=Rule(MEDIUM, "starts or stops services"),
                        verbs=programs("list info", _OK),
                    ),
                    "cleanup": Rule(MEDIUM, "deletes old versions"),
                },
            ),
        ),
    ),
    programs(
        "gem",
        Rule(
            posix=True,
            other=_ADDS,
            options=(calm("-v --version"),),
            verbs=table(
                programs(
                    "list search query environment env info help which contents specification outdated"
                    " dependency check build",
                    _OK,
                ),
                programs("push yank owner", _PUBLISHES),
                programs("signin signout cert", _KEYS),
            ),
        ),
    ),
    programs(
        "bundle bundler",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-v --version"),),
            other=_ADDS,
            verbs=table(
                programs(
                    "install check list show info outdated platform help doctor licenses package cache", _OK
                ),
                {"exec": _RUN, "config": Rule(MEDIUM, "changes settings", bare=_OK)},
            ),
        ),
    ),
    programs(
        "composer",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-V --version"), flag("-n -q -v"), takes("-d --working-dir")),
            other=_ADDS,
            verbs=table(
                programs(
                    "install show info validate outdated why why-not licenses audit diagnose status"
                    " dump-autoload dumpautoload check-platform-reqs fund browse search suggests help"
                    " test lint",
                    _OK,
                ),
                programs("run-script run", _SCRIPT),
                {"exec": _RUN, "config": Rule(MEDIUM, "changes settings"), "clear-cache": _CLEANS},
            ),
        ),
    ),
    programs(
        "cpan cpanm luarocks opam cabal stack rebar3 ghcup pecl pear conan vcpkg",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version"),),
            other=_ADDS,
            verbs=table(
                programs("list search show info build test check repl haddock path status help", _OK),
                programs("upload publish", _PUBLISHES),
                {"exec": _RUN},
            ),
        ),
    ),
    programs(
        "twine",
        Rule(posix=True, other=_PUBLISHES, options=(calm("--version"),), verbs=programs("check", _OK)),
    ),
    programs(
        "semantic-release release-it changeset lerna np standard-version goreleaser",
        Rule(
            HIGH,
            "releases to everybody",
            options=(calm("--dry-run --version -d --snapshot"),),
            posix=True,
            verbs=programs(
                "status list ls run check build init version add", Rule(MEDIUM, "prepares a release")
            ),
        ),
    ),
)

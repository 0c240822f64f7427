"""Package managers and the runners that come with them."""

from approvals.shell.rule import HIGH, LOW, MEDIUM, Rule, Use, calm, flag, programs, table, takes
from approvals.shell.rules.node import RUN_TOOL, SCRIPT

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
            verbs={"run": RUN_TOOL, "list": _OK, "environment": _OK},
        ),
    ),
    programs("uvx", RUN_TOOL),
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
                    "tool": Rule(posix=True, other=_ADDS, verbs={"run": RUN_TOOL, "list": _OK, "dir": _OK}),
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
                programs("run-script run", SCRIPT),
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

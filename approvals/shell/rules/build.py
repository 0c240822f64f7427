"""Build tools, compilers, test runners and linters."""

from approvals.shell.rule import HIGH, LOW, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_CLEANS = Rule(LOW, "deletes what the build can make again")
_PUBLISHES = Rule(HIGH, "publishes to everybody", options=(calm("--dry-run -n"),))
_ADDS = Rule(MEDIUM, "installs or removes packages")
_COMPILER = Rule(
    options=(
        takes("-o", Use.WRITE),
        takes("-D -U -x -l -std -MF -MT -arch -isysroot -target -Xlinker -include -isystem -framework"),
        takes("-I -L", Use.ANY),
        takes("-wrapper", Use.PROGRAM, MEDIUM, "runs a program"),
        takes("-specs -B", None, MEDIUM, "takes its parts from elsewhere"),
    ),
    words=True,
)

BUILD = table(
    programs(
        "make gmake bmake",
        Rule(
            handler="make",
            options=(
                flag(
                    "-k -s -i -B -b -d -e -m -p -r -R -S -t -w -v --silent --quiet --keep-going"
                    " --always-make --no-print-directory --print-directory -n --dry-run --just-print"
                    " --trace"
                ),
                flag("-j -l --jobs --load-average", attached=True),
                takes("-C --directory", Use.DIRECTORY),
                takes("-f --file --makefile"),
                takes("-I -o -W --old-file --what-if --include-dir -O"),
                takes("--eval", None, HIGH, "adds rules of its own"),
                calm("--version --help -q"),
            ),
        ),
    ),
    programs(
        "just task rake invoke inv mage poe grunt gulp jake doit waf scons ninja bazel bazelisk buck2"
        " pants nx turbo moon earthly meson xmake ant sbt lein mill",
        Rule(
            handler="targets",
            options=(
                calm("-l --list --summary --dump --show --tasks --version --help -T"),
                takes("-f --justfile --file -C -d --working-directory --directory -j -t --target -w --dir"),
                takes("--shell --shell-command --command", Use.PROGRAM, MEDIUM, "runs a command"),
                flag("-v -q -k -s -n -i"),
            ),
        ),
    ),
    programs(
        "gradle gradlew",
        Rule(
            handler="targets",
            words=True,
            options=(
                takes("-I --init-script", None, HIGH, "runs a script"),
                takes("-b --build-file -c --settings-file", Use.SCRIPT),
                takes("-p --project-dir -x --exclude-task --tests --max-workers --console -g"),
                calm("-v --version --help -m --dry-run --status"),
            ),
        ),
    ),
    programs(
        "mvn mvnw mvnd",
        Rule(
            handler="targets",
            language="install dependency help enforcer surefire failsafe compiler",
            words=True,
            options=(
                takes(
                    "-f --file -pl --projects -P --activate-profiles -s --settings -T --threads -gs -rf"
                    " --resume-from -t -l"
                ),
                calm("-v --version --help"),
            ),
        ),
    ),
    programs(
        "cmake",
        Rule(
            operands=(Use.ANY,),
            options=(
                takes("-S -G -D -C -j --target --config --preset -T -A --install-prefix -L"),
                takes("-B --build", Use.MAKE),
                takes("-P", Use.SCRIPT),
                takes("-E", None, MEDIUM, "runs a command of cmake's own"),
                takes("--install", None, MEDIUM, "installs files"),
                calm("--version --help"),
            ),
        ),
    ),
    programs(
        "ctest cpack ccmake autoreconf autoconf automake aclocal libtoolize pkg-config pkgconf qmake", Rule()
    ),
    programs("gcc g++ cc c++ clang clang++ ld ld.lld lld gfortran nvcc tcc as nasm yasm", _COMPILER),
    programs(
        "rustc",
        Rule(
            options=(
                takes("-o --out-dir", Use.WRITE),
                takes("-C --codegen", None),
                takes("--edition --crate-type --crate-name --target --emit -A -W -D"),
                calm("-V --version --explain --print"),
            )
        ),
    ),
    programs(
        "rustfmt clippy-driver rust-analyzer javac kotlinc scalac swiftc tsc vue-tsc ttsc ghc elm erlc"
        " mcs csc",
        Rule(
            options=(takes("-o --outDir --outFile -d", Use.WRITE), takes("-p --project -cp -classpath")),
            words=True,
        ),
    ),
    programs(
        "cargo",
        Rule(
            posix=True,
            bare=_OK,
            options=(
                calm("-V --version --list --help"),
                flag("-q -v --quiet --verbose --offline --locked --frozen"),
                takes("--color -Z -C"),
                takes("--config", None, MEDIUM, "changes settings that can run programs"),
            ),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            verbs=table(
                programs(
                    "build b test t check c clippy fmt doc d bench run r tree metadata search info"
                    " version help fetch generate-lockfile verify-project pkgid locate-project update"
                    " nextest audit deny outdated machete udeps expand bloat llvm-cov tarpaulin vendor"
                    " package read-manifest insta hack",
                    _OK,
                ),
                programs("clean", _CLEANS),
                programs("install uninstall add remove rm init new fix", _ADDS),
                programs("publish yank owner", _PUBLISHES),
                programs("login logout", Rule(HIGH, "handles credentials")),
                {
                    "watch": Rule(options=(takes("-x --exec"), takes("-s --shell", Use.SHELL))),
                    "make": Rule(handler="targets"),
                    "xtask": Rule(MEDIUM, "runs a program of the project"),
                },
            ),
        ),
    ),
    programs(
        "go",
        Rule(
            posix=True,
            words=True,
            bare=_OK,
            options=(takes("-C", Use.DIRECTORY),),
            verbs=table(
                programs(
                    "build test vet fmt doc list version help telemetry fix",
                    Rule(
                        words=True,
                        operands=(Use.ANY,),
                        options=(
                            takes("-o", Use.WRITE),
                            takes(
                                "-run -bench -count -timeout -tags -ldflags -gcflags -p -parallel"
                                " -coverprofile -cpuprofile -mod -modfile -covermode -skip -fuzz -f"
                            ),
                            takes("-toolexec -exec -vettool", Use.PROGRAM, MEDIUM, "runs a program"),
                            takes("-overlay", Use.OPAQUE),
                        ),
                    ),
                ),
                {
                    "run": Rule(
                        handler="go_run",
                        words=True,
                        posix=True,
                        options=(
                            takes("-exec -toolexec", Use.PROGRAM, MEDIUM, "runs a program"),
                            takes("-tags -ldflags -gcflags -mod -C -p"),
                            flag("-race -v -x -a"),
                        ),
                    ),
                    "generate": Rule(MEDIUM, "runs the commands that the sources name"),
                    "get": _ADDS,
                    "install": _ADDS,
                    "clean": Rule(LOW, "empties a cache", words=True),
                    "env": Rule(
                        words=True, options=(flag("-w -u", MEDIUM, "changes settings"), flag("-json"))
                    ),
                    "tool": Rule(words=True),
                    "work": Rule(posix=True, other=_OK),
                    "mod": Rule(posix=True, other=_OK, words=True),
                },
            ),
        ),
    ),
    programs(
        "gofmt goimports gofumpt golangci-lint staticcheck govulncheck gotestsum errcheck revive",
        Rule(options=(takes("-c --config", Use.READ),)),
    ),
    programs(
        "dotnet",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version --info --list-sdks --list-runtimes -h --help"),),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            verbs=table(
                programs("build test restore format run msbuild list sln pack watch", _OK),
                programs("clean", _CLEANS),
                programs("add remove new tool workload publish ef", _ADDS),
                {"nuget": Rule(posix=True, other=_OK, verbs=programs("push delete", _PUBLISHES))},
            ),
        ),
    ),
    programs(
        "swift",
        Rule(
            posix=True,
            verbs=programs("build test package run format", _OK),
            options=(calm("--version"),),
            other=Rule(MEDIUM, "runs a script"),
        ),
    ),
    programs("xcodebuild", Rule()),
    programs(
        "flutter dart",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version"),),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            verbs=table(
                programs("test analyze format build doctor devices run compile fix", _OK),
                programs("clean", _CLEANS),
                {
                    "pub": Rule(
                        posix=True,
                        other=_ADDS,
                        verbs=table(programs("get outdated deps", _OK), programs("publish", _PUBLISHES)),
                    )
                },
            ),
        ),
    ),
    programs(
        "mix rebar dune zig elixirc",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("--version"),),
            other=Rule(MEDIUM, "is a task without a rule"),
            verbs=table(
                programs(
                    "test compile format credo dialyzer deps.get deps help build build-exe build-lib"
                    " fmt version env runtest phx.routes docs ast-check",
                    _OK,
                ),
                programs("clean", _CLEANS),
                programs("hex.publish", _PUBLISHES),
            ),
        ),
    ),
    programs(
        "pytest py.test black isort mypy pyright basedpyright flake8 pylint pyflakes pycodestyle"
        " pydocstyle bandit vulture autopep8 yapf autoflake"
        " tox nox mutmut hypothesis behave radon xenon interrogate codespell pip-audit deptry"
        " import-linter lint-imports dmypy pytype pyre pyupgrade djlint"
        " eslint prettier jest vitest mocha ava tap stylelint tslint standard xo biome oxlint nyc c8"
        " tsd knip depcheck madge size-limit webpack rollup esbuild"
        " parcel vite swc babel sass postcss tailwindcss lighthouse publint attw commitlint cspell"
        " markdownlint-cli2 textlint remark alex"
        " rspec rubocop minitest standardrb brakeman reek phpunit pest phpstan psalm phpcs phpcbf"
        " php-cs-fixer pint rector"
        " clang-format clang-tidy cppcheck cpplint include-what-you-use ktlint detekt checkstyle"
        " spotbugs scalafmt scalafix swiftlint swiftformat stylua luacheck selene"
        " shfmt buf protoc protoc-gen-go sqlfluff tflint tfsec checkov semgrep gitleaks trufflehog"
        " dockerfilelint vale proselint taplo editorconfig-checker typos"
        " hlint ormolu fourmolu ocamlformat nixfmt statix deadnix credo dprint treefmt gcov gcovr lcov"
        " genhtml sphinx-build sphinx-apidoc pdoc doxygen typedoc jsdoc javadoc rustdoc pandoc"
        " tsup tsc-watch unbuild lint-staged",
        Rule(
            operands=(Use.ANY,),
            options=(
                takes("-o --output --output-file --outfile --out-dir --outDir", Use.WRITE),
                takes("-c --config --rcfile", Use.ANY),
                calm("--version --help"),
            ),
        ),
    ),
    programs(
        "ruff",
        Rule(
            posix=True,
            bare=_OK,
            verbs=table(
                programs("check format rule config linter server version help analyze", _OK),
                programs("clean", _CLEANS),
            ),
        ),
    ),
    programs(
        "coverage",
        Rule(
            posix=True,
            options=(calm("--version"),),
            verbs=table(
                programs("report html xml json lcov combine annotate debug help", _OK),
                programs("erase", _CLEANS),
                {
                    "run": Rule(
                        handler="python",
                        posix=True,
                        options=(
                            takes("--source --omit --include --rcfile -p"),
                            flag("--branch -a --append"),
                        ),
                    )
                },
            ),
        ),
    ),
    programs(
        "mkdocs",
        Rule(
            posix=True,
            verbs=table(
                programs("build serve new get-deps", _OK),
                programs("gh-deploy", Rule(MEDIUM, "publishes the documentation")),
            ),
        ),
    ),
    programs(
        "playwright cypress",
        Rule(
            posix=True,
            options=(calm("--version"),),
            verbs=table(
                programs(
                    "test run show-report open show-trace verify info version codegen cache merge-reports",
                    _OK,
                ),
                programs("install install-deps uninstall", _ADDS),
            ),
            other=Rule(MEDIUM, "is a sub-command without a rule"),
        ),
    ),
)

"""Interpreters: which options hold code, which name files that run first."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()

_PYTHON = Rule(
    handler="python",
    posix=True,
    options=(
        flag("-u -O -OO -B -s -S -E -I -q -v -x -b -d -i -P -R"),
        takes("-W -X --check-hash-based-pycs"),
        takes("-c -m"),
        calm("-V -VV --version -h --help"),
    ),
)
_NODE = Rule(
    handler="interpreter",
    language="node",
    posix=True,
    strict=True,
    options=(
        takes("-e --eval -p --print", Use.CODE),
        flag(
            "-i --interactive --inspect --inspect-brk --trace-warnings --no-warnings"
            " --enable-source-maps --expose-gc --watch --trace-deprecation --harmony --preserve-symlinks",
            attached=True,
        ),
        takes(
            "-r --require --import --loader --experimental-loader", Use.SCRIPT, MEDIUM, "loads a file first"
        ),
        takes(
            "--max-old-space-size --stack-size --env-file --conditions -C --input-type --title"
            " --watch-path --test-name-pattern --test-reporter"
        ),
        calm("-c --check -v --version -h --help --test --v8-options"),
    ),
)
_PERL = Rule(
    handler="interpreter",
    language="perl",
    posix=True,
    options=(
        takes("-e -E", Use.CODE),
        flag("-n -p -a -w -W -s -S -t -T -u -U -X -f"),
        flag("-i -0 -l -F -x -C -D -V", attached=True),
        takes("-I"),
        takes("-M -m"),
        # Even a check of the syntax runs what stands in BEGIN.
        flag("-c"),
        calm("-v -h"),
    ),
)
_RUBY = Rule(
    handler="interpreter",
    language="ruby",
    posix=True,
    options=(
        takes("-e", Use.CODE),
        flag("-n -p -a -l -w -W -s -S -d"),
        flag("-i -0 -F -x -T", attached=True),
        takes("-I -C -E -K"),
        takes("-r", None, MEDIUM, "loads a library first"),
        calm("-c -v --version -h --help"),
    ),
)
_PHP = Rule(
    handler="interpreter",
    language="php",
    posix=True,
    options=(
        takes("-r -R -B -E --run --process-code --process-begin --process-end", Use.CODE),
        takes("-f -F --file --process-file", Use.SCRIPT),
        takes("-z -c -t"),
        takes("-d", None, MEDIUM, "changes settings"),
        takes("-S", None, MEDIUM, "starts a server"),
        flag("-a -q -n -e -H -C"),
        calm("-l -v -i -m -h --version --help --ini --syntax-check"),
    ),
)
_SIMPLE = Rule(
    handler="interpreter",
    posix=True,
    options=(
        takes("-e -E -c -g --eval --execute", Use.CODE),
        takes("-l -r --require -L", None, MEDIUM, "loads a library first"),
        flag("-i -q -s --vanilla --quiet --no-save --slave --silent"),
        calm("-v --version -h --help"),
    ),
)

INTERPRETERS = table(
    programs("python python2 python3 pypy pypy3 ipython bpython micropython", _PYTHON),
    programs("node nodejs", _NODE),
    programs(
        "deno",
        Rule(
            posix=True,
            bare=Rule(MEDIUM, "starts an interpreter"),
            options=(calm("-V --version"),),
            other=Rule(MEDIUM, "runs a script"),
            verbs=table(
                programs(
                    "test lint fmt check doc info cache types version help bench coverage outdated", _OK
                ),
                {
                    "eval": Rule(operands=(Use.CODE, Use.DATA), options=(flag("-p --print"),)),
                    "run": Rule(operands=(Use.SCRIPT, Use.ANY), posix=True),
                    "task": Rule(handler="package_script", posix=True),
                    "publish": Rule(HIGH, "publishes to everybody"),
                },
            ),
        ),
    ),
    programs(
        "tsx ts-node esno swc-node babel-node coffee",
        Rule(
            handler="interpreter",
            language="node",
            posix=True,
            options=(
                takes("-e --eval -p --print", Use.CODE),
                takes("-r --require --import", Use.SCRIPT, MEDIUM, "loads a file first"),
                takes("-P --project --tsconfig"),
                flag("-T --transpile-only --esm watch"),
                calm("-v --version"),
            ),
        ),
    ),
    programs("perl", _PERL),
    programs("ruby jruby irb", _RUBY),
    programs("php php-cgi", _PHP),
    programs(
        "lua luajit R Rscript julia groovy scala elixir iex octave guile racket sbcl clisp gst"
        " swipl tclsh wish jshell kotlin bb clojure clj raku nim io",
        _SIMPLE,
    ),
    programs(
        "erl",
        Rule(
            handler="interpreter",
            words=True,
            options=(
                takes("-eval", Use.CODE),
                takes("-s -run -pa -pz -sname -name -setcookie -config", Use.ANY),
                flag("-noshell -noinput -detached"),
                calm("-version"),
            ),
        ),
    ),
    programs(
        "osascript applescript wscript cscript mshta autoit xdotool ydotool",
        Rule(HIGH, "controls other programs"),
    ),
    programs(
        "java",
        Rule(
            MEDIUM,
            "runs a program",
            words=True,
            options=(
                calm("-version --version -help --help"),
                takes("-javaagent -agentpath", None, HIGH, "loads an agent"),
            ),
        ),
    ),
    programs("wasmtime wasmer mono", Rule(MEDIUM, "runs a program")),
    programs("m4", Rule(HIGH, "expands macros that can run commands")),
)

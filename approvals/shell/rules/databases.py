"""Database clients and the tools beside them."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_DUMP = Rule(
    operands=(Use.ANY,),
    options=(
        takes("-f --file -r --result-file -o --out --archive", Use.WRITE),
        takes("-h -p -U -u -d -t -n --host --port --user --db --collection --uri"),
        flag("-c -C -s -a -v -x -O"),
    ),
)
_RESTORE = Rule(
    HIGH,
    "replaces what is in a database",
    handler="dump",
    options=(calm("-l --list --version --help --dryRun"),),
)
_DROPS = Rule(HIGH, "drops a database or user")

DATABASES = table(
    programs(
        "psql pgcli",
        Rule(
            handler="client",
            language="psql",
            options=(
                takes("-c --command", Use.SQL),
                takes("-f --file", Use.SQL_FILE),
                takes("-o --output -L --log-file", Use.WRITE),
                takes(
                    "-d --dbname -h --host -p --port -U --username -v --set --variable -F -R -P -T"
                    " --field-separator --pset --record-separator",
                    Use.ANY,
                ),
                flag(
                    "-A -t -q -x -X -1 -e -E -a -b -n -s -S -w -W -H -0 -z --no-align --tuples-only"
                    " --quiet --expanded --no-psqlrc --single-transaction --csv --echo-all --html"
                ),
                calm("-V --version --help -? -l --list"),
            ),
        ),
    ),
    programs(
        "mysql mariadb mycli",
        Rule(
            handler="client",
            language="mysql",
            options=(
                takes("-e --execute", Use.SQL),
                takes(
                    "-u --user -h --host -P --port -D --database -S --socket --protocol"
                    " --default-character-set --ssl-ca --login-path --connect-timeout",
                    Use.ANY,
                ),
                flag("-p --password", attached=True),
                takes("--defaults-file --defaults-extra-file", Use.OPAQUE),
                takes("--init-command", Use.SQL),
                takes("--pager", Use.PROGRAM),
                takes("--tee", Use.WRITE),
                flag("-B -N -s -t -E -v -A -f -q -r -n --batch --raw --silent --table --skip-column-names"),
                calm("-V --version --help -?"),
            ),
        ),
    ),
    programs(
        "sqlite3 sqlite litecli",
        Rule(
            handler="client",
            language="sqlite3",
            words=True,
            options=(
                flag(
                    "-header -csv -column -json -line -list -html -box -markdown -table -tabs -batch"
                    " -bail -echo -readonly -noheader -quote -ascii -interactive -stats -safe -nofollow",
                    attached=False,
                ),
                flag(
                    "--header --csv --column --json --line --list --html --box --markdown --table"
                    " --readonly --safe"
                ),
                takes("-separator -newline -nullvalue -maxsize -lookaside -mmap -vfs"),
                takes("-cmd", Use.SQL),
                takes("-init", Use.SQL_FILE),
                calm("-version --version -help --help"),
            ),
        ),
    ),
    programs(
        "duckdb",
        Rule(
            handler="client",
            language="duckdb",
            words=True,
            options=(
                takes("-c -s -cmd", Use.SQL),
                takes("-init -f", Use.SQL_FILE),
                flag(
                    "-csv -json -line -list -markdown -readonly -batch -noheader -header -box -table"
                    " -unsigned"
                ),
                takes("-separator -nullvalue"),
                calm("-version --version -help"),
            ),
        ),
    ),
    programs(
        "clickhouse-client clickhouse cqlsh sqlcmd usql trino presto beeline impala-shell bcp isql sqlplus"
        " snowsql",
        Rule(
            handler="client",
            language="sql",
            options=(
                takes("-q --query -e --execute -Q -c --command", Use.SQL),
                takes("-f --file -i --queries-file", Use.SQL_FILE),
                takes("-h --host -p --port -u --user -d --database -S -U -P -k", Use.ANY),
                takes("-o", Use.WRITE),
                calm("--version --help"),
            ),
        ),
    ),
    programs(
        "redis-cli valkey-cli keydb-cli",
        Rule(
            handler="redis",
            posix=True,
            options=(
                takes(
                    "-h -p -a -n -u -s -r -i -d -D --user --pass --cacert --cert --key --sni -t"
                    " --pattern --count --memkeys-samples -X"
                ),
                flag(
                    "-c -2 -3 --tls --raw --no-raw --csv --json --no-auth-warning --insecure --verbose"
                    " -e --quoted-input --show-pushes -x"
                ),
                flag("--scan --bigkeys --memkeys --hotkeys --stat --latency --latency-history", use=Use.DATA),
                flag("--pipe", HIGH, "runs commands that are not seen"),
                takes("--eval", None, HIGH, "runs a script"),
                takes("--rdb --functions-rdb", Use.WRITE),
                flag("--cluster", HIGH, "changes the cluster"),
                calm("-v --version --help"),
            ),
        ),
    ),
    programs(
        "mongosh mongo",
        Rule(
            handler="mongo",
            options=(
                takes("--eval"),
                takes("--file -f"),
                takes(
                    "--host --port -u --username -p --password --authenticationDatabase --tlsCAFile -h",
                    Use.ANY,
                ),
                flag("--quiet --norc --json --nodb --tls --shell"),
                calm("--version --help"),
            ),
        ),
    ),
    programs(
        "pg_dump pg_dumpall mysqldump mariadb-dump mongodump mongoexport sqldiff sqlite3_analyzer", _DUMP
    ),
    programs("pgbench redis-benchmark sysbench", Rule(MEDIUM, "puts load on a database")),
    programs("pg_restore mongorestore mongoimport mysqlimport pg_basebackup pg_rewind", _RESTORE),
    programs("createdb createuser initdb mysql_install_db", Rule(MEDIUM, "creates a database or user")),
    programs(
        "cockroach",
        Rule(
            MEDIUM,
            "works on a database server",
            verbs={
                "sql": Rule(
                    handler="client",
                    language="sql",
                    options=(
                        takes("-e --execute", Use.SQL),
                        takes("-f --file", Use.SQL_FILE),
                        takes("--url -u --user -d --database --host -p --port --certs-dir --format", Use.ANY),
                        flag("--insecure"),
                    ),
                )
            },
        ),
    ),
    programs(
        "snow",
        Rule(
            posix=True,
            bare=Rule(),
            options=(calm("--version --help"),),
            other=Rule(MEDIUM, "changes a data warehouse", deploy=True),
            verbs={
                "sql": Rule(
                    handler="client",
                    language="sql",
                    options=(
                        takes("-q --query", Use.SQL),
                        takes("-f --filename", Use.SQL_FILE),
                        takes(
                            "-c --connection --database --schema --role --warehouse --format -D --variable"
                        ),
                        flag("-i --stdin -x --temporary-connection"),
                    ),
                ),
            },
        ),
    ),
    programs(
        "cypher-shell",
        Rule(
            handler="client",
            language="cypher",
            options=(
                takes("-f --file", Use.SQL_FILE),
                takes("-a --address -u --username -p --password -d --database --format -P --param", Use.ANY),
                flag("--non-interactive --fail-fast --fail-at-end"),
                calm("-v --version -h --help"),
            ),
        ),
    ),
    programs(
        "influx",
        Rule(
            handler="client",
            language="influx",
            words=True,
            bare=Rule(),
            options=(
                takes("-execute --execute", Use.SQL),
                takes("-f --file", Use.SQL_FILE),
                takes(
                    "-database -host -port -username -password -format -precision -path-prefix -b -o -c -n"
                    " --bucket --org --host --token --start --stop --predicate --active-config --name --format"
                ),
                flag("-ssl -unsafeSsl -pretty --skip-verify --json --hide-headers --raw -r"),
                calm("-version -help -h --help --version"),
            ),
            other=Rule(MEDIUM, "changes a database", deploy=True),
            verbs={
                **programs("ping version", Rule()),
                "query": Rule(
                    operands=(Use.SQL,), options=(takes("-f --file", Use.SQL_FILE), flag("-r --raw"))
                ),
                "delete": Rule(HIGH, "deletes points", deploy=True),
                **programs(
                    "bucket org user auth task dashboards telegrafs stacks v1 secret remote replication",
                    Rule(
                        posix=True,
                        other=Rule(MEDIUM, "changes a database", deploy=True),
                        verbs={
                            **programs("list ls find", Rule()),
                            **programs("delete rm remove", _DROPS),
                        },
                    ),
                ),
            },
        ),
    ),
    programs("dropdb dropuser", _DROPS),
    programs(
        "pg_ctl pg_ctlcluster pg_upgrade pg_resetwal mysqld mongod redis-server postgres mysqld_safe",
        Rule(MEDIUM, "starts or changes a database server", options=(calm("--version -V --help status"),)),
    ),
    programs(
        "mysqladmin",
        Rule(
            posix=True,
            options=(takes("-u -h -P --user --host --port"), flag("-p", attached=True)),
            other=Rule(HIGH, "changes the server"),
            verbs=programs("status ping version variables extended-status processlist", Rule()),
        ),
    ),
    programs("vacuumdb reindexdb clusterdb", Rule(MEDIUM, "works on tables")),
    programs(
        "etcdctl consul nomad",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "changes data of the cluster", deploy=True),
            verbs=table(
                programs("get ls list members info version status catalog watch endpoint member", Rule()),
                programs("del rm delete destroy system", _DROPS),
                programs(
                    "kv job acl snapshot namespace var volume user role auth",
                    Rule(
                        posix=True,
                        other=Rule(
                            MEDIUM,
                            "changes data of the cluster",
                            deploy=True,
                            options=(flag("-recurse -purge -global", HIGH, "reaches everything below"),),
                        ),
                        verbs=table(
                            programs("get list read status inspect history plan validate", Rule()),
                            programs("destroy restore", _DROPS),
                        ),
                    ),
                ),
            ),
        ),
    ),
)

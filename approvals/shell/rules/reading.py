"""Programs that only look, and filters of text."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_READ = (Use.READ,)
_PATTERN = (Use.DATA, Use.READ)

READING = table(
    programs(
        "shasum wc tac nl od hexdump strings md5sum sha1sum sha256sum sha512sum sha224sum b2sum cksum sum crc32"
        " file stat du df tree cmp comm join paste cut fold fmt expand unexpand column colrm zcat bzcat"
        " xzcat zless zgrep bzgrep"
        " xzgrep lz4cat zstdcat pr tsort cloc tokei scc wdiff colordiff delta ldd nm objdump readelf"
        " size identify exiftool"
        " mediainfo ffprobe pdfinfo lsof lsattr getfacl sha384sum hd base64 base32 rev glow mdcat"
        " shellcheck hadolint"
        " yamllint markdownlint actionlint dot2tex ccze lolcat nkf envsubst",
        Rule(operands=_READ),
    ),
    programs("head tail", Rule(operands=_READ, prints="lines")),
    programs("cat", Rule(operands=_READ)),
    programs("ls ll la l dir vdir exa eza lsd", Rule(prints="paths")),
    programs(
        "uniq",
        Rule(
            prints="lines",
            operands=(Use.READ, Use.WRITE),
            options=(takes("-f -s -w --skip-fields --skip-chars --check-chars"),),
        ),
    ),
    programs("iconv", Rule(operands=_READ, options=(takes("-f -t"), takes("-o --output", Use.WRITE)))),
    programs("pdftotext", Rule(operands=(Use.READ, Use.WRITE))),
    programs("dos2unix unix2dos", Rule(operands=(Use.WRITE,))),
    programs(
        "xxd",
        Rule(
            operands=(Use.READ, Use.WRITE),
            options=(flag("-r -p -ps -i -b -u -e -plain"), takes("-l -s -c -g -o -n -len")),
        ),
    ),
    programs(
        "less more most bat batcat",
        Rule(
            operands=_READ,
            options=(
                flag("-r -R -S -N -F -X -i -I -e -E -g -K -m -M -n -q -s -u -w -p -A --plain"),
                takes("--pager", Use.PROGRAM),
                takes("-o -O --log-file", Use.WRITE),
                takes("-l --language --style --theme --line-range --color --paging"),
                flag("+!", HIGH, "runs a command", attached=True),
            ),
        ),
    ),
    programs(
        "grep egrep fgrep rgrep",
        Rule(
            handler="read_tree",
            prints="lines",
            options=(
                flag(
                    "-r -R --recursive --dereference-recursive -i -v -n -l -L -c -o -q -s -w -x -H -h"
                    " -E -F -G -P -a -I -z -b -U -T -u -Z --files-with-matches"
                ),
                takes("-e --regexp", Use.DATA),
                takes("-f --file", Use.READ),
                takes(
                    "-A -B -C -m -d -D --include --exclude --exclude-dir --after-context"
                    " --before-context --context --max-count --label --binary-files"
                ),
            ),
        ),
    ),
    programs(
        "rg",
        Rule(
            handler="read_tree",
            prints="lines",
            language="recursive",
            options=(
                takes("-e --regexp", Use.DATA),
                takes("-f --file", Use.READ),
                flag("--files"),
                takes(
                    "-A -B -C -g --glob -t --type -T --type-not -m --max-count -d --max-depth -j -M -r"
                    " --replace --iglob -E --sort --sortr --color --context --type-add --ignore-file"
                    " --engine"
                ),
                takes("--pre", Use.PROGRAM, MEDIUM, "runs a program on every file"),
                takes("--hostname-bin", Use.PROGRAM, MEDIUM, "runs a program"),
            ),
        ),
    ),
    programs(
        "ag ack pt",
        Rule(
            handler="read_tree",
            prints="lines",
            language="recursive",
            options=(
                takes("-A -B -C -G -m --ignore --ignore-dir --depth --type -g"),
                takes("--pager", Use.PROGRAM, MEDIUM, "runs a program"),
            ),
        ),
    ),
    programs("find gfind", Rule(handler="find", prints="paths")),
    programs(
        "fd fdfind",
        Rule(
            handler="fd",
            prints="paths",
            options=(
                takes(
                    "-e --extension -t --type -d --max-depth --min-depth --exact-depth -E --exclude -S"
                    " --size -o --owner -c --color -j --threads --changed-within --changed-before"
                    " --max-results -C --base-directory --search-path --path-separator --format"
                ),
            ),
        ),
    ),
    programs("locate mlocate plocate", Rule(operands=(Use.DATA,))),
    programs(
        "diff sdiff diff3 difft icdiff",
        Rule(
            operands=_READ,
            options=(
                takes("-I -F --label -L -U -C --to-file --from-file -x"),
                takes("--diff-program", Use.PROGRAM),
            ),
        ),
    ),
    programs("vimdiff", Rule(MEDIUM, "opens an editor")),
    programs(
        "sort",
        Rule(
            operands=_READ,
            prints="lines",
            options=(
                flag(
                    "-n -r -u -h -V -b -d -f -g -i -M -R -c -C -m -s -z --reverse --unique"
                    " --numeric-sort --human-numeric-sort"
                ),
                takes("-k -t -S -T --key --field-separator --buffer-size --parallel --batch-size --sort"),
                takes("-o --output", Use.WRITE),
                takes("--compress-program", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("--files0-from --random-source", Use.READ),
            ),
        ),
    ),
    programs(
        "shuf",
        Rule(operands=_READ, options=(flag("-e -r -z"), takes("-n -i"), takes("-o --output", Use.WRITE))),
    ),
    programs(
        "split csplit",
        Rule(
            operands=(Use.READ, Use.WRITE),
            options=(
                takes("-b -l -n -a -C -t"),
                flag("-d -x -e -u"),
                takes("--filter", Use.SHELL, MEDIUM, "runs a command on every piece"),
            ),
        ),
    ),
    programs("tr", Rule(operands=(Use.DATA,))),
    programs(
        "jq gojq jaq",
        Rule(
            operands=_PATTERN,
            options=(
                flag(
                    "-r -c -s -n -e -M -C -S -a -j -R --raw-output --compact-output --slurp"
                    " --null-input --tab"
                ),
                takes("-f --from-file", Use.READ),
                takes("-L", Use.READ),
                takes("--indent"),
                takes("--arg --argjson", count=2),
                takes("--slurpfile --rawfile", count=2),
                flag("--args --jsonargs"),
            ),
        ),
    ),
    programs(
        "yq",
        Rule(
            operands=_PATTERN,
            options=(
                flag("-i --inplace", MEDIUM, "edits files in place"),
                flag("-r -y -Y -P -N -j -e -n"),
                takes("-o -p --output-format --input-format -I -s"),
            ),
            posix=False,
        ),
    ),
    programs(
        "xmllint xmlstarlet xq",
        Rule(operands=_READ, options=(takes("--output -o", Use.WRITE), takes("--xpath --schema"))),
    ),
    programs(
        "csvcut csvgrep csvlook csvstat csvsort csvjoin in2csv csvjson mlr xsv qsv dasel gron htmlq pup"
        " fx jless visidata vd",
        Rule(operands=(Use.DATA, Use.READ)),
    ),
    programs(
        "sed gsed",
        Rule(
            handler="sed",
            options=(
                flag(
                    "-n -E -r -s -z -u --quiet --silent --regexp-extended --posix --debug --sandbox"
                    " --null-data --separate --unbuffered --follow-symlinks"
                ),
                takes("-e --expression"),
                takes("-f --file"),
                takes("-l --line-length"),
                flag("-i --in-place", attached=True),
                calm("--help --version"),
            ),
        ),
    ),
    programs(
        "awk gawk mawk nawk original-awk",
        Rule(
            handler="awk",
            posix=True,
            options=(
                takes("-F -v --field-separator --assign"),
                takes("-f --file -E"),
                takes("-e --source"),
                takes("-i --include -l --load"),
                flag("-b -c -C -h -k -n -N -O -P -r -S -t -V --posix --re-interval --csv --sandbox"),
            ),
        ),
    ),
    programs(
        "man info help tldr cheat",
        Rule(
            operands=(Use.DATA,),
            options=(
                takes("-P --pager -H --html -X -Z", Use.PROGRAM),
                takes("-C --config-file", Use.OPAQUE),
                takes("-M -l", Use.READ),
                takes("-S -s -L -m -k"),
            ),
        ),
    ),
    programs("tee", Rule(operands=(Use.WRITE,), options=(flag("-a -i -p --append --ignore-interrupts"),))),
    programs(
        "top htop btop atop vmstat iostat mpstat sar free uptime w who last lscpu lsblk lspci lsusb"
        " lsmod dmesg sensors"
        " lsb_release lshw dmidecode acpi vcgencmd getfattr inxi glances nvidia-smi pstree pgrep pidof"
        " pmap pwdx findmnt blkid",
        Rule(operands=(Use.DATA,), prints="tame"),
    ),
    programs("ps", Rule(handler="ps", prints="tame")),
    programs(
        "nslookup dig host ping ping6 traceroute tracepath mtr whois getent arp ss netstat",
        Rule(operands=(Use.DATA,), options=(takes("-f", Use.READ),)),
    ),
    programs("pg_isready", Rule()),
    programs(
        "journalctl",
        Rule(
            operands=(Use.DATA,),
            options=(
                takes("-u -n -p -S -U -o -t -g --since --until --unit -b"),
                takes("--vacuum-size --vacuum-time --vacuum-files", None, MEDIUM, "deletes logs"),
                flag("--rotate --flush", MEDIUM, "rotates logs"),
                takes("-D --directory --file", Use.READ),
            ),
        ),
    ),
    programs("watchman fswatch inotifywait", Rule()),
    programs("xdg-open open wslview", Rule(MEDIUM, "opens something in another program")),
    programs("ssh-keyscan", Rule()),
    programs(
        "figlet cowsay toilet banner sparkline fortune tty-clock neofetch fastfetch screenfetch",
        Rule(operands=(Use.DATA,)),
    ),
    programs("pbcopy pbpaste xclip xsel wl-copy wl-paste", Rule()),
)

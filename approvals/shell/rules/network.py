"""Programs that talk to other machines."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

NETWORK = table(
    programs(
        "curl",
        Rule(
            handler="request",
            operands=(Use.DATA,),
            options=(
                flag(
                    "-s -S -L -f -v -i -I -k -g -n -N -q -a -j -l -p -R -Z -4 -6 -0 -# -J -O -G"
                    " --silent --show-error --location --fail --verbose --include --head --insecure"
                    " --compressed --get --remote-name --remote-name-all --remote-header-name"
                    " --no-progress-meter --fail-with-body --globoff --create-dirs --location-trusted"
                    " --http1.1 --http2 --no-buffer --parallel --netrc --ipv4 --ipv6 --progress-bar"
                    " --tlsv1.2 --ssl-reqd --digest --negotiate --retry-all-errors --retry-connrefused"
                    " --path-as-is"
                ),
                takes("-X --request --url"),
                takes("-o --output", Use.WRITE),
                takes(
                    "-D --dump-header -c --cookie-jar --trace --trace-ascii --stderr --etag-save --hsts"
                    " --alt-svc --libcurl",
                    Use.WRITE,
                ),
                takes("--output-dir", Use.DIRECTORY),
                takes(
                    "-H --header -A --user-agent -e --referer -u --user -w --write-out -m --max-time"
                    " --connect-timeout -r --range -y -Y -z -C --continue-at --retry --retry-delay"
                    " --limit-rate --resolve --connect-to --interface --dns-servers --proto"
                    " --max-redirs --ciphers --local-port --max-filesize --aws-sigv4 --oauth2-bearer"
                    " --proxy-header -t --request-target",
                    Use.ANY,
                ),
                takes(
                    "-b --cookie -E --cert --key --cacert --capath --pinnedpubkey --netrc-file"
                    " --etag-compare",
                    Use.READ,
                ),
                takes(
                    "-d --data --data-raw --data-binary --data-urlencode --data-ascii --json -F --form"
                    " --form-string -T --upload-file",
                    Use.DATA,
                ),
                takes("-K --config", Use.OPAQUE),
                takes(
                    "-x --proxy --socks5 --preproxy --socks5-hostname --doh-url",
                    None,
                    MEDIUM,
                    "sends everything through another machine",
                ),
                takes("--unix-socket --abstract-unix-socket", None, HIGH, "talks to a local service"),
                takes("-Q --quote --mail-from --mail-rcpt", None, MEDIUM, "sends commands to the server"),
                takes("--engine", None, HIGH, "loads a library"),
                calm("-V --version -h --help -M --manual"),
            ),
        ),
    ),
    programs(
        "wget",
        Rule(
            handler="request",
            operands=(Use.DATA,),
            options=(
                flag(
                    "-q -v -nv -c -N -r -p -k -m -np -nH -nd -nc -S -b -E -x -K -H -L -4 -6 --quiet"
                    " --no-verbose --continue --recursive --mirror --page-requisites --convert-links"
                    " --no-check-certificate --spider --show-progress --no-parent --no-clobber"
                    " --server-response --content-disposition --inet4-only --no-cookies"
                    " --no-host-directories --trust-server-names"
                ),
                takes("-O --output-document -o --output-file -a --append-output --save-cookies", Use.WRITE),
                takes("-P --directory-prefix", Use.DIRECTORY),
                takes(
                    "-t -T -w -Q -U -A -R -I -X -D -l --tries --timeout --wait --user-agent --header"
                    " --user --password --level --accept --reject --limit-rate --referer --cut-dirs"
                    " --waitretry --read-timeout --domains",
                    Use.ANY,
                ),
                takes("--load-cookies --certificate --private-key --ca-certificate", Use.READ),
                takes("--post-data --post-file --body-data --body-file --method", Use.DATA),
                takes("-i --input-file --config", Use.OPAQUE),
                takes("-e --execute", None, MEDIUM, "changes settings"),
                takes("--use-askpass", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("--rejected-log --warc-file", Use.WRITE),
                flag("--delete-after", MEDIUM, "deletes what it fetched"),
                calm("-V --version -h --help"),
            ),
            words=False,
        ),
    ),
    programs(
        "http https xh httpie",
        Rule(
            handler="httpie",
            options=(
                flag(
                    "-j -f -v -h -b -p -d -F -S --json --form --multipart --verbose --headers --body"
                    " --download --follow --stream --check-status --ignore-stdin -I --pretty",
                    attached=False,
                ),
                takes("-o --output", Use.WRITE),
                takes(
                    "-a --auth -A --auth-type --session --timeout --print --style --verify --cert", Use.ANY
                ),
                takes("--proxy", None, MEDIUM, "sends everything through another machine"),
                calm("--version --help --offline"),
            ),
        ),
    ),
    programs(
        "aria2c axel lftp ncftp ftp tftp youtube-dl yt-dlp",
        Rule(MEDIUM, "transfers files", options=(calm("--version --help"),)),
    ),
    programs(
        "sftp",
        Rule(
            MEDIUM,
            "transfers files",
            handler="scp",
            options=(
                flag("-r -p -q -v -C -4 -6 -a -f -N -A"),
                takes("-P -l -c -i -J -X -B -R -s"),
                takes("-D -S", Use.PROGRAM, MEDIUM, "runs a program"),
                takes("-o"),
                takes("-F", Use.OPAQUE),
                takes("-b", Use.OPAQUE),
            ),
        ),
    ),
    programs("nc ncat netcat", Rule(handler="netcat")),
    programs(
        "socat telnet openvpn wg wg-quick stunnel ngrok cloudflared localtunnel lt bore frpc chisel"
        " tailscale zerotier-cli sshuttle proxychains proxychains4 torsocks tor",
        Rule(HIGH, "opens a way to or from another network", options=(calm("--version"),)),
    ),
    programs(
        "nmap masscan nikto sqlmap hydra john hashcat aircrack-ng msfconsole gobuster ffuf wpscan",
        Rule(HIGH, "attacks or scans other machines"),
    ),
    programs(
        "tcpdump tshark wireshark ngrep",
        Rule(
            MEDIUM,
            "listens to the network",
            options=(takes("-z", Use.PROGRAM, HIGH, "runs a program"), takes("-w", Use.WRITE)),
        ),
    ),
    programs("mail mailx sendmail mutt msmtp swaks", Rule(MEDIUM, "sends mail")),
    programs(
        "grpcurl websocat wscat evans newman k6 ab wrk hey siege vegeta locust artillery oha bombardier",
        Rule(MEDIUM, "sends requests"),
    ),
    programs("ip", Rule(handler="ip")),
    programs(
        "ifconfig route iwconfig nmcli ethtool brctl bridge tc",
        Rule(
            HIGH,
            "changes the network",
            bare=Rule(),
            posix=True,
            verbs=programs("show list status -a -n general device connection", Rule()),
        ),
    ),
    programs(
        "iptables ip6tables nft ufw firewall-cmd ebtables ipset pfctl",
        Rule(
            HIGH,
            "changes the firewall",
            options=(calm("-L -S --list --list-rules --list-all --state"),),
            posix=True,
            verbs=programs("status list", Rule()),
        ),
    ),
)

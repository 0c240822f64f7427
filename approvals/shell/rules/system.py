"""Services, users, power, schedules, processes; keys and secrets; Hermes itself."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_KEYS = Rule(HIGH, "creates, changes or shows keys or secrets")
_UNITS = table(
    programs(
        "status show is-active is-enabled is-failed list-units list-unit-files list-timers list-sockets"
        " list-dependencies list-jobs cat help get-default show-environment list-machines"
        " is-system-running",
        _OK,
    ),
    programs(
        "start stop restart reload try-restart reload-or-restart enable disable mask unmask edit"
        " set-property daemon-reload kill reset-failed preset link revert set-default"
        " import-environment set-environment unset-environment add-wants",
        Rule(MEDIUM, "changes services", deploy=True),
    ),
    programs(
        "poweroff reboot halt suspend hibernate kexec emergency rescue isolate exit switch-root soft-reboot",
        Rule(HIGH, "stops the machine"),
    ),
)

SYSTEM = table(
    programs("hermes hermes-gateway", Rule(handler="hermes", posix=True, strict=True)),
    programs(
        "systemctl",
        Rule(
            handler="service",
            posix=True,
            bare=_OK,
            verbs=_UNITS,
            options=(
                flag(
                    "--user --system --no-pager -q -a -l -f --all --full --quiet --now --force"
                    " --no-block --failed --plain --no-legend --global --runtime"
                ),
                takes("-t -p -n -o --type --property --state --lines --output -s --signal --kill-who"),
                takes("-H --host -M --machine", Use.NAME, HIGH, "works on another machine"),
                takes("--root", None, HIGH, "works on another system"),
            ),
            other=Rule(MEDIUM, "changes services", deploy=True),
        ),
    ),
    programs(
        "service rc-service rc-update invoke-rc.d update-rc.d launchctl supervisorctl pm2 sv s6-svc monit",
        Rule(
            handler="service",
            other=Rule(MEDIUM, "changes services", deploy=True),
            posix=True,
            bare=_OK,
            verbs=programs("--status-all status list ls l logs log describe show info monit print", _OK),
        ),
    ),
    programs("crontab", Rule(handler="crontab", options=(flag("-l -r -e -i"), takes("-u")))),
    programs("atrm atq", Rule(MEDIUM, "changes what runs later")),
    programs("pkill killall skill xkill", Rule(handler="kill")),
    programs("renice", Rule(MEDIUM, "changes the priority of processes")),
    programs("shutdown reboot halt poweroff init telinit pm-suspend", Rule(HIGH, "stops the machine")),
    programs(
        "useradd userdel usermod groupadd groupdel groupmod adduser deluser addgroup delgroup passwd"
        " chpasswd chsh chfn gpasswd newgrp visudo vipw vigr chage newusers",
        Rule(HIGH, "changes users and their rights"),
    ),
    programs("sudoedit", Rule(HIGH, "edits files with another user's rights", operands=(Use.WRITE,))),
    programs(
        "sysctl",
        Rule(
            options=(
                flag("-w -p --write --load --system", HIGH, "changes the kernel's settings"),
                flag("-a -n -e -N -q"),
            ),
            handler="sysctl",
        ),
    ),
    programs(
        "modprobe insmod rmmod depmod dkms kexec bpftool bpftrace setenforce apparmor_parser aa-disable"
        " semanage auditctl ldconfig grub-install update-grub update-initramfs efibootmgr nvram csrutil"
        " spctl",
        Rule(HIGH, "changes the operating system"),
    ),
    programs(
        "defaults dscl scutil systemsetup networksetup pmset tmutil diskutil hdiutil",
        Rule(HIGH, "changes the operating system", posix=True, verbs=programs("read list info", _OK)),
    ),
    programs("logger wall write mesg notify-send say", Rule(MEDIUM, "tells something to others")),
    programs("logrotate", Rule(MEDIUM, "rotates logs")),
    programs(
        "gpg gpg2",
        Rule(
            MEDIUM,
            "works with keys",
            options=(
                calm(
                    "--version --help -k -K --list-keys --list-secret-keys --list-public-keys"
                    " --fingerprint --verify --list-packets --print-md --check-sigs --list-sigs"
                ),
                flag(
                    "--gen-key --full-generate-key --full-gen-key --generate-key --edit-key"
                    " --gen-revoke --import --rebuild-keydb-caches --refresh-keys",
                    HIGH,
                    "creates or changes keys",
                ),
                takes(
                    "--quick-generate-key --quick-gen-key --quick-add-key --delete-key --delete-keys"
                    " --delete-secret-key --delete-secret-keys --delete-secret-and-public-key"
                    " --export-secret-keys --export-secret-subkeys --send-keys --recv-keys --recv"
                    " --search-keys",
                    None,
                    HIGH,
                    "creates, deletes or gives away keys",
                ),
                takes("-o --output", Use.WRITE),
                takes("-r --recipient -u --local-user --homedir --keyserver --cipher-algo"),
                takes("--photo-viewer --exec-path", Use.PROGRAM, HIGH, "runs a program"),
                flag("-a -c -e -d -s -b -v -q --armor --decrypt --encrypt --sign --batch --yes"),
            ),
        ),
    ),
    programs(
        "ssh-keygen",
        Rule(
            HIGH,
            "creates or changes keys",
            options=(
                calm("-l -F -B -Q"),
                takes("-f -t -b -C -N -P -m -a -s -n -V -I -z -E -O -r -D -R", Use.ANY),
                flag("-y -e -p -q -v"),
            ),
        ),
    ),
    programs("ssh-add", Rule(MEDIUM, "changes which keys are ready", options=(calm("-l -L"),))),
    programs("ssh-copy-id ssh-agent", _KEYS),
    programs(
        "openssl",
        Rule(
            posix=True,
            words=True,
            bare=Rule(MEDIUM, "starts a session"),
            other=Rule(MEDIUM, "works with keys"),
            verbs=table(
                programs(
                    "version x509 s_client dgst sha256 md5 sha1 rand verify ciphers asn1parse crl"
                    " base64 help speed list errstr prime",
                    Rule(
                        words=True,
                        options=(
                            takes("-out -keyout", Use.WRITE),
                            takes("-in -CAfile -cert", Use.ANY),
                            takes("-engine -provider -provider-path", None, HIGH, "loads a library"),
                            takes("-signkey -CAkey -sign", None, HIGH, "signs with a key"),
                        ),
                    ),
                ),
                programs(
                    "enc rsautl pkeyutl smime cms pkcs12 pkcs7 pkcs8 rsa ec pkey",
                    Rule(
                        MEDIUM,
                        "works with keys",
                        words=True,
                        options=(takes("-in", Use.READ), takes("-out", Use.WRITE)),
                    ),
                ),
                programs(
                    "genrsa genpkey gendsa ecparam dsaparam dhparam req ca",
                    Rule(HIGH, "creates keys or certificates", words=True),
                ),
            ),
        ),
    ),
    programs(
        "vault",
        Rule(
            posix=True,
            other=_KEYS,
            options=(calm("-version --version -h"),),
            verbs=programs("status version path-help print list", _OK),
        ),
    ),
    programs(
        "pass gopass op bw lpass secret-tool keyring age age-keygen rage sops keytool certbot acme.sh"
        " mkcert step cfssl minisign signify security kwallet-query keepassxc-cli doppler infisical"
        " aws-vault chamber teller htpasswd mkpasswd kinit ktutil ykman pkcs11-tool certutil",
        Rule(
            HIGH,
            "creates, changes or shows keys or secrets",
            options=(calm("--version"),),
            posix=True,
            verbs=programs("version --help help ls list status", _OK),
        ),
    ),
    programs(
        "chezmoi stow dotbot",
        Rule(
            MEDIUM,
            "changes configuration",
            posix=True,
            verbs=programs("diff status list managed doctor cat", _OK),
        ),
    ),
    programs(
        "claude codex gemini aider opencode cursor-agent llm ollama",
        Rule(
            MEDIUM,
            "starts another agent or model",
            posix=True,
            options=(calm("--version"),),
            verbs=programs("list ls show ps", _OK),
        ),
    ),
)

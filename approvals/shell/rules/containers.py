"""docker, podman and compose."""

from dataclasses import replace

from approvals.shell.rule import HIGH, LOW, MEDIUM, NONE, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_LOOK = Rule(options=(takes("-f --filter --format -n --last --tail --since --until"),))
_STATE = Rule(MEDIUM, "starts, stops or changes containers", deploy=True)
_DROPS = Rule(MEDIUM, "deletes containers or images", deploy=True)
_DATA_LOSS = Rule(HIGH, "deletes volumes and what is in them")
_EXEC = Rule(
    operands=(Use.NAME, Use.COMMAND),
    posix=True,
    strict=True,
    remote=True,
    options=(
        flag("-i -t -d -T --interactive --tty --detach --no-TTY --no-tty --latest -l", attached=False),
        flag("--privileged", HIGH, "runs with every right"),
        takes("-e --env -u --user -w --workdir --detach-keys --index"),
        takes("--env-file", Use.READ),
    ),
)
_RUN = Rule(
    MEDIUM,
    "runs a program in a container",
    handler="container",
    operands=(Use.NAME, Use.COMMAND),
    posix=True,
    strict=True,
    remote=True,
    deploy=True,
    options=(
        flag(
            "-i -t -d -P -q --interactive --tty --detach --rm --init --read-only --no-healthcheck"
            " --publish-all --sig-proxy --quiet --replace --no-deps --service-ports --build"
            " --remove-orphans -T --use-aliases --no-TTY",
            attached=True,
        ),
        flag("--privileged", HIGH, "runs with every right", attached=True),
        takes(
            "--pid --ipc --userns --uts --cgroupns --cap-add --device --security-opt"
            " --device-cgroup-rule --volumes-from --runtime --group-add --cgroup-parent",
            None,
            HIGH,
            "weakens the walls of the container",
        ),
        takes("-v --volume --mount"),
        takes(
            "--network --net -p --publish --name -e --env -w --workdir -u --user -h --hostname -l"
            " --label -m --memory --cpus --cpu-shares --gpus --platform --restart --add-host --dns"
            " --link --shm-size --tmpfs --ulimit --log-driver --log-opt --pull --stop-timeout"
            " --stop-signal --health-cmd --ip --expose --network-alias --annotation --cpuset-cpus"
            " --memory-swap --sysctl --cap-drop --arch --os --pod --cidfile"
        ),
        takes("--env-file --label-file", Use.READ),
        takes("--entrypoint", None, MEDIUM, "runs another program than the image is made for"),
        calm("--help"),
    ),
)
_BUILD = Rule(
    operands=(Use.READ,),
    options=(
        takes(
            "-t --tag --build-arg --target --platform --cache-from --cache-to --label --network"
            " --progress --secret --ssh --build-context --builder --metadata-file --iidfile --shm-size"
            " --ulimit"
        ),
        takes("-f --file", Use.READ),
        takes("-o --output", Use.WRITE),
        flag("-q --no-cache --pull --rm --force-rm --squash --load"),
        flag("--push", MEDIUM, "pushes the image"),
        takes("--allow", None, HIGH, "gives the build more rights"),
    ),
)
_CONTAINER = table(
    programs(
        "ps ls list logs top stats port diff inspect events attach wait history version info search", _LOOK
    ),
    programs("start stop restart kill pause unpause rename update create commit", _STATE),
    programs("rm prune", _DROPS),
    {"exec": _EXEC, "run": _RUN},
    programs("cp", Rule(MEDIUM, "copies files into or out of a container", operands=(Use.ANY,))),
    programs("export", Rule(options=(takes("-o --output", Use.WRITE),))),
)
_IMAGE = table(
    programs("ls list inspect history pull images tag", _LOOK),
    {"build": _BUILD},
    programs("rm rmi prune", _DROPS),
    programs("push", Rule(MEDIUM, "publishes an image", deploy=True)),
    programs("save", Rule(options=(takes("-o --output", Use.WRITE),))),
    programs("load import", Rule(MEDIUM, "loads an image")),
)
_COMPOSE = Rule(
    posix=True,
    bare=_OK,
    options=(
        takes("-f --file --env-file", Use.READ),
        takes("-p --project-name --profile --ansi --parallel --progress"),
        takes("--project-directory", Use.DIRECTORY),
        flag("--verbose --compatibility --all-resources"),
        takes("-H --host --context -c", Use.NAME, MEDIUM, "works on another machine"),
        calm("-v --version --dry-run"),
    ),
    other=_STATE,
    verbs=table(
        programs(
            "ps ls logs config images top port events version build pull stats volumes wait help"
            " convert watch attach",
            Rule(options=(flag("--push", MEDIUM, "pushes images"),)),
        ),
        programs(
            "up start stop restart pause unpause create",
            Rule(deploy=True, options=(flag("-V --renew-anon-volumes", MEDIUM, "recreates volumes"),)),
        ),
        programs(
            "down",
            Rule(
                MEDIUM,
                "stops and deletes containers",
                deploy=True,
                options=(
                    flag("-v --volumes", HIGH, "deletes volumes and what is in them"),
                    flag("--remove-orphans"),
                    takes("--rmi -t --timeout"),
                ),
            ),
        ),
        programs(
            "rm kill",
            Rule(
                MEDIUM,
                "deletes containers",
                options=(flag("-v --volumes", HIGH, "deletes volumes and what is in them"), flag("-f -s")),
            ),
        ),
        programs("push", Rule(MEDIUM, "publishes images", deploy=True)),
        # A service of the project is what `up` starts as well: what it is told to run decides.
        {"exec": _EXEC, "run": replace(_RUN, tier=NONE, why="")},
        programs("cp", Rule(MEDIUM, "copies files into or out of a container")),
    ),
)

DOCKER_VERBS = table(
    programs(
        "ps logs top stats port diff inspect events attach wait history version info search images pull"
        " tag help",
        _LOOK,
    ),
    {"exec": _EXEC, "run": _RUN, "build": _BUILD, "compose": _COMPOSE},
    programs("start stop restart kill pause unpause rename update create commit", _STATE),
    programs("rm rmi", _DROPS),
    programs("cp", Rule(MEDIUM, "copies files into or out of a container")),
    programs("export save", Rule(options=(takes("-o --output", Use.WRITE),))),
    programs("load import", Rule(MEDIUM, "loads an image")),
    programs("push", Rule(MEDIUM, "publishes an image", deploy=True)),
    programs("login logout", Rule(HIGH, "handles credentials")),
    {
        "container": Rule(posix=True, verbs=_CONTAINER),
        "image": Rule(posix=True, verbs=_IMAGE),
        "volume": Rule(
            posix=True,
            verbs=table(
                programs("ls list inspect", _LOOK),
                programs("create", _STATE),
                programs("rm remove prune", _DATA_LOSS),
            ),
        ),
        "network": Rule(
            posix=True,
            other=_STATE,
            verbs=table(programs("ls list inspect", _LOOK), programs("rm prune", _DROPS)),
        ),
        "system": Rule(
            posix=True,
            other=_STATE,
            verbs=table(
                programs("df info events", _LOOK),
                programs(
                    "prune",
                    Rule(
                        MEDIUM,
                        "deletes what no container uses",
                        options=(
                            flag("--volumes", HIGH, "deletes volumes and what is in them"),
                            flag("-a -f --all --force"),
                        ),
                    ),
                ),
                programs("reset", Rule(HIGH, "deletes every container, image and volume")),
            ),
        ),
        "builder": Rule(
            posix=True, verbs=table(programs("prune", Rule(LOW, "empties a cache")), {"build": _BUILD})
        ),
        "buildx": Rule(
            posix=True,
            other=_STATE,
            verbs=table(
                programs("ls inspect du version", _LOOK),
                {"build": _BUILD, "bake": _OK},
                programs("prune", Rule(LOW, "empties a cache")),
            ),
        ),
        "context": Rule(
            posix=True,
            other=Rule(MEDIUM, "changes which machine is meant"),
            verbs=programs("ls show inspect", _LOOK),
        ),
        "scout": _LOOK,
        "manifest": Rule(posix=True, other=_STATE, verbs=programs("inspect", _LOOK)),
        "machine": _STATE,
        "pod": Rule(posix=True, other=_STATE, verbs=programs("ps ls inspect logs", _LOOK)),
        "service": Rule(
            posix=True,
            other=_STATE,
            verbs=table(
                programs("ls ps inspect logs", _LOOK),
                programs("rm", Rule(HIGH, "deletes a service", deploy=True)),
            ),
        ),
        "stack": Rule(
            posix=True,
            other=_STATE,
            verbs=table(
                programs("ls ps services config", _LOOK),
                programs("rm", Rule(HIGH, "deletes a stack", deploy=True)),
            ),
        ),
        "swarm": Rule(HIGH, "changes the cluster"),
        "node": Rule(
            posix=True, other=Rule(HIGH, "changes the cluster"), verbs=programs("ls ps inspect", _LOOK)
        ),
        "secret": Rule(posix=True, other=Rule(HIGH, "handles secrets"), verbs=programs("ls", _LOOK)),
        "config": Rule(posix=True, other=_STATE, verbs=programs("ls inspect", _LOOK)),
        "trust": Rule(HIGH, "handles keys"),
        "plugin": Rule(
            posix=True,
            other=Rule(HIGH, "installs a plug-in with rights of its own"),
            verbs=programs("ls inspect", _LOOK),
        ),
    },
)

CONTAINERS = table(
    programs(
        "docker podman nerdctl finch",
        Rule(
            posix=True,
            bare=_OK,
            verbs=DOCKER_VERBS,
            other=Rule(MEDIUM, "is a sub-command without a rule"),
            options=(
                flag("-D --debug --tls --tlsverify"),
                takes("--config -l --log-level --log-driver"),
                takes(
                    "-H --host -c --context --connection --url", Use.NAME, MEDIUM, "works on another machine"
                ),
                calm("-v --version --help"),
            ),
        ),
    ),
    programs("docker-compose podman-compose", _COMPOSE),
    programs(
        "buildah skopeo crictl ctr",
        Rule(
            posix=True,
            other=Rule(MEDIUM, "works on images or containers"),
            verbs=programs("images ps info version inspect list-tags logs containers", _LOOK),
        ),
    ),
    programs("dive trivy grype syft ctop lazydocker", Rule()),
    programs(
        "cosign",
        Rule(
            posix=True,
            other=Rule(HIGH, "handles keys or signatures"),
            verbs=programs("verify tree triangulate version verify-attestation", _OK),
        ),
    ),
    programs(
        "vagrant multipass lxc lxd incus virsh qemu-system-x86_64 VBoxManage limactl colima minikube"
        " kind k3d",
        Rule(
            posix=True,
            bare=_OK,
            options=(calm("-v --version"),),
            other=Rule(MEDIUM, "works on machines", deploy=True),
            verbs=table(
                programs("status list ls info version global-status port ssh-config get", _OK),
                programs("destroy delete rm purge", Rule(HIGH, "destroys machines")),
            ),
        ),
    ),
)

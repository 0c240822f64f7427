"""kubectl, helm and what deploys through them."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_GLOBAL = (
    takes("-n --namespace --context --cluster --user --kube-context -s --server", Use.NAME),
    takes("--kubeconfig", Use.ANY),
    takes("--request-timeout -v --as --as-group --token --cache-dir --kube-as-user"),
    takes(
        "-l --selector --field-selector -o --output -c --container --tail --since --sort-by -L"
        " --template --for --timeout --limits --type -p --patch --replicas --image --port"
        " --from-literal --from-file --labels --revision --to-revision --chunk-size --max-log-requests"
    ),
    takes("-f --filename -k --kustomize --values", Use.ANY),
    flag("-A --all-namespaces -w --watch -i -t -q -R --recursive --wait --follow"),
    calm("-h --help"),
)
_CHANGES = Rule(
    MEDIUM,
    "changes the cluster",
    deploy=True,
    options=(
        flag("--all", HIGH, "means everything"),
        flag("--force", HIGH, "does not wait for what is running"),
        takes("--grace-period --cascade"),
        calm("--dry-run"),
        flag("--prune", HIGH, "deletes what is not named"),
    ),
)
_GRAVE = Rule(HIGH, "destroys or opens a part of the cluster", deploy=True)
_EXEC = Rule(handler="kubectl_exec", posix=False, deploy=True)

KUBERNETES = table(
    programs(
        "kubectl oc k",
        Rule(
            posix=True,
            bare=_OK,
            options=_GLOBAL,
            other=Rule(MEDIUM, "is a sub-command or plug-in without a rule", deploy=True),
            verbs=table(
                programs(
                    "describe logs log top explain api-resources api-versions version cluster-info diff"
                    " events wait kustomize completion options plugin whoami projects status",
                    _OK,
                ),
                {
                    "get": Rule(handler="kubectl_get"),
                    "exec": _EXEC,
                    "run": Rule(
                        MEDIUM,
                        "starts a program in the cluster",
                        handler="kubectl_run",
                        deploy=True,
                        options=_CHANGES.options,
                    ),
                    "debug": Rule(MEDIUM, "starts a program in the cluster", deploy=True),
                },
                programs(
                    "apply expose set edit label annotate scale autoscale patch replace"
                    " cordon uncordon taint attach port-forward proxy cp new-app process tag",
                    _CHANGES,
                ),
                {
                    "create": Rule(
                        posix=True,
                        other=_CHANGES,
                        options=_CHANGES.options,
                        bare=_CHANGES,
                        verbs=programs("secret token", Rule(HIGH, "creates keys or secrets")),
                    ),
                    "delete": Rule(handler="kubectl_delete", deploy=True, options=_CHANGES.options),
                    "drain": _GRAVE,
                    "rollout": Rule(posix=True, other=_CHANGES, verbs=programs("status history", _OK)),
                    "auth": Rule(posix=True, other=_CHANGES, verbs=programs("can-i whoami", _OK)),
                    "certificate": _GRAVE,
                    "adm": _GRAVE,
                    "config": Rule(
                        posix=True,
                        other=Rule(MEDIUM, "changes which cluster is meant", deploy=True),
                        verbs=table(
                            programs("current-context get-contexts get-clusters get-users", _OK),
                            {"view": Rule(options=(flag("--raw", HIGH, "shows credentials"),))},
                        ),
                    ),
                    "login": Rule(HIGH, "handles credentials"),
                    "project": Rule(MEDIUM, "changes which project is meant"),
                },
            ),
        ),
    ),
    programs(
        "helm",
        Rule(
            posix=True,
            bare=_OK,
            options=_GLOBAL,
            other=Rule(MEDIUM, "is a sub-command or plug-in without a rule", deploy=True),
            verbs=table(
                programs(
                    "list ls status history get show template lint version env search verify pull fetch"
                    " dependency dep inspect completion",
                    Rule(options=(takes("--post-renderer", Use.PROGRAM, MEDIUM, "runs a program"),)),
                ),
                programs(
                    "install upgrade rollback test",
                    Rule(
                        MEDIUM,
                        "changes the cluster",
                        deploy=True,
                        options=(
                            takes("--post-renderer", Use.PROGRAM, MEDIUM, "runs a program"),
                            takes("--set --set-string --set-file --version --timeout --repo"),
                            calm("--dry-run"),
                            flag("-i --install --atomic --wait --create-namespace --reuse-values --debug"),
                        ),
                    ),
                ),
                programs("uninstall delete del un", _GRAVE),
                programs("create package", _OK),
                programs("push", Rule(MEDIUM, "publishes a chart", deploy=True)),
                {
                    "repo": Rule(
                        posix=True,
                        other=Rule(MEDIUM, "changes where charts come from"),
                        verbs=programs("list update index", _OK),
                    ),
                    "plugin": Rule(
                        posix=True, other=Rule(MEDIUM, "changes plug-ins"), verbs=programs("list", _OK)
                    ),
                    "registry": Rule(HIGH, "handles credentials"),
                    "secrets": Rule(HIGH, "handles secrets"),
                },
            ),
        ),
    ),
    programs(
        "kustomize kubeval kubeconform kube-score stern kubetail popeye pluto kube-linter helm-docs ct",
        Rule(),
    ),
    programs(
        "k9s",
        Rule(MEDIUM, "opens a session in the cluster", deploy=True, options=(calm("version info help"),)),
    ),
    programs(
        "kubens kubectx",
        Rule(
            MEDIUM,
            "changes which cluster is meant",
            deploy=True,
            bare=_OK,
            options=(calm("-c --current -h --help"), takes("-d")),
        ),
    ),
    programs(
        "helmfile argocd flux skaffold tilt werf waypoint kapp ytt devspace okteto",
        Rule(
            posix=True,
            bare=_OK,
            options=_GLOBAL,
            other=Rule(MEDIUM, "changes the cluster", deploy=True),
            verbs=table(
                programs(
                    "list ls status version diff template lint get history logs render build check tree"
                    " export",
                    _OK,
                ),
                programs("destroy delete uninstall", _GRAVE),
                programs(
                    "app",
                    Rule(
                        posix=True,
                        options=_GLOBAL,
                        other=Rule(MEDIUM, "changes the cluster", deploy=True),
                        verbs=table(
                            programs("list get diff history logs manifests resources", _OK),
                            programs("delete delete-resource terminate-op", _GRAVE),
                        ),
                    ),
                ),
            ),
        ),
    ),
    programs(
        "eksctl kops kubeadm k3s rke talosctl",
        Rule(posix=True, bare=_OK, other=_GRAVE, verbs=programs("get version info help", _OK)),
    ),
)

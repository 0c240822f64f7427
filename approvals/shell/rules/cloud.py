"""Infrastructure as code, the clouds, and platforms that deploy."""

from approvals.shell.rule import HIGH, MEDIUM, Rule, Use, calm, flag, programs, table, takes

_OK = Rule()
_CHANGES = Rule(MEDIUM, "changes infrastructure", deploy=True)
_DEPLOYS = Rule(HIGH, "deploys or destroys what others use")
_KEYS = Rule(HIGH, "handles credentials or keys")
_SWITCH = Rule(MEDIUM, "changes settings", deploy=True)
_TF = (
    takes(
        "-var -var-file -target -state -backend-config -chdir -lock-timeout -parallelism -replace", Use.ANY
    ),
    takes("-out", Use.WRITE),
    flag(
        "-check -diff -recursive -json -upgrade -no-color -input -lock -refresh -reconfigure"
        " -migrate-state -compact-warnings -detailed-exitcode",
        attached=True,
    ),
    calm("-help -version --help --version"),
)
_TF_PLAN = (*_TF, flag("-destroy"))
_TF_APPLY = (
    *_TF,
    flag("-auto-approve", HIGH, "asks nobody"),
    flag("-destroy", HIGH, "destroys infrastructure"),
)

CLOUD = table(
    programs(
        "terraform tofu terragrunt",
        Rule(
            posix=True,
            words=True,
            bare=_OK,
            options=_TF,
            other=_CHANGES,
            verbs=table(
                programs(
                    "plan validate fmt show output version graph providers init get console test metadata",
                    Rule(words=True, options=_TF_PLAN),
                ),
                programs(
                    "apply import refresh taint untaint",
                    Rule(MEDIUM, "changes infrastructure", words=True, options=_TF_APPLY, deploy=True),
                ),
                {
                    "run-all": Rule(
                        posix=True,
                        words=True,
                        options=_TF_APPLY,
                        other=_CHANGES,
                        verbs=table(
                            programs("plan validate output init show", _OK), programs("destroy", _DEPLOYS)
                        ),
                    ),
                },
                programs("destroy force-unlock", _DEPLOYS),
                programs("login logout", _KEYS),
                {
                    "state": Rule(
                        posix=True,
                        words=True,
                        other=Rule(HIGH, "changes the record of what exists"),
                        verbs=programs("list show pull", _OK),
                    ),
                    "workspace": Rule(
                        posix=True,
                        words=True,
                        other=_SWITCH,
                        verbs=table(programs("list show", _OK), programs("delete", _DEPLOYS)),
                    ),
                },
            ),
        ),
    ),
    programs(
        "pulumi cdk cdktf sls serverless sam amplify copilot packer crossplane",
        Rule(
            posix=True,
            bare=_OK,
            options=(
                flag("-y --yes -f --force --skip-preview", MEDIUM, "asks nobody"),
                takes("-s --stack -c --context --stage --profile", Use.NAME),
                calm("-v --version"),
            ),
            other=_CHANGES,
            verbs=table(
                programs(
                    "preview diff synth ls list about version whoami logs validate build doctor info"
                    " print package local inspect fmt init",
                    _OK,
                ),
                programs("destroy remove delete rm teardown", _DEPLOYS),
                programs("up update deploy publish", Rule(MEDIUM, "deploys", deploy=True)),
                programs("login logout", _KEYS),
            ),
        ),
    ),
    programs(
        "ansible",
        Rule(
            MEDIUM,
            "runs a module on other machines",
            handler="ansible",
            deploy=True,
            options=(
                takes(
                    "-m --module-name -i --inventory -u --user -l --limit -e --extra-vars -f --forks -t"
                    " --tags -P -B -c --connection --become-user --vault-password-file --vault-id"
                    " --private-key",
                    Use.ANY,
                ),
                takes("-a --args"),
                flag("-b -K -k --become -v -vv -vvv -D --diff -o"),
                calm("--version --list-hosts -h --help -C --check --syntax-check"),
            ),
        ),
    ),
    programs(
        "ansible-playbook",
        Rule(
            MEDIUM,
            "changes other machines",
            deploy=True,
            options=(
                takes(
                    "-i --inventory -u --user -l --limit -e --extra-vars -f --forks -t --tags"
                    " --skip-tags --start-at-task -c --connection --vault-password-file --vault-id"
                    " --private-key --become-user",
                    Use.ANY,
                ),
                flag("-b -K -k --become -v -vv -vvv -D --diff --step --flush-cache"),
                calm("--version --syntax-check --list-tasks --list-hosts --list-tags -h --help -C --check"),
            ),
        ),
    ),
    programs("ansible-lint ansible-doc ansible-inventory ansible-config", Rule()),
    programs("ansible-galaxy", Rule(MEDIUM, "installs roles")),
    programs("ansible-vault", _KEYS),
    programs("ansible-console ansible-pull", Rule(HIGH, "runs whatever it is told")),
    programs(
        "salt salt-call salt-ssh puppet chef-client knife chef fab cap",
        Rule(MEDIUM, "changes other machines", deploy=True),
    ),
    programs("aws", Rule(handler="cloud", language="aws")),
    programs("gcloud gsutil bq", Rule(handler="cloud", language="gcloud")),
    programs("az", Rule(handler="cloud", language="az")),
    programs(
        "doctl linode-cli hcloud exo scw oci ibmcloud aliyun tccli openstack s3cmd s5cmd mc b2 wrangler"
        " supabase neonctl turso planetscale pscale databricks",
        Rule(handler="cloud", language="generic"),
    ),
    programs(
        "heroku fly flyctl vercel now netlify render railway firebase gh-pages surge eb dokku kamal cf"
        " dfx eas expo-cli fastlane capistrano",
        Rule(handler="platform"),
    ),
)

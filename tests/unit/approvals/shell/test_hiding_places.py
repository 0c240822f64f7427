"""Substitutions in odd places, wrappers, deployments and project tools elsewhere."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

COMMANDS = [
    (Tier.DENY, "echo ${a[$(rm -rf /)]}"),
    (Tier.DENY, "echo ${x:$(rm -rf /)}"),
    (Tier.DENY, "a=([$(rm -rf /)]=1)"),
    (Tier.DENY, "echo $((a[$(rm -rf /)]))"),
    (Tier.DENY, "((a[$(rm -rf /)]++))"),
    (Tier.DENY, "for ((i=$(rm -rf /);;)); do :; done"),
    (Tier.DENY, "case x in $(rm -rf /)) ;; esac"),
    (Tier.DENY, "[[ x =~ $(rm -rf /) ]]"),
    (Tier.DENY, "echo ${x/$(rm -rf /)/}"),
    (Tier.DENY, "cat <<EOF\n${x:-`rm -rf /`}\nEOF"),
    (Tier.DENY, 'cat <<< "$(rm -rf /)"'),
    (Tier.DENY, "exec 3< <(rm -rf /)"),
    (Tier.DENY, "ls |& rm -rf /"),
    (Tier.DENY, "find . -execdir rm -rf / \\;"),
    (Tier.DENY, "systemd-run rm -rf /"),
    (Tier.DENY, "bwrap --bind / / rm -rf /"),
    (Tier.DENY, "firejail rm -rf /"),
    (Tier.DENY, "prlimit --nofile=1 rm -rf /"),
    (Tier.DENY, "xvfb-run rm -rf /"),
    (Tier.DENY, "gosu root rm -rf /"),
    (Tier.DENY, "runcon x rm -rf /"),
    (Tier.DENY, "faketime x rm -rf /"),
    (Tier.DENY, "rlwrap rm -rf /"),
    (Tier.DENY, "nsenter -t 1 -m rm -rf /"),
    (Tier.DENY, "sudo --weird rm -rf /"),
    (Tier.DENY, "rsync -a --delete empty/ ~/"),
    (Tier.MEDIUM, "make CC='rm -rf x'"),
    (Tier.DENY, "CC='rm -rf /' make"),
    (Tier.DENY, "tar xf a.tar --to-command='rm -rf /'"),
    (Tier.DENY, "EDITOR='rm -rf /' git commit"),
    (Tier.DENY, "go test -exec 'rm -rf /' ./..."),
    (Tier.MEDIUM, "pytest /opt/evil"),
    (Tier.MEDIUM, "cd /opt/evil && make"),
    (Tier.MEDIUM, "cd /tmp/evil && npm test"),
    (Tier.MEDIUM, "make -C /opt/evil"),
    (Tier.MEDIUM, "npm --prefix /opt/evil test"),
    (Tier.HIGH, "npm run deployProd"),
    (Tier.HIGH, "gradle deployProduction"),
    (Tier.HIGH, "git push production main"),
    (Tier.HIGH, "git push heroku main"),
    (Tier.HIGH, "AWS_PROFILE=prod terraform apply"),
    (Tier.HIGH, "RAILS_ENV=production rake db:migrate"),
    (Tier.HIGH, "rake db:migrate RAILS_ENV=production"),
    (Tier.HIGH, "docker -H tcp://prod:2375 restart web"),
    (Tier.HIGH, "kubectl config use-context prod"),
    (Tier.HIGH, "systemctl restart app@production"),
    (Tier.HIGH, "kubectl delete pods --all"),
    (Tier.HIGH, "terraform apply -destroy"),
    (Tier.HIGH, "terraform state rm x"),
    (Tier.HIGH, "aws s3 rm s3://x --recursive"),
    (Tier.HIGH, "aws rds delete-db-instance --db-instance-identifier x"),
    (Tier.HIGH, "gcloud projects delete x"),
    (Tier.HIGH, "az group delete -n x"),
    (Tier.HIGH, "aws ssm get-parameter --name x --with-decryption"),
    (Tier.HIGH, "gcloud auth print-access-token"),
    (Tier.HIGH, "gcloud iam service-accounts keys create k.json"),
    (Tier.HIGH, "az ad sp create-for-rbac"),
    (Tier.HIGH, "kubectl create secret generic x"),
    (Tier.HIGH, "gh api -X DELETE repos/x/y"),
    (Tier.HIGH, "gh workflow run deploy.yml -f env=production"),
    (Tier.HIGH, "docker run -v /var/run/docker.sock:/var/run/docker.sock x"),
    (Tier.HIGH, "docker run --pid=host x"),
    (Tier.DENY, 'python3 -c "from approvals.service import x"'),
    (Tier.DENY, 'cat ~/.herm""es-gateway/x'),
]


@pytest.mark.parametrize(("tier", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_odd_places_hide_nothing(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


READS_LIKE_ARITHMETIC = ["echo $((npm publish))", "((npm publish))", "echo $((ls; npm publish))"]


@pytest.mark.parametrize("command", READS_LIKE_ARITHMETIC)
def test_commands_in_the_dress_of_arithmetic_are_high(command: str) -> None:
    assert tier_of(command) is Tier.HIGH


@pytest.mark.parametrize(
    "command",
    ["echo $((a + b * 2))", "((i++))", "echo $(( x ? 1 : 2 ))", "for ((i = 0; i < 3; i++)); do ls; done"],
)
def test_arithmetic_is_arithmetic(command: str) -> None:
    assert tier_of(command) is Tier.NONE

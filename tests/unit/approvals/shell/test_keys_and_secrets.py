"""Creating, changing or showing keys is high; listing them is free."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.HIGH, "ssh-keygen -t ed25519"),
    (Tier.HIGH, "gpg --gen-key"),
    (Tier.HIGH, "gpg --delete-secret-keys x"),
    (Tier.HIGH, "openssl genrsa 2048"),
    (Tier.HIGH, "gh secret set X"),
    (Tier.HIGH, "gh repo delete x"),
    (Tier.HIGH, "gh auth token"),
    (Tier.HIGH, "vault kv get x"),
    (Tier.HIGH, "aws iam create-access-key"),
    (Tier.HIGH, "aws s3 rb s3://x --force"),
    (Tier.HIGH, "aws ec2 terminate-instances --instance-ids x"),
    (Tier.HIGH, "aws secretsmanager get-secret-value --secret-id x"),
    (Tier.HIGH, "cat ~/.ssh/id_rsa"),
    (Tier.HIGH, "cat ~/.aws/credentials"),
    (Tier.HIGH, "echo key >> ~/.ssh/authorized_keys"),
    (Tier.HIGH, "cat /etc/shadow"),
]

EXACTLY = [
    (Tier.NONE, "gpg --list-keys"),
    (Tier.NONE, "ssh-keygen -lf x.pub"),
    (Tier.NONE, "openssl x509 -in x -noout"),
    (Tier.NONE, "gh secret list"),
    (Tier.NONE, "cat ~/.ssh/id_rsa.pub"),
    (Tier.NONE, "aws sts get-caller-identity"),
    (Tier.HIGH, "kubectl get secret x -o yaml"),
    (Tier.HIGH, "az keyvault secret show --name x"),
    (Tier.HIGH, "age-keygen"),
    (Tier.HIGH, "gh auth login"),
    (Tier.HIGH, "gpg --export-secret-keys x"),
    (Tier.HIGH, "openssl req -new -key x"),
    (Tier.HIGH, "ssh-copy-id host"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_handling_keys_is_high(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


@pytest.mark.parametrize(("tier", "command"), EXACTLY, ids=[command for _, command in EXACTLY])
def test_neighbours_of_the_rule_are_neither_raised_nor_lowered(tier: Tier, command: str) -> None:
    assert tier_of(command) is tier

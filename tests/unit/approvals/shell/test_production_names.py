"""A production name makes a deploy-like verb high, and nothing else."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.HIGH, "kubectl apply -f x --context prod"),
    (Tier.HIGH, "kubectl -n production rollout restart deploy/web"),
    (Tier.HIGH, "helm upgrade x y -n live"),
    (Tier.HIGH, "ansible-playbook site.yml -i production"),
    (Tier.HIGH, "make deploy-prod"),
    (Tier.HIGH, "make deploy ENV=production"),
    (Tier.HIGH, "npm run deploy:prod"),
    (Tier.HIGH, "ENV=production make deploy"),
    (Tier.HIGH, "ssh prod 'systemctl restart web'"),
    (Tier.HIGH, "vercel --prod"),
]

EXACTLY = [
    (Tier.NONE, "kubectl -n production get pods"),
    (Tier.NONE, "NODE_ENV=production npm run build"),
    (Tier.NONE, "cat deploy/production.yaml"),
    (Tier.NONE, "terraform plan -var-file=prod.tfvars"),
    (Tier.HIGH, "docker push registry/app:production"),
    (Tier.HIGH, "ansible-playbook -l prod site.yml"),
    (Tier.HIGH, "kubectl exec -n prod web -- rm x"),
    (Tier.HIGH, "aws s3 sync dist s3://live-site"),
    (Tier.MEDIUM, "kubectl apply -f reload.yaml"),
    (Tier.HIGH, "docker --context prod restart web"),
    (Tier.HIGH, "scp x prod-web:/srv/"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_a_production_name_raises_what_deploys(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


@pytest.mark.parametrize(("tier", "command"), EXACTLY, ids=[command for _, command in EXACTLY])
def test_neighbours_of_the_rule_are_neither_raised_nor_lowered(tier: Tier, command: str) -> None:
    assert tier_of(command) is tier

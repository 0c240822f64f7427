"""Files are judged by what happens to them and by where they lie."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.HIGH, "{rm,-rf,/}"),
    (Tier.DENY, "find / -delete"),
    (Tier.DENY, "mv / /tmp/x"),
    (Tier.DENY, "mv ~ /tmp/x"),
    (Tier.DENY, "chmod -R 777 /"),
    (Tier.DENY, "chmod -R 000 ~"),
    (Tier.DENY, "chown -R nobody /etc"),
    (Tier.DENY, "dd if=/dev/zero of=/dev/sda"),
    (Tier.DENY, "mkfs.ext4 /dev/sda1"),
    (Tier.DENY, "echo x > /dev/sda"),
    (Tier.DENY, "cat x > /etc/passwd"),
    (Tier.DENY, "echo x | sudo tee /etc/passwd"),
    (Tier.DENY, "cp x /etc/passwd"),
    (Tier.DENY, "truncate -s 0 /etc/passwd"),
    (Tier.DENY, "> /etc/passwd"),
    (Tier.DENY, "tar -xf a.tar -C /"),
    (Tier.DENY, "tar -xf a.tar -C /etc"),
    (Tier.DENY, "find ~ -delete"),
    (Tier.DENY, "shred -u /etc/passwd"),
    (Tier.DENY, "rsync -a --delete empty/ /"),
    (Tier.DENY, "ln -sf /x /etc/passwd"),
    (Tier.HIGH, "docker volume rm x"),
    (Tier.HIGH, "rm -rf ."),
    (Tier.HIGH, "rm -rf *"),
    (Tier.HIGH, "rm -rf ./*"),
    (Tier.HIGH, "rm -rf /tmp"),
    (Tier.HIGH, "rm -rf /opt/app"),
    (Tier.HIGH, "rm -rf ~/Documents"),
    (Tier.HIGH, "chmod u+s x"),
    (Tier.HIGH, "chmod 4755 x"),
    (Tier.HIGH, "tar xPf a.tar"),
    (Tier.MEDIUM, "rm x"),
    (Tier.MEDIUM, "echo x >> .envrc"),
    (Tier.MEDIUM, "echo x >> ~/.zshrc"),
    (Tier.MEDIUM, "tee -a ~/.profile"),
    (Tier.MEDIUM, "touch ../x"),
    (Tier.MEDIUM, "mv x ../y"),
    (Tier.MEDIUM, "echo x > ../y"),
    (Tier.MEDIUM, "chmod 777 x"),
    (Tier.MEDIUM, "chmod 777 /tmp/x"),
    (Tier.MEDIUM, "chmod o+w x"),
    (Tier.MEDIUM, "chmod a+rwx x"),
    (Tier.MEDIUM, "scp x host:y"),
    (Tier.MEDIUM, "rsync -a x host:y"),
    (Tier.MEDIUM, "systemctl restart nginx"),
    (Tier.MEDIUM, "docker rm x"),
    (Tier.MEDIUM, "ssh host 'rm x'"),
    (Tier.MEDIUM, "docker exec web rm x"),
    (Tier.MEDIUM, "truncate -s 0 x"),
    (Tier.MEDIUM, ": > x"),
    (Tier.MEDIUM, "> x"),
    (Tier.MEDIUM, "cp /dev/null x"),
    (Tier.MEDIUM, "unlink x"),
    (Tier.MEDIUM, "find . -name '*.py' -delete"),
    (Tier.MEDIUM, "find . -name '*.py' | xargs rm"),
    (Tier.MEDIUM, "rm -rf /tmp/*"),
    (Tier.MEDIUM, "rm -rf __pycache__/"),
    (Tier.MEDIUM, "rm -rf /tmp/link/"),
    (Tier.MEDIUM, "rm -rf ~/.cache"),
    (Tier.MEDIUM, "rm -rf node_modules"),
    (Tier.DENY, "find / -name '*.log' -delete"),
    (Tier.HIGH, "tar czf x.tgz ~"),
    (Tier.HIGH, "cp -r ~ /tmp/x"),
    (Tier.MEDIUM, "find . -name '*.o' | while read f; do rm \"$f\"; done"),
]

EXACTLY = [
    (Tier.NONE, "cp a b"),
    (Tier.NONE, "echo x > src/a.txt"),
    (Tier.NONE, "touch src/a"),
    (Tier.NONE, "mkdir -p a/b"),
    (Tier.NONE, "chmod +x run.sh"),
    (Tier.NONE, "mv a b"),
    (Tier.NONE, "tar xzf a.tgz"),
    (Tier.NONE, "cp x /tmp/y"),
    (Tier.MEDIUM, "cp x ~/y"),
    (Tier.MEDIUM, "mkdir ~/new"),
    (Tier.LOW, "rm /tmp/named"),
    (Tier.LOW, "rm -rf .pytest_cache"),
    (Tier.LOW, "rm -f app.log.1"),
    (Tier.LOW, 'find . -name "*.pyc" -delete'),
    (Tier.MEDIUM, 'rm -rf "__pycache__/"'),
    (Tier.MEDIUM, 'find . -name "*.pyc" -o -name "*.py" -delete'),
    (Tier.HIGH, "find . -delete"),
    (Tier.MEDIUM, "rm src/a.py"),
    (Tier.HIGH, "rm -rf src/../*"),
    (Tier.LOW, "rm -rf ~/.cache/pip"),
    (Tier.MEDIUM, "rm -rf /tmp/*.d/*"),
    (Tier.HIGH, "mv * /tmp/"),
    (Tier.HIGH, "cp -r ~ /tmp/x"),
    (Tier.HIGH, "rm -rf /srv/data"),
    (Tier.MEDIUM, "rm /srv/data/x"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_files_are_judged_by_effect_and_place(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


@pytest.mark.parametrize(("tier", "command"), EXACTLY, ids=[command for _, command in EXACTLY])
def test_neighbours_of_the_rule_are_neither_raised_nor_lowered(tier: Tier, command: str) -> None:
    assert tier_of(command) is tier

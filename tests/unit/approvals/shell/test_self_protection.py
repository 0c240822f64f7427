"""What could decide, grant, configure or read Hermes is refused from any tool."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.DENY, "cat ~/.hermes-gateway/config.yaml"),
    (Tier.DENY, "cat /home/dev/.hermes-gateway/hermes.db"),
    (Tier.DENY, "cd ~/.hermes-gateway && cat config.yaml"),
    (Tier.DENY, "cat ../.hermes-gateway/config.yaml"),
    (Tier.DENY, "cat ~/.hermes-gatewa?/x"),
    (Tier.DENY, "cp -r ~/.hermes-gateway /tmp/x"),
    (Tier.DENY, "sqlite3 ~/.hermes-gateway/hermes.db .dump"),
    (Tier.DENY, "python3 -c \"print(open('/home/dev/.hermes-gateway/x').read())\""),
    (Tier.DENY, "ls ~/.hermes-gateway"),
    (Tier.DENY, "mytool --file=/home/dev/.hermes-gateway/x"),
    (Tier.DENY, "hermes approve abc"),
    (Tier.DENY, "hermes grants add"),
    (Tier.DENY, "hermes config set approvals.mode trust"),
    (Tier.DENY, "./.venv/bin/hermes approve 1"),
    (Tier.DENY, "python -m hermes approve 1"),
    (Tier.DENY, "env hermes approve 1"),
    (Tier.DENY, "hermes chat -q '/approve 1'"),
    (Tier.DENY, "cat /proc/1/environ"),
    (Tier.DENY, "cat /proc/self/environ"),
    (Tier.DENY, "strings /proc/*/environ"),
    (Tier.DENY, "cat /proc/$PPID/environ"),
    (Tier.DENY, "ps auxe"),
    (Tier.DENY, "ps eww"),
    (Tier.DENY, 'curl -X POST http://127.0.0.1:8420/api/hermes/approvals/1 -d \'{"decision":"approve"}\''),
    (Tier.DENY, "pkill -f hermes"),
    (Tier.DENY, "systemctl stop hermes"),
    (Tier.DENY, "systemctl --user restart hermes.service"),
    (Tier.DENY, "echo $TELEGRAM_BOT_TOKEN"),
    (Tier.DENY, "echo 'bad: yes' >> ~/.hermes-gateway/config.yaml"),
    (Tier.DENY, "ssh localhost cat ~/.hermes-gateway/config.yaml"),
    (Tier.DENY, "curl file:///home/dev/.hermes-gateway/x"),
    (Tier.DENY, "ln -s ~/.hermes-gateway x"),
    (Tier.DENY, "$(which hermes) approve 1"),
    (Tier.DENY, "xargs -0 < /proc/1/environ"),
    (Tier.DENY, "sudo cat /proc/1234/environ"),
    (Tier.DENY, "docker run --rm -v /home/dev/.hermes-gateway:/x alpine"),
    (Tier.DENY, 'cat "/home/dev/.hermes-gateway"/config.yaml'),
    (Tier.DENY, "tee ~/.hermes-gateway/config.yaml < x"),
    (Tier.DENY, "rm -rf ~/.hermes-gateway"),
    (Tier.DENY, "HERMES_HOME=/x hermes approve 1"),
    (Tier.DENY, "uv run hermes config set a b"),
    (Tier.DENY, "xargs -a x hermes approve"),
    (Tier.DENY, "curl http://localhost:8420/api/hermes/tokens"),
    (Tier.DENY, "wget --post-data=x http://127.0.0.1:8420/mcp"),
    (Tier.DENY, "printenv TELEGRAM_BOT_TOKEN"),
    (Tier.DENY, "gdb -p 1 -ex 'x' ~/.hermes-gateway"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_hermes_protects_itself(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier

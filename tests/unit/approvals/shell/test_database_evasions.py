"""Statements that hide, and conditions that are always true."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

COMMANDS = [
    (Tier.HIGH, "psql -c 'UPDATE t SET a = (SELECT b FROM c WHERE d = 1)'"),
    (Tier.HIGH, "psql -c \"DELETE FROM t WHERE 'a'='a'\""),
    (Tier.HIGH, 'psql -c "DELETE FROM t WHERE 2>1"'),
    (Tier.HIGH, 'psql -c "DELETE FROM t WHERE id = id"'),
    (Tier.HIGH, 'psql -c "DELETE FROM t WHERE TRUE OR id=1"'),
    (Tier.HIGH, 'psql -c "DELETE FROM t WHERE id=3 OR 1"'),
    (Tier.HIGH, "psql -c'DROP TABLE x'"),
    (Tier.HIGH, "psql --command='DROP TABLE x'"),
    (Tier.HIGH, 'mysql --execute="DROP TABLE x"'),
    (Tier.HIGH, 'mysql db -e"DROP TABLE x"'),
    (Tier.HIGH, "sqlite3 db -cmd 'DROP TABLE x' .tables"),
    (Tier.HIGH, 'echo "DROP" "TABLE x" | mysql'),
    (Tier.HIGH, "printf 'DROP TABLE %s' x | psql"),
    (Tier.HIGH, "cat x.sql | psql"),
    (Tier.HIGH, "psql < <(echo 'DROP TABLE x')"),
    (Tier.HIGH, "docker exec db psql -c 'DROP TABLE x'"),
    (Tier.HIGH, "docker compose exec -T db psql <<EOF\nDROP TABLE x;\nEOF"),
    (Tier.HIGH, "kubectl exec pg -- psql -c 'DROP TABLE x'"),
    (Tier.HIGH, "sudo -u postgres psql -c 'DROP DATABASE x'"),
    (Tier.HIGH, "ssh db \"psql -c 'DROP TABLE x'\""),
    (Tier.HIGH, 'sqlcmd -Q "DROP TABLE x"'),
    (Tier.HIGH, "clickhouse-client --query 'DROP TABLE x'"),
    (Tier.HIGH, "duckdb x.db 'DROP TABLE x'"),
    (Tier.HIGH, 'cqlsh -e "DROP KEYSPACE x"'),
    (Tier.HIGH, "bq query 'DELETE FROM x'"),
    (Tier.HIGH, "rake db:drop"),
    (Tier.HIGH, "prisma migrate reset"),
    (Tier.HIGH, "npx prisma migrate reset --force"),
    (Tier.HIGH, "prisma db push --accept-data-loss"),
]


@pytest.mark.parametrize(("tier", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_hidden_statements_are_found(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier

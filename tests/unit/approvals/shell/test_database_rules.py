"""SQL, Redis and MongoDB, wherever the statements come from."""

import pytest

from kernel.risk import Tier
from tests.unit.approvals.shell.surroundings import tier_of

AT_LEAST = [
    (Tier.HIGH, "psql -c 'DROP TABLE x'"),
    (Tier.HIGH, "psql -c 'dRoP/**/TABLE x'"),
    (Tier.HIGH, "psql <<< 'DROP TABLE x'"),
    (Tier.HIGH, "psql <<EOF\nDROP TABLE x;\nEOF"),
    (Tier.HIGH, "echo 'DROP TABLE x' | psql"),
    (Tier.HIGH, "cat <<EOF | psql\nselect 1; drop table x;\nEOF"),
    (Tier.HIGH, "psql -c 'DELETE FROM x'"),
    (Tier.HIGH, "psql -c 'DELETE FROM x WHERE 1=1'"),
    (Tier.HIGH, "psql -c 'UPDATE x SET a=1'"),
    (Tier.HIGH, "psql -c 'select 1; truncate x'"),
    (Tier.HIGH, 'psql -c "WITH a AS (DELETE FROM x RETURNING *) SELECT * FROM a"'),
    (Tier.HIGH, "psql -c 'EXPLAIN ANALYZE DELETE FROM x'"),
    (Tier.HIGH, "psql -f x.sql"),
    (Tier.HIGH, "psql < x.sql"),
    (Tier.HIGH, 'psql -c "$SQL"'),
    (Tier.HIGH, "psql -c \"COPY x TO PROGRAM 'sh'\""),
    (Tier.HIGH, "psql -c '\\! rm x'"),
    (Tier.HIGH, "psql -c '\\i x.sql'"),
    (Tier.HIGH, "mysql -e 'DROP DATABASE x'"),
    (Tier.HIGH, "mysql -e '/*!50000 DROP*/ TABLE x'"),
    (Tier.HIGH, "mysql < dump.sql"),
    (Tier.HIGH, "sqlite3 a.db '.shell rm x'"),
    (Tier.HIGH, "sqlite3 a.db '.read x.sql'"),
    (Tier.HIGH, 'sqlite3 a.db "DELETE FROM t"'),
    (Tier.HIGH, "sqlite3 a.db <<< 'DROP TABLE t'"),
    (Tier.HIGH, "redis-cli FLUSHALL"),
    (Tier.HIGH, "redis-cli flushdb"),
    (Tier.HIGH, "redis-cli CONFIG SET dir /tmp"),
    (Tier.HIGH, "echo FLUSHALL | redis-cli"),
    (Tier.HIGH, "mongosh --eval 'db.dropDatabase()'"),
    (Tier.HIGH, "mongosh --eval 'db.users.deleteMany({})'"),
    (Tier.HIGH, "mongosh --eval 'db.users.drop()'"),
    (Tier.HIGH, "dropdb x"),
    (Tier.MEDIUM, 'psql -c "INSERT INTO x VALUES (1)"'),
    (Tier.MEDIUM, 'mysql -e "UPDATE x SET a=1 WHERE id=1"'),
    (Tier.MEDIUM, "redis-cli DEL x"),
    (Tier.HIGH, "psql -h prod-db -c 'UPDATE x SET a=1 WHERE id=2'"),
    (Tier.HIGH, "sqlite3 a.db \"select load_extension('x')\""),
]

EXACTLY = [
    (Tier.NONE, "psql -c 'select \"drop\" from t'"),
    (Tier.NONE, "psql -c \"select 'drop table x; delete from y'\""),
    (Tier.NONE, "psql -c 'select 1 -- drop table x'"),
    (Tier.NONE, "psql -c 'select 1 /* drop table x */'"),
    (Tier.NONE, "psql -c '\\dt'"),
    (Tier.NONE, "mysql -e 'SHOW TABLES'"),
    (Tier.NONE, "sqlite3 a.db 'PRAGMA table_info(t)'"),
    (Tier.MEDIUM, "sqlite3 a.db 'PRAGMA journal_mode = OFF'"),
    (Tier.HIGH, "sqlite3 a.db 'PRAGMA writable_schema = ON'"),
    (Tier.NONE, "redis-cli hgetall x"),
    (Tier.HIGH, 'redis-cli eval "return 1" 0'),
    (Tier.NONE, "mongosh --eval 'db.x.find({a: 1}).limit(2)'"),
    (Tier.MEDIUM, "mongosh --eval 'db.x.updateOne({a: 1}, {b: 2})'"),
    (Tier.HIGH, "mongosh --eval 'db.x.aggregate([{$out: 1}])'"),
    (Tier.HIGH, "psql -c 'SELECT pg_read_file(1)'"),
    (Tier.HIGH, "psql -c \"DO 'begin end'\""),
    (Tier.MEDIUM, "psql -c 'SELECT a INTO b FROM c'"),
    (Tier.HIGH, "mysql -e \"SELECT 1 INTO OUTFILE '/tmp/x'\""),
    (Tier.HIGH, 'psql -c "select \'unfinished"'),
    (Tier.MEDIUM, "psql -c 'CREATE TABLE x (a int)'"),
    (Tier.HIGH, "psql -c 'GRANT ALL ON x TO y'"),
    (Tier.HIGH, "psql -c 'ALTER TABLE x DROP COLUMN y'"),
    (Tier.NONE, 'echo "select 1; select 2" | sqlite3 a.db'),
    (Tier.HIGH, "pg_restore -d app dump"),
]


@pytest.mark.parametrize(("tier", "command"), AT_LEAST, ids=[command for _, command in AT_LEAST])
def test_database_statements_get_the_tier_that_they_deserve(tier: Tier, command: str) -> None:
    assert tier_of(command) >= tier


@pytest.mark.parametrize(("tier", "command"), EXACTLY, ids=[command for _, command in EXACTLY])
def test_neighbours_of_the_rule_are_neither_raised_nor_lowered(tier: Tier, command: str) -> None:
    assert tier_of(command) is tier

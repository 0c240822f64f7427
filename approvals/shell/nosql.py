"""Tiers of Redis commands and of MongoDB shell code."""

import re
from collections.abc import Iterator

from approvals.shell.marks import is_opaque
from approvals.shell.wordlist import words
from kernel.risk import Tier

_REDIS_READS = words("""
    get mget getrange strlen exists ttl pttl type keys scan randomkey dbsize info ping echo time
    lastsave hget hmget hgetall hkeys hvals hlen hexists hscan hstrlen lrange llen lindex lpos smembers
    sismember smismember scard sscan srandmember sinter sunion sdiff sintercard zrange zrangebyscore
    zrangebylex zrevrange zrevrangebyscore zcard zscore zmscore zrank zrevrank zcount zlexcount zscan
    xrange xrevrange xlen xinfo xread pfcount getbit bitcount bitpos object memory command dump geopos
    geodist geosearch georadius_ro lolwut expiretime pexpiretime subscribe psubscribe monitor auth
    select hello quit wait role help client slowlog latency cluster config acl script function module
    pubsub debug
    """)
_REDIS_GRAVE = words(
    "flushall flushdb shutdown eval evalsha fcall slaveof replicaof migrate restore sync psync failover swapdb save"
    " bgsave bgrewriteaof reset"
)
_REDIS_SUBCOMMANDS: dict[str, frozenset[str]] = {
    "config": frozenset({"get", "help"}),
    "client": words("list getname id info help setname no-evict"),
    "slowlog": frozenset({"get", "len", "help"}),
    "latency": words("latest history doctor graph help"),
    "cluster": words("info nodes slots shards keyslot countkeysinslot myid help"),
    "acl": words("list users whoami getuser cat log help"),
    "script": frozenset({"exists", "help"}),
    "function": words("list dump stats help"),
    "module": frozenset({"list", "help"}),
    "memory": words("usage stats doctor help"),
    "object": words("encoding refcount idletime freq help"),
    "debug": frozenset({"help"}),
}
_MONGO_READ = re.compile(
    r"(show\s+\w+|use\s+[\w-]+|db|rs\.status\(\)|rs\.conf\(\)|sh\.status\(\)|help"
    r"|(print|printjson|JSON\.stringify|EJSON\.stringify)\(.*\)"
    r"|db(\.getSiblingDB\([^)]*\))?(\.[\w$]+|\.getCollection\([^)]*\)|\[[^\]]*\])*\.(find|findOne|count"
    r"|countDocuments"
    r"|estimatedDocumentCount|distinct|aggregate|stats|getIndexes|explain|getCollectionNames"
    r"|getCollectionInfos|version"
    r"|serverStatus|hostInfo|getName|getMongo|adminCommand|dataSize|totalSize|storageSize|isCapped"
    r"|validate|getUsers"
    r"|currentOp|listCommands)\(.*\).*)\s*\Z",
    re.DOTALL,
)
_MONGO_GRAVE = re.compile(
    r"\.(dropDatabase|drop|dropIndexes|dropUser|dropRole|shutdownServer|createUser|updateUser"
    r"|grantRolesToUser|createRole"
    r"|fsyncLock|killOp|eval|\$?where|mapReduce|copyDatabase|cloneDatabase|renameCollection)\s*\("
    r"|\.(deleteMany|remove|updateMany)\s*\(\s*(\{\s*\}|\))|\$(out|merge|function|where|accumulator)\b"
    r"|\]\s*\("
    r"|\b(load|run|runProgram|eval|Function|require|fetch|process|removeFile|fs)\b\s*[.(]"
    r"|adminCommand\s*\(\s*(?!\{\s*(listDatabases|ping|serverStatus|getParameter|connectionStatus"
    r"|buildInfo|replSetGetStatus)\b)"
)
_MONGO_WRITE = re.compile(
    r"\.(insert\w*|update\w*|replaceOne|delete\w*|remove|save|bulkWrite|findOneAnd\w+|findAndModify"
    r"|create\w+|dropIndex|set\w+)\s*\("
)


def judge_redis(words: list[str]) -> tuple[Tier, str]:
    """Return the tier of one Redis command and why."""
    if not words:
        return Tier.NONE, ""
    verb = words[0].lower()
    second = words[1].lower() if len(words) > 1 else ""
    allowed = _REDIS_SUBCOMMANDS.get(verb)
    if allowed is not None and second not in allowed:
        return Tier.HIGH, "changes or interferes with the server"
    if verb in _REDIS_READS:
        return Tier.NONE, ""
    if verb in _REDIS_GRAVE:
        return Tier.HIGH, "deletes everything or interferes with the server"
    if verb in {"del", "unlink"} and any(is_opaque(word) for word in words[1:]):
        return Tier.HIGH, "deletes keys that are not known beforehand"
    return Tier.MEDIUM, "changes data"


def judge_mongo(text: str) -> Iterator[tuple[Tier, str, str]]:
    """Yield a tier, a rule and a reason for MongoDB shell code."""
    if _MONGO_GRAVE.search(text):
        yield Tier.HIGH, "mongo.grave", "drops or changes everything, or leaves the database"
    elif _MONGO_WRITE.search(text):
        yield Tier.MEDIUM, "mongo.write", "changes documents"
    elif not all(_MONGO_READ.match(part.strip()) for part in text.split(";") if part.strip()):
        yield Tier.MEDIUM, "mongo.code", "is inline code"

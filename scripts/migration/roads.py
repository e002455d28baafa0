"""Which server reads what: the tables of docs/migrate.md, which the tests hold against each other."""

import re
from dataclasses import dataclass

# Values of the server's own by the first byte of a DUMP: those that every server reads are up to 19.
WORDS = {20: "sets of words", 21: "streams", 22: "hashes with fields that expire", 24: "hashes with fields that expire",
         25: "hashes with fields that expire", 26: "streams"}


@dataclass(frozen=True)
class Target:
    """A server to move to."""

    version_max: int
    values: frozenset  # first bytes of the server's own values that it reads
    extra: frozenset = frozenset()  # RDB versions beyond version_max
    relaxed: object = None  # which further versions with rdb-version-check relaxed
    vector_sets: tuple = ()  # RDB versions of the servers whose vector sets it reads


def up_to(last, *more):
    return frozenset((*range(last + 1), *more))


TARGETS = {
    "redis-7.0": Target(10, up_to(19)),
    "redis-8.0": Target(12, up_to(21, 24, 25), vector_sets=(12,)),
    "redis-8.6": Target(13, up_to(21, 24, 25, 26), vector_sets=(12, 13)),
    "valkey-8.0": Target(11, up_to(21)),
    "valkey-8.1": Target(11, up_to(21), relaxed=lambda version: version >= 80),
    "valkey-9.1": Target(11, up_to(22), frozenset({80}), relaxed=lambda version: True),
}

# What a Valkey from 9 on sends to replicas that are none.
DOWNGRADED = 11


def reads(target, version, otherwise):
    """How a target takes this RDB version; `otherwise` is the road where it does not."""
    if version <= target.version_max or version in target.extra:
        return "yes"
    return "relaxed" if target.relaxed and target.relaxed(version) else otherwise


def roads(version, to):
    """The roads to a target: a file, payloads, replication."""
    target = TARGETS[to]
    sent = DOWNGRADED if version >= 80 and to != "valkey-9.1" else version
    return {"file": reads(target, version, "rewritten"), "restore": reads(target, version, "re-signed"),
            "replicaof": reads(target, sent, "no")}


def written_by(info):
    """The RDB version that a server writes, by what INFO says of it; None if it says nothing."""
    if number := info.get("valkey_version"):
        return 80 if int(number.split(".")[0]) >= 9 else 11
    if not re.match(r"\d+\.\d+", info.get("redis_version", "")):
        return None
    number = tuple(int(part) for part in info["redis_version"].split(".")[:2])
    known = [((8, 6), 13), ((7, 4), 12), ((7, 2), 11), ((7, 0), 10), ((5, 0), 9)]
    return next((version for since, version in known if number >= since), None)

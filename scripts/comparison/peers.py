"""The commands of the peers' modules: Redis Stack 7.4, Redis 8, and valkey-bundle.

Redis Stack 7.4 is RedisJSON 2.8, RedisBloom 2.8, RediSearch 2.10 and RedisTimeSeries 1.12; valkey-bundle is
valkey-json 1.0, valkey-bloom 1.x and valkey-search 1.2.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Commands that belong together, with the folder of their transcripts and the family that draws them."""

    title: str
    transcripts: str
    drawn: str
    commands: dict


# Who has a command, in the order of the columns: Redis Stack 7.4, Redis 8, valkey-bundle.
REDIS = ("yes", "yes", "")
ALL = ("yes", "yes", "yes")
STACK = ("yes", "", "")
VALKEY = ("", "", "yes")


def redis_8(version):
    """A command that came with a later Redis 8."""
    return ("", version, "")


def all_of(prefix, who, names):
    """Commands of one prefix that the same peers have."""
    return {f"{prefix}.{name}": who for name in names.split()}


FAMILIES = [
    Family("JSON", "json", "json", {
        **all_of("JSON", ALL, "SET GET MGET MSET DEL FORGET CLEAR TYPE NUMINCRBY NUMMULTBY STRAPPEND STRLEN ARRAPPEND "
                              "ARRINDEX ARRINSERT ARRLEN ARRPOP ARRTRIM OBJKEYS OBJLEN TOGGLE RESP DEBUG"),
        "JSON.MERGE": REDIS, "JSON.NUMPOWBY": redis_8("8.8"),
    }),
    Family("Bloom filters", "bloom", "bf", {
        **all_of("BF", ALL, "RESERVE ADD MADD INSERT EXISTS MEXISTS CARD INFO"),
        **all_of("BF", REDIS, "SCANDUMP LOADCHUNK DEBUG"), "BF.LOAD": VALKEY,
    }),
    Family("Cuckoo filters", "bloom", "cf", all_of(
        "CF", REDIS, "RESERVE ADD ADDNX INSERT INSERTNX EXISTS MEXISTS COUNT DEL COMPACT INFO SCANDUMP LOADCHUNK "
                     "DEBUG")),
    Family("Count-min sketches", "bloom", "cms", all_of("CMS", REDIS, "INITBYDIM INITBYPROB INCRBY QUERY MERGE INFO")),
    Family("Top-K", "bloom", "topk", all_of(
        "TOPK", ("yes", "yes", "since 2026-07"), "RESERVE ADD INCRBY QUERY COUNT LIST INFO")),
    Family("t-digest", "bloom", "tdigest", all_of(
        "TDIGEST", REDIS, "CREATE ADD RESET MERGE MIN MAX QUANTILE CDF RANK REVRANK BYRANK BYREVRANK TRIMMED_MEAN "
                          "INFO")),
    Family("Search", "search", "ft", {
        **all_of("FT", ALL, "CREATE DROPINDEX _LIST INFO SEARCH AGGREGATE"),
        **all_of("FT", REDIS, "ALTER PROFILE EXPLAIN EXPLAINCLI TAGVALS ALIASADD ALIASDEL ALIASUPDATE CONFIG CURSOR "
                              "DICTADD DICTDEL DICTDUMP SYNUPDATE SYNDUMP SPELLCHECK SUGADD SUGGET SUGDEL SUGLEN "
                              "_CREATEIFNX _ALTERIFNX _DROPINDEXIFX _ALIASADDIFNX _ALIASDELIFX "
                              "DROP ADD SAFEADD DEL GET MGET SYNADD"),
        "_FT.DEBUG": REDIS, "FT._DEBUG": VALKEY, "FT.HYBRID": redis_8("8.4"), "FT.ALIASLIST": redis_8("8.10"),
    }),
    Family("Time series", "timeseries", "ts", {
        **all_of("TS", REDIS, "CREATE ALTER ADD MADD INCRBY DECRBY DEL CREATERULE DELETERULE RANGE REVRANGE MRANGE "
                              "MREVRANGE GET MGET QUERYINDEX INFO"),
        **all_of("TS", redis_8("8.10"), "NRANGE NREVRANGE READ QUERYLABELS"),
    }),
    Family("Vector sets", "", "", {
        **dict.fromkeys("VADD VSIM VREM VCARD VDIM VEMB VLINKS VINFO VSETATTR VGETATTR VRANDMEMBER".split(),
                        redis_8("8.0")),
        "VISMEMBER": redis_8("8.2"), "VRANGE": redis_8("8.4"),
    }),
]

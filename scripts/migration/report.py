"""What a survey means: what moves, by which road, and what does not."""

from dataclasses import dataclass

from migration import roads
from migration.survey import INDEXES_MAX, MEANS


@dataclass(frozen=True)
class ModuleType:
    """A type that a module of ours reads."""

    module: str
    what: str
    encodings: frozenset


def encodings(*numbers):
    return frozenset(numbers)


TYPES = {
    "ReJSON-RL": ModuleType("json", "documents", encodings(0, 2, 3, 4)),
    "MBbloom--": ModuleType("bloom", "Bloom filters of RedisBloom", encodings(0, 1, 2, 3, 4)),
    "bloomfltr": ModuleType("bloom", "Bloom filters of valkey-bloom", encodings(0, 1)),
    "MBbloomCF": ModuleType("bloom", "Cuckoo filters", encodings(1, 3, 4)),
    "CMSk-TYPE": ModuleType("bloom", "Count-Min sketches", encodings(0)),
    "TopK-TYPE": ModuleType("bloom", "Top-K", encodings(0)),
    "TDIS-TYPE": ModuleType("bloom", "t-digests", encodings(0)),
    "TSDB-TYPE": ModuleType("timeseries", "time series", encodings(*range(10))),
    "trietype0": ModuleType("search", "suggestions", encodings(0, 1, 2)),
}
OWN = ("string", "list", "set", "zset", "hash", "stream")
VECTOR_SET = "vectorset"

# Modules whose data has a type above, or that have none, by the names that MODULE LIST tells.
KNOWN_MODULES = {"rejson", "json", "bf", "search", "ft", "timeseries", "vectorset", "ldap", "lua"}

# FT.* commands that there are here.
SERVED = {
    "FT.CREATE", "FT._CREATEIFNX", "FT.ALTER", "FT._ALTERIFNX", "FT.DROPINDEX", "FT._DROPINDEXIFX", "FT.DROP",
    "FT._RESTOREIFNX", "FT._LIST", "FT.INFO", "FT.SEARCH", "FT.EXPLAIN", "FT.EXPLAINCLI", "FT.PROFILE", "FT.TAGVALS",
    "FT.ALIASADD", "FT._ALIASADDIFNX", "FT.ALIASUPDATE", "FT.ALIASDEL", "FT._ALIASDELIFX", "FT.ALIASLIST", "FT.CONFIG",
}
SERVED_FIELDS = {"TAG", "NUMERIC", "GEO", "VECTOR"}

STAYS, LEFT_OUT, NOTE = "stays", "left out", "note"


def of(survey, targets):
    """The whole report, as plain values."""
    version = survey.rdb_version or roads.written_by(survey.info)
    return {
        "server": server(survey),
        "rdb_version": version,
        "databases": [{"database": number, "keys": survey.databases.get(number, 0), "looked_at": looked}
                      for number, looked in sorted(survey.looked.items())],
        "modules": survey.modules,
        "types": [kind(survey, name) for name in sorted(survey.types)],
        "indexes": survey.indexes,
        "functions": survey.functions,
        "findings": findings(survey),
        "targets": [target(survey, version, name) for name in targets],
        "not_seen": not_seen(survey),
    }


def server(survey):
    info = survey.info
    number = info.get("valkey_version") or info.get("redis_version")
    return {
        "address": survey.connection.shown(),
        "family": "valkey" if "valkey_version" in info else "redis" if number else None,
        "version": number,
        "role": {"master": "primary", "slave": "replica"}.get(info.get("role")),
        "cluster": info.get("cluster_enabled") == "1",
        "used_memory": int(info["used_memory"]) if "used_memory" in info else None,
    }


def share(survey):
    """How many keys stand for each one that was looked at."""
    looked = sum(survey.looked.values())
    there = sum(max(survey.databases.get(number, 0), count) for number, count in survey.looked.items())
    return there / looked if looked else 1


def kind(survey, name):
    found, known = survey.types[name], TYPES.get(name)
    keys = round(found.count * share(survey))
    each = found.bytes / found.measured if found.measured else None
    return {
        "type": name,
        "needs": f"libkeyspan_{known.module}.so" if known else None,
        "looked_at": found.count,
        "keys_about": keys,
        "bytes_about": None if each is None else round(each * keys),
        "encodings": sorted({number for owner, number in found.encodings if owner == name}),
        "example": found.example,
    }


def finding(level, what, count, why):
    return {"level": level, "what": what, "count": count, "why": why}


def findings(survey):
    """What is so whichever server is the target."""
    return [*unknown_types(survey), *index_findings(survey), *function_findings(survey), *command_findings(survey),
            *module_findings(survey), *place_findings(survey)]


def unknown_types(survey):
    for name, found in sorted(survey.types.items()):
        known = TYPES.get(name)
        if known is None and name not in (*OWN, VECTOR_SET):
            yield finding(STAYS, f"keys of type {name}", found.count,
                          "no module here has this type: a file with one is refused; delete them, or copy the "
                          "other keys")
        if known is None:
            continue
        for owner, number in sorted(encoding for encoding in found.encodings if encoding[0] == name):
            if number not in known.encodings:
                yield finding(STAYS, f"{owner} of encoding {number}", found.encodings[owner, number],
                              "this encoding is newer than the module here reads")
        if name == "trietype0":
            yield finding(LEFT_OUT, "suggestions (FT.SUGADD)", found.count,
                          "the keys move and are kept; no command reads them")


def index_findings(survey):
    for index in survey.indexes:
        if index["fields"] is None:
            continue
        for field in index["fields"]:
            if field["type"] not in SERVED_FIELDS or field["algorithm"].startswith("SVS"):
                name = f"{field['type']} {field['algorithm']}".strip()
                yield finding(LEFT_OUT, f"field {field['name']} of index {index['name']}", 1,
                              f"{name} fields are kept in the definition and not searched")
    if len(survey.indexes) >= INDEXES_MAX:
        yield finding(NOTE, "indexes", len(survey.indexes), f"only the first {INDEXES_MAX} were looked at")
    if survey.indexes:
        yield finding(NOTE, "index definitions", len(survey.indexes),
                      "they go with a file and with replication, not with RESTORE: there run FT.CREATE again; the "
                      "indexes are built from the keys")


def lacking(commands):
    return sorted(name for name in commands if name.startswith("FT.") and name not in SERVED)


def function_findings(survey):
    for library in survey.functions:
        if missing := lacking(library["commands"]):
            yield finding(LEFT_OUT, f"function library {library['name']}", 1, f"it calls {', '.join(missing)}")
    if survey.functions:
        yield finding(NOTE, "function libraries", len(survey.functions),
                      "they go with a file and with replication; else with FUNCTION DUMP and FUNCTION RESTORE")


def command_findings(survey):
    prefix = "cmdstat_"
    used = {name.removeprefix(prefix).upper() for name in survey.info if name.startswith(prefix)}
    for name in lacking(used):
        calls = survey.info.get(prefix + name) or survey.info.get(prefix + name.lower(), "")
        calls = calls.partition("calls=")[2].partition(",")[0]
        yield finding(LEFT_OUT, f"command {name}", int(calls or 0), "clients have used it; it is not here")


def module_findings(survey):
    for module in survey.modules or []:
        if module["name"].lower() not in KNOWN_MODULES:
            yield finding(NOTE, f"module {module['name']}", 1, "nothing here takes its place; look at what it is for")
    names = {module["name"].lower() for module in survey.modules or []}
    if names & {"search", "ft"}:
        yield finding(NOTE, "records of the search module", 1,
                      "load libkeyspan_search.so where its file goes: servers refuse records that nobody reads")


def place_findings(survey):
    if survey.info.get("cluster_enabled") == "1":
        yield finding(NOTE, "cluster", 1, "each primary has a part of the keys: ask each, and move each")
    if survey.info.get("role") == "slave":
        yield finding(NOTE, "replica", 1, "it follows another server: what is written goes there")
    if survey.info.get("loading") == "1":
        yield finding(NOTE, "loading", 1, "the server is still reading its file")
    if survey.info.get("aof_enabled") == "1":
        yield finding(NOTE, "append-only file", 1, "the data is there, not in dump.rdb: SAVE writes one")


def target(survey, version, name):
    """The roads to one server, and what it does not read."""
    found = {"name": name, "file": None, "restore": None, "replicaof": None, "stays": []}
    if version is not None:
        found.update(roads.roads(version, name))
    found["stays"] = list(stays(survey, version, name))
    return found


def stays(survey, version, name):
    to, unread = roads.TARGETS[name], {}
    for kind in survey.types.values():
        for (owner, number), count in kind.encodings.items():
            if owner is None and number not in to.values:
                what = roads.WORDS.get(number, f"values of RDB type {number}")
                unread[what] = unread.get(what, 0) + count
    for what, count in sorted(unread.items()):
        yield finding(STAYS, what, count, f"{name} does not read how this server writes them")
    expiring = roads.WORDS[22]
    # Which of the two families writes them so is known from the version.
    if survey.field_expiry and expiring not in unread and (22 if (version or 0) >= 80 else 25) not in to.values:
        yield finding(STAYS, expiring, survey.field_expiry, f"{name} does not read how this server writes them")
    if VECTOR_SET in survey.types and version not in to.vector_sets:
        yield finding(STAYS, "vector sets", survey.types[VECTOR_SET].count,
                      f"{name} has no type for them, or an older one")


def not_seen(survey):
    """What is not known, and why."""
    unseen = [{"what": MEANS[name], "why": f"{name}: {problem}"} for name, problem in survey.unseen.items()]
    if survey.hidden_keys:
        unseen.append({"what": f"{survey.hidden_keys} of the keys that were looked at",
                       "why": "this user may not read them"})
    if survey.time_is_up:
        unseen.append({"what": "the rest", "why": "the time was up (--seconds)"})
    return unseen


def status(found):
    """The exit status, as the script's help says."""
    told = [*found["findings"], *(stay for to in found["targets"] for stay in to["stays"])]
    if any(one["level"] != NOTE for one in told):
        return 1
    return 3 if found["not_seen"] else 0


def text(found):
    """The report for people."""
    parts = [head(found), type_lines(found), road_lines(found), finding_lines(found), unseen_lines(found)]
    return "\n".join(line for part in parts for line in part)


def head(found):
    of = found["server"]
    who = f"{of['family']} {of['version']}" if of["version"] else "a server of unknown version"
    version = f"RDB version {found['rdb_version'] or 'unknown'}"
    words = [who, of["role"] or "", "cluster" if of["cluster"] else "", version]
    yield f"{of['address']}: {', '.join(word for word in words if word)}"
    if found["modules"] is not None:
        names = ", ".join(f"{module['name']} {module['version']}" for module in found["modules"])
        yield f"modules: {names or 'none'}"
    for database in found["databases"]:
        yield (f"database {database['database']}: {max(database['keys'], database['looked_at']):,} keys, "
               f"{database['looked_at']:,} looked at")
    if found["indexes"]:
        yield f"indexes: {', '.join(index['name'] for index in found['indexes'])}"


def table(rows):
    """Columns as wide as they must be; the first flush left, the others by what they hold."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        yield "  ".join(cells).rstrip()


def type_lines(found):
    if not found["types"]:
        return []
    rows = [("type", "keys, about", "bytes, about", "encodings", "needs")]
    for one in found["types"]:
        size = "unknown" if one["bytes_about"] is None else f"{one['bytes_about']:,}"
        numbers = " ".join(map(str, one["encodings"]))
        rows.append((one["type"], f"{one['keys_about']:,}", size, numbers, one["needs"] or ""))
    return ["", *table(rows)]


def road_lines(found):
    rows = [("to", "its file at start-up", "RESTORE", "REPLICAOF")]
    for to in found["targets"]:
        rows.append((to["name"], *(to[road] or "unknown" for road in ("file", "restore", "replicaof"))))
    return ["", *table(rows), "(what the words mean: docs/migrate.md)"]


def finding_lines(found):
    titles = {STAYS: "Does not move:", LEFT_OUT: "Is left out:", NOTE: "To know:"}
    stays = {}
    for to in found["targets"]:
        for one in to["stays"]:
            stays.setdefault((one["what"], one["count"]), []).append(to["name"])
    for level, title in titles.items():
        told = [one for one in found["findings"] if one["level"] == level]
        lines = [f"  {one['what']} ({one['count']:,}): {one['why']}" for one in told]
        if level == STAYS:
            lines += [f"  {what} ({count:,} seen): not to {', '.join(names)}" for (what, count), names in stays.items()]
        if lines:
            yield from ("", title, *lines)


def unseen_lines(found):
    if found["not_seen"]:
        yield from ("", "Not seen:")
        for one in found["not_seen"]:
            yield f"  {one['what']} ({one['why']})"

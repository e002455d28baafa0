"""What a server holds, as far as this user may see it."""

import re
from dataclasses import dataclass, field

from migration import values
from migration.connection import Refused, ServerError, TimeIsUp, name_of

BATCH = 500
MEASURED = 20
DUMPED_BYTES_MAX = 1 << 20
INDEXES_MAX = 500

MODULE_COMMAND = re.compile(r"\b(?:JSON|BF|CF|CMS|TOPK|TDIGEST|TS|FT)\.[A-Z_]+", re.IGNORECASE)

# What is not known where a command is refused.
MEANS = {
    "CLIENT NO-TOUCH": None,
    "DUMP": "encodings and the RDB version",
    "FT.INFO": "what the indexes have that is left out",
    "FT._LIST": "which indexes there are",
    "FUNCTION LIST": "which functions there are, and whether they use the modules",
    "INFO": "the server's version, role, databases, and which commands clients use",
    "MEMORY USAGE": "sizes",
    "MODULE LIST": "which modules are loaded",
    "SCAN": "which keys there are",
    "SELECT": "other databases",
    "TYPE": "the types of the keys",
}


@dataclass
class Kind:
    """The keys of one type."""

    count: int = 0
    measured: int = 0
    bytes: int = 0
    encodings: dict = field(default_factory=dict)  # of DUMP: (type name or None, number): how many
    example: str = ""


@dataclass
class Survey:
    """Everything that was seen; `run` looks."""

    connection: object
    sample: int

    def __post_init__(self):
        self.info, self.unseen = {}, {}
        self.databases, self.looked, self.types = {}, {}, {}
        self.modules, self.indexes, self.functions = None, [], []
        self.rdb_version, self.hidden_keys, self.time_is_up = None, 0, False
        self.field_expiry = 0

    def run(self):
        try:
            self.look()
        except TimeIsUp:
            self.time_is_up = True

    def look(self):
        self.ask("CLIENT", "NO-TOUCH", "ON")
        self.look_at_server()
        listed = self.ask("MODULE", "LIST")
        self.modules = None if listed is None else [module(entry) for entry in listed]
        self.look_at_functions()
        named = self.connection.database()
        for number in [named] if named is not None else sorted(self.databases) or [0]:
            # Nothing but database 0 is there before SELECT, and a user may do without it.
            if (number == 0 and named is None) or self.ask("SELECT", number) is not None:
                self.look_at_database(number)
        self.look_at_indexes()

    def ask(self, *words):
        """The reply, or None where the server refuses."""
        try:
            return self.connection.call(*words)
        except ServerError as problem:
            if str(problem).startswith(("NOAUTH", "LOADING")):
                raise Refused(f"{self.connection.shown()}: {problem}") from problem
            self.refused(words, problem)
            return None

    def refused(self, words, problem):
        name = name_of(words)
        is_lacking = "unknown command" in str(problem).lower() or "unknown subcommand" in str(problem).lower()
        # Older servers and servers without the module lack some, and have nothing to tell then.
        if not (is_lacking and name in ("CLIENT NO-TOUCH", "FT._LIST", "FUNCTION LIST")) and MEANS.get(name, ""):
            self.unseen.setdefault(name, str(problem))

    def look_at_server(self):
        text = self.ask("INFO", "everything")
        for line in (text or b"").decode(errors="replace").splitlines():
            name, found, value = line.partition(":")
            if found:
                self.info[name] = value
        for name, value in self.info.items():
            if re.fullmatch(r"db\d+", name):
                fields = dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)
                self.databases[int(name[2:])] = int(fields.get("keys", 0))
                for expiring in ("subexpiry", "keys_with_volatile_items"):
                    self.field_expiry += int(fields.get(expiring, 0))

    def look_at_functions(self):
        for library in self.ask("FUNCTION", "LIST", "WITHCODE") or []:
            fields = pairs(library)
            code = fields.get("library_code", "")
            used = sorted({name.upper() for name in MODULE_COMMAND.findall(code)})
            self.functions.append({"name": fields.get("library_name", ""), "commands": used})

    def look_at_database(self, number):
        cursor, looked = b"0", 0
        while True:
            reply = self.ask("SCAN", cursor, "COUNT", BATCH)
            if reply is None:
                break
            cursor, keys = reply
            keys = keys[:self.sample - looked] if self.sample else keys
            self.look_at_keys(keys)
            looked += len(keys)
            self.looked[number] = looked
            if cursor == b"0" or (self.sample and looked >= self.sample):
                break
        self.looked[number] = looked

    def look_at_keys(self, keys):
        if not keys:
            return
        measured = []
        for key, name in zip(keys, self.connection.pipeline([("TYPE", key) for key in keys])):
            if isinstance(name, ServerError):
                # NOPERM of a key, not of the command.
                if " key" in str(name):
                    self.hidden_keys += 1
                else:
                    self.refused(("TYPE",), name)
            elif name != "none":
                kind = self.types.setdefault(name, Kind(example=key.decode(errors="backslashreplace")))
                kind.count += 1
                if kind.measured + sum(1 for _, other in measured if other is kind) < MEASURED:
                    measured.append((key, kind))
        self.measure(measured)

    def measure(self, measured):
        if not measured:
            return
        sizes = self.connection.pipeline([("MEMORY", "USAGE", key) for key, _ in measured])
        small = []
        for (key, kind), size in zip(measured, sizes):
            if isinstance(size, ServerError):
                self.refused(("MEMORY", "USAGE"), size)
            elif size is not None:
                kind.measured += 1
                kind.bytes += size
                if size <= DUMPED_BYTES_MAX:
                    small.append((key, kind))
        if "MEMORY USAGE" in self.unseen:
            # Sizes are not known: one of each type, whatever it takes.
            small = [(key, kind) for key, kind in measured if kind.count == 1]
        for key, kind in small:
            payload = self.ask("DUMP", key)
            if payload and len(payload) > 10:
                encoding = values.module_type(payload) or (None, payload[0])
                kind.encodings[encoding] = kind.encodings.get(encoding, 0) + 1
                self.rdb_version = values.version(payload)

    def look_at_indexes(self):
        names = self.ask("FT._LIST") or []
        for name in names[:INDEXES_MAX]:
            told = self.ask("FT.INFO", name)
            self.indexes.append(index(name, told))


def text(value):
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else value


def pairs(flat):
    """Names and values of a flat list."""
    return {text(name): text(value) for name, value in zip(flat[::2], flat[1::2])}


def module(entry):
    fields = pairs(entry)
    return {"name": fields.get("name", ""), "version": fields.get("ver", 0)}


def index(name, told):
    """An index: on what, over which prefixes, and its fields by type; fields is None where it is not told."""
    found = {"name": text(name), "on": None, "fields": None}
    if not told:
        return found
    fields = pairs(told)
    definition = fields.get("index_definition")
    if isinstance(definition, list):
        found["on"] = pairs(definition).get("key_type")
    found["fields"] = [attribute(entry) for entry in fields.get("attributes") or fields.get("fields") or []]
    return found


def attribute(entry):
    """A field's name, its type, and the words that say more."""
    words = [text(word) for word in entry]
    after = {str(word).lower(): words[place + 1] for place, word in enumerate(words[:-1]) if isinstance(word, str)}
    flags = [word for word in words if isinstance(word, str) and word.isupper()]
    return {"name": after.get("attribute") or after.get("identifier") or "", "type": str(after.get("type", "")).upper(),
            "algorithm": str(after.get("algorithm", "")).upper() if isinstance(after.get("algorithm"), str) else "",
            "skipped": "SKIPPED" in flags}

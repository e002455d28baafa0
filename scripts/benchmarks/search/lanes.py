"""The engines over the wire, each on a server of its own: how they are filled, asked and counted."""

import time
from pathlib import Path

from ..resp import encode
from ..server import Server, Subject, program
from .vectors import K

PEER = "redis-8.6"
BUILD = ("M", 16, "EF_CONSTRUCTION", 200)
QUIET_SECONDS, QUIET_SHARE = 0.5, 0.03
SETTLE_SECONDS_MAX = 900
# Linux's number of the CPU-time clock of a whole process.
PROCESS_CLOCK = 2


class Clock:
    """CPU time of a server in microseconds: of all its threads, those that ended too, and of the main thread."""

    def __init__(self, server):
        self.clock = ~server.process.pid << 3 | PROCESS_CLOCK
        self.main = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/schedstat")

    def now(self):
        """Both readings."""
        return time.clock_gettime(self.clock) * 1e6, int(self.main.read_text().split()[0]) / 1e3

    def spent(self, work):
        """Both differences that `work()` makes."""
        before = self.now()
        work()
        return tuple(after - start for after, start in zip(self.now(), before))


class Lane:
    """An engine on a running server."""

    def __init__(self, label, subject, folder=None):
        self.label = label
        self.subject = subject
        self.server = Server(subject, folder=folder)
        self.clock = Clock(self.server)
        self.connection = self.server.connect()

    def settle(self):
        """Returns once no work is left in the background."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < deadline:
            before = self.clock.now()[0]
            time.sleep(QUIET_SECONDS)
            is_quiet = self.clock.now()[0] - before < QUIET_SECONDS * QUIET_SHARE * 1e6
            if is_quiet and self.backlog() == 0:
                return
        raise RuntimeError(f"{self.label}: still busy after {SETTLE_SECONDS_MAX} s")

    def backlog(self):
        """Work that the engine says it has left."""
        return 0

    def raw(self, dimension):
        """Bytes of a vector as the engine keeps it."""
        return dimension * self.widths[self.quantization]

    def stop(self):
        """Ends the server."""
        self.connection.close()
        self.server.stop()

    def run(self, commands):
        """Sends one command after the other, each when the last was answered."""
        return [self.names(self.connection.call(*words)) for words in commands]


class Index(Lane):
    """FT.* over hashes."""

    is_ours = True
    # Bytes an element of the vector and its code.
    widths = {"": 4, "SQ8": 5}

    def __init__(self, subject, vectors, quantization=""):
        self.quantization = quantization
        super().__init__(f"{subject.label} {quantization or 'FLOAT32'}", subject)
        options = ("TYPE", "FLOAT32", "DIM", vectors.dimension, "DISTANCE_METRIC", vectors.metric, *BUILD,
                   *(("QUANTIZATION", quantization) if quantization else ()))
        self.connection.call("FT.CREATE", "idx", "ON", "HASH", "PREFIX", 1, "doc:", "SCHEMA", "v", "VECTOR", "HNSW",
                             len(options), *options, "r", "NUMERIC", "p", "NUMERIC")

    def backlog(self):
        fields = self.server.info("everything")
        return sum(int(value) for name, value in fields.items() if name.endswith("backlog") and "repl" not in name)

    def add(self, number, row):
        """The encoded command that adds a row."""
        return encode("HSET", f"doc:{number}", "v", row.tobytes())

    def describe(self, number, fields):
        """The encoded command that gives a row the fields of filters."""
        return encode("HSET", f"doc:{number}", *(word for pair in fields.items() for word in pair))

    def query(self, row, ef, below=None):
        """The words of a query; `below` is a field and its limit."""
        chosen = f"@{below[0]}:[0 ({below[1]}]" if below else "*"
        text = f"({chosen})=>[KNN {K} @v $b EF_RUNTIME {ef}]" if below else f"*=>[KNN {K} @v $b EF_RUNTIME {ef}]"
        return "FT.SEARCH", "idx", text, "PARAMS", 2, "b", row.tobytes(), "NOCONTENT", "DIALECT", 2

    def names(self, reply):
        """Numbers of the rows in a reply."""
        return {int(key[4:]) for key in reply[1:]}

    def drop(self):
        """Leaves the keys alone."""
        self.connection.call("FT.DROPINDEX", "idx")


class VectorSet(Lane):
    """The vector sets of Redis."""

    is_ours = False
    widths = {"NOQUANT": 4, "Q8": 1}

    def __init__(self, quantization):
        self.quantization = quantization
        super().__init__(f"VSIM {quantization}", Subject("vector sets", program(PEER), None))

    def add(self, number, row):
        """The encoded command that adds a row."""
        return encode("VADD", "set", "FP32", row.tobytes(), f"doc:{number}", self.quantization, "EF", 200, "M", 16)

    def describe(self, number, fields):
        """The encoded command that gives a row the fields of filters."""
        members = ",".join(f'"{name}":{value}' for name, value in fields.items())
        return encode("VSETATTR", "set", f"doc:{number}", "{" + members + "}")

    def query(self, row, ef, below=None):
        """The words of a query; `below` is a field and its limit."""
        chosen = ("FILTER", f".{below[0]} < {below[1]}") if below else ()
        return "VSIM", "set", "FP32", row.tobytes(), "COUNT", K, "EF", ef, *chosen

    def names(self, reply):
        """Numbers of the rows in a reply."""
        return {int(key[4:]) for key in reply}

    def drop(self):
        """Leaves nothing."""
        self.connection.call("DEL", "set")

"""What is done to the servers while they are written to, and in what order."""

import time

from benchmarks.resp import ReplyError

# What a save says that has to wait for another child of the process.
BUSY = ("already in progress", "background", "child process", "can't")

INDEXES = (
    "FT.CREATE docs ON JSON PREFIX 1 doc: SCHEMA $.w AS w TAG $.t AS t TAG $.n AS n NUMERIC SORTABLE",
    "FT.CREATE items PREFIX 1 item: SCHEMA w TAG t TAG n NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM 8"
    " DISTANCE_METRIC L2 v AS h VECTOR HNSW 8 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2 M 12",
)


class Operator:
    """Does things to a primary and its replica; remembers when."""

    def __init__(self, primary, replica):
        self.primary, self.replica = primary, replica
        self.done = []

    def note(self, what):
        """Remembers that something happened now."""
        self.done.append((time.monotonic(), what))
        print(f"soak: {what}", flush=True)

    def create_indexes(self):
        """Makes those indexes that are not there."""
        there = {name.decode() for name in self.primary.call("FT._LIST")}
        for line in INDEXES:
            if line.split()[1] not in there:
                self.primary.call(*line.split())

    def attach(self):
        """Makes the replica follow."""
        self.replica.call("REPLICAOF", "127.0.0.1", self.primary.port)
        self.replica.wait("the first copy", self.is_linked)

    def is_linked(self):
        """Whether the replica has its copy and follows."""
        return self.replica.field("master_link_status") == "up"

    def sync(self):
        """Returns once the replica has what the primary has; nobody writes."""
        target = int(self.primary.field("master_repl_offset"))
        self.replica.wait("to follow", lambda: self.is_linked() and
                          int(self.replica.field("slave_repl_offset")) >= target)

    def in_background(self, command, busy_field, status_field):
        """Has a child process write a file, and fails unless it succeeds."""
        self.primary.wait("other children", lambda: self.begins(command))
        self.primary.wait(command, lambda: self.primary.field(busy_field) == "0")
        if (status := self.primary.field(status_field)) != "ok":
            raise RuntimeError(f"{command}: {status}")

    def begins(self, command):
        """Starts the child process, unless there is another one."""
        try:
            self.primary.call(command)
            return True
        except ReplyError as error:
            if any(word in str(error).lower() for word in BUSY):
                return False
            raise

    def save(self):
        """BGSAVE."""
        self.note("BGSAVE")
        self.in_background("BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")

    def rewrite(self, preamble):
        """BGREWRITEAOF, as commands or with a preamble."""
        self.note(f"BGREWRITEAOF, {'with' if preamble else 'without'} preamble")
        self.primary.call("CONFIG", "SET", "aof-use-rdb-preamble", "yes" if preamble else "no")
        self.in_background("BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")

    def cut(self):
        """The link breaks; the replica asks for what it has missed."""
        self.note("replica cut off")
        self.primary.call("CLIENT", "KILL", "TYPE", "replica")

    def copy(self, mode):
        """The replica needs all of it again, and reads it from the socket."""
        self.note(f"full copy, repl-diskless-load {mode}")
        before = self.full_copies()
        self.replica.call("CONFIG", "SET", "repl-diskless-load", mode)
        self.primary.call("DEBUG", "CHANGE-REPL-ID")
        self.primary.call("CLIENT", "KILL", "TYPE", "replica")
        self.replica.wait("a full copy", lambda: self.full_copies() > before and self.is_linked())

    def full_copies(self):
        """How many the primary has sent in this life."""
        return int(self.primary.field("sync_full"))

    def index_again(self, name):
        """Drops an index and makes it again, so that it scans all keys."""
        self.note(f"FT.DROPINDEX and FT.CREATE of {name}")
        self.primary.call("FT.DROPINDEX", name)
        self.create_indexes()

    def restart_from_log(self):
        """An orderly end, and a start from the AOF."""
        self.note("restart from the AOF")
        self.primary.shut_down("NOSAVE")
        self.primary.start_again()

    def restart_from_snapshot(self):
        """An orderly end that saves, and a start from the RDB file."""
        self.note("restart from RDB")
        self.primary.call("CONFIG", "SET", "appendonly", "no")
        self.primary.shut_down("SAVE")
        self.primary.start_again(with_log=False)
        self.primary.call("CONFIG", "SET", "appendonly", "yes")
        self.primary.with_log = True

    def kill(self):
        """SIGKILL; what was acknowledged is in the AOF, as every write waits for it."""
        self.note("kill -9")
        self.primary.call("CONFIG", "SET", "appendfsync", "always")
        time.sleep(1)
        self.primary.kill()
        self.primary.start_again()

    def empty(self):
        """FLUSHALL ASYNC; the memory that is left on either server once all is freed."""
        self.note("FLUSHALL ASYNC")
        self.primary.call("FLUSHALL", "ASYNC")
        self.sync()
        left = []
        for node in (self.primary, self.replica):
            node.settle()
            left.append((node.role, node.lives, *node.memory()))
        self.create_indexes()
        return left

    def rounds(self):
        """What to do in each round, again and again; restarts become rare, so that a life is long."""
        number = 0
        while True:
            yield [lambda: self.rewrite(True), self.save, lambda: self.index_again("items"), self.cut]
            ends = number % 4 == 0
            yield [lambda: self.copy("on-empty-db"), *([self.restart_from_log] if ends else [self.save]),
                   lambda: self.rewrite(False)]
            yield [lambda: self.index_again("docs"), self.cut, *([self.kill] if ends else []), self.save]
            yield [lambda: self.copy("swapdb"), lambda: self.rewrite(True),
                   *([self.restart_from_snapshot] if ends else [self.cut])]
            number += 1

"""A server of the run: one folder, one port, all modules, and as many lives as it takes."""

import os
import re
import subprocess
import time
from pathlib import Path

from benchmarks.resp import ReplyError
from benchmarks.server import ROOT, Server, Subject, program

MODULES = Path(os.environ.get("KEYSPAN_MODULES_DIR") or ROOT / "target" / "modules")
WAIT_SECONDS_MAX = 120
# What no log of a server may have.
CRASH = re.compile(r"panick|BUG REPORT|crashed by signal|ASSERTION FAILED|Guru Meditation|internal error|Out Of Memory", re.I)
OPTIONS = [
    "--enable-debug-command", "yes", "--appendfsync", "everysec", "--repl-diskless-sync-delay", "0",
    "--latency-monitor-threshold", "100", "--auto-aof-rewrite-percentage", "0", "--repl-backlog-size", "16mb",
]


class Node(Server):
    """A server that can be ended in any way and started again with what it kept."""

    def __init__(self, name, role):
        self.role, self.lives, self.with_log = role, 0, role == "primary"
        super().__init__(Subject(name, program(name), None))

    def launch(self, options):
        """Starts the process in the folder that is there; logs follow each other in one file."""
        self.lives += 1
        line = [self.subject.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        line += ["--save", "", "--appendonly", "yes" if self.with_log else "no", *OPTIONS, *options]
        for module in sorted(MODULES.glob("libkeyspan_*.so")):
            line += ["--loadmodule", str(module)]
        with self.log.open("ab") as log:
            return subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def call(self, *words):
        """One command over a connection of its own; errors are raised."""
        connection = self.connect()
        try:
            return connection.call(*words)
        finally:
            connection.close()

    def field(self, name):
        """A field of INFO."""
        return self.info("everything").get(name, "")

    def wait(self, what, done):
        """Returns once `done()`; raises if it never is."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.role}: {what}: not within {WAIT_SECONDS_MAX} s")
            time.sleep(0.05)

    def start_again(self, with_log=True):
        """Starts the process that has ended; `with_log`: from its AOF."""
        self.with_log = with_log
        self.process = self.launch([])
        self.await_ready()

    def shut_down(self, how):
        """Ends it in order."""
        try:
            self.call("SHUTDOWN", how)
        except ReplyError:
            raise
        except OSError:
            pass
        self.process.wait(timeout=60)

    def kill(self):
        """Ends it as a power cut would, but for what the kernel has."""
        self.process.kill()
        self.process.wait()

    def settle(self):
        """Returns once no index has anything to do and nothing waits to be freed."""
        self.wait("lazy frees", lambda: self.field("lazyfree_pending_objects") == "0")
        self.wait("the backlog of indexes", lambda: self.field("search_backlog") == "0")
        for index in self.call("FT._LIST"):
            self.wait(f"the scan of {index}", lambda: self.is_scanned(index))

    def is_scanned(self, index):
        """Whether an index has seen all keys."""
        told = self.call("FT.INFO", index)
        return float(dict(zip(told[::2], told[1::2]))[b"percent_indexed"]) >= 1

    def memory(self):
        """Bytes in use, bytes resident, and those in use for data: without buffers of clients and replication.

        The allocator is told before to give back what it can.
        """
        self.call("MEMORY", "PURGE")
        fields = self.info("memory")
        return tuple(int(fields[name]) for name in ("used_memory", "used_memory_rss", "used_memory_dataset"))

    def crash_lines(self):
        """Lines of the log that no log may have."""
        text = self.log.read_text(errors="replace")
        return [line[:200] for line in text.splitlines() if CRASH.search(line)]

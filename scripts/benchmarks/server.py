"""A server under measurement: started on a free port with one module, by itself or under callgrind."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .resp import Connection, ReplyError

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS_MAX = 120
SETTLE_SECONDS_MAX = 20
DUMP_SECONDS_MAX = 5
DUMP_TRIES = 3


@dataclass(frozen=True)
class Subject:
    """A module .so on a server (or none), under the name its column has."""

    label: str
    program: str
    module: str


def program(name):
    """The executable of the server `name`, from scripts/servers."""
    tool = ROOT / "scripts" / "servers"
    found = subprocess.run([tool, "path", name], stdout=subprocess.PIPE, text=True, check=True)
    return found.stdout.strip().splitlines()[-1]


def free_port():
    """A port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server in a folder of its own; a context manager that ends it."""

    prefix = ()

    def __init__(self, subject, options=(), folder=None):
        self.subject = subject
        self.own = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="keyspan-bench-"))
        self.port = free_port()
        self.log = self.folder / f"log-{self.port}"
        self.process = self.launch(options)
        self.await_ready()

    def launch(self, options):
        """Starts the process; its log goes to the folder."""
        line = [*self.wrapped(), self.subject.program, "--port", str(self.port), "--bind", "127.0.0.1"]
        line += ["--save", "", "--appendonly", "no", "--dir", str(self.folder), "--maxmemory", "0"]
        line += ["--loadmodule", self.subject.module] if self.subject.module else []
        line += options
        with self.log.open("wb") as log:
            return subprocess.Popen(line, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def wrapped(self):
        """Words to put before the server's own command line."""
        return []

    def await_ready(self):
        """Returns once PING is answered."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.answers():
                return
            time.sleep(0.05)
        log = self.log.read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"{self.subject.program} did not start with {self.subject.module}:\n{log}")

    def answers(self):
        """Whether the server is up and has loaded its data."""
        try:
            connection = Connection(self.port)
        except OSError:
            return False
        try:
            return connection.call("PING") == b"PONG"
        except (OSError, ReplyError):
            return False
        finally:
            connection.close()

    def stop(self):
        """Ends the process and removes its folder."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self):
        """A new connection."""
        return Connection(self.port)

    def info(self, section):
        """Fields of one INFO section."""
        connection = self.connect()
        try:
            lines = connection.call("INFO", section).decode().splitlines()
        finally:
            connection.close()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def used_memory(self):
        """`used_memory` in bytes, once two readings half a second apart agree."""
        last = -1
        for _ in range(SETTLE_SECONDS_MAX * 2):
            now = int(self.info("memory")["used_memory"])
            if now == last:
                return now
            last = now
            time.sleep(0.5)
        return last

    def grown(self, commands):
        """By how many bytes `used_memory` grows when the encoded `commands` run."""
        before = self.used_memory()
        connection = self.connect()
        connection.load(commands, 256)
        connection.close()
        return self.used_memory() - before

    def cpu_seconds(self):
        """User and system CPU seconds of the whole process so far."""
        fields = self.info("cpu")
        return float(fields["used_cpu_user"]), float(fields["used_cpu_sys"])


class CountingServer(Server):
    """A server under callgrind. Counts nothing until `start_counting`."""

    def wrapped(self):
        self.dumps = self.folder / "callgrind"
        return [
            "valgrind", "--quiet", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no",
            f"--callgrind-out-file={self.dumps}",
        ]

    def control(self, *words):
        """One monitor command to callgrind, answered before this returns."""
        line = ["vgdb", f"--pid={self.process.pid}", *words]
        subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=60)

    def start_counting(self):
        """Switches instrumentation on."""
        self.control("instrumentation", "on")

    def count(self, work):
        """Instructions that the whole server executes during `work()`."""
        self.control("zero")
        work()
        for _ in range(DUMP_TRIES):
            self.control("dump")
            if (total := self.dumped()) is not None:
                return total
        raise RuntimeError(f"callgrind wrote no dump:\n{self.log.read_text(errors='replace')[-2000:]}")

    def dumped(self):
        """Instructions in the dump just asked for; None if none comes, which happens on a busy machine."""
        deadline = time.monotonic() + DUMP_SECONDS_MAX
        while time.monotonic() < deadline:
            for dump in self.folder.glob("callgrind.*"):
                total = re.search(r"^totals: (\d+)", dump.read_text(errors="replace"), re.MULTILINE)
                if total:
                    dump.unlink()
                    return int(total.group(1))
            time.sleep(0.05)
        return None

"""An RDB file of some keys: its size, SAVE and load at start-up."""

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .server import Server

ROUNDS = 3
LOADED = re.compile(r"DB loaded from disk: ([0-9.]+) seconds")


@dataclass(frozen=True)
class Snapshot:
    """Size in bytes; wall seconds of SAVE and of loading, best of ROUNDS."""

    size: int
    save: float
    load: float


def measure(subject, commands, count):
    """Saves and loads the `count` keys that the encoded `commands` make."""
    folder = Path(tempfile.mkdtemp(prefix="keyspan-bench-"))
    try:
        save = min(saved(subject, folder, commands))
        load = min(loaded(subject, folder, count) for _ in range(ROUNDS))
        return Snapshot((folder / "dump.rdb").stat().st_size, save, load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def saved(subject, folder, commands):
    """Seconds of each SAVE."""
    with Server(subject, folder=folder) as server:
        connection = server.connect()
        connection.load(commands, 256)
        return [seconds(lambda: connection.call("SAVE")) for _ in range(ROUNDS)]


def seconds(work):
    """Wall seconds of `work()`."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def loaded(subject, folder, count):
    """Seconds that a starting server says it spent loading the file."""
    with Server(subject, folder=folder) as server:
        found = LOADED.search(server.log.read_text(errors="replace"))
        keys = server.connect().call("DBSIZE")
    if found is None or keys != count:
        raise RuntimeError(f"{keys} of {count} keys loaded")
    return float(found.group(1))

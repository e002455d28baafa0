"""An RDB file of 100k small documents: its size, SAVE and load at start-up."""

import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import documents
from .resp import encode
from .server import Server

ROUNDS = 3
LOADED = re.compile(r"DB loaded from disk: ([0-9.]+) seconds")


@dataclass(frozen=True)
class Snapshot:
    """Size in bytes; wall seconds of SAVE and of loading, best of ROUNDS."""

    size: int
    save: float
    load: float


def measure(subject):
    """Saves and loads the small documents."""
    folder = Path(tempfile.mkdtemp(prefix="keyspan-bench-"))
    try:
        save = min(saved(subject, folder))
        load = min(loaded(subject, folder) for _ in range(ROUNDS))
        return Snapshot((folder / "dump.rdb").stat().st_size, save, load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def saved(subject, folder):
    """Seconds of each SAVE."""
    with Server(subject, folder=folder) as server:
        connection = server.connect()
        texts = documents.smalls()
        connection.load([encode("JSON.SET", f"doc:{n}", "$", t) for n, t in enumerate(texts)], 256)
        return [seconds(lambda: connection.call("SAVE")) for _ in range(ROUNDS)]


def seconds(work):
    """Wall seconds of `work()`."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def loaded(subject, folder):
    """Seconds that a starting server says it spent loading the file."""
    with Server(subject, folder=folder) as server:
        found = LOADED.search(server.log.read_text(errors="replace"))
        count = server.connect().call("DBSIZE")
    if found is None or count != documents.SMALL_COUNT:
        raise RuntimeError(f"{count} of {documents.SMALL_COUNT} documents loaded")
    return float(found.group(1))

"""What every demo stands on: a server with the module, and a line of progress."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.server import ROOT, Server, Subject, program

MODULES = Path(os.environ.get("KEYSPAN_MODULES_DIR") or ROOT / "target" / "modules")
BAR = 40


def serving(name, server):
    """A server with the module `name`, not yet in use; a context manager that ends it."""
    return Server(Subject("demo", located(server), module(name)))


def located(name):
    """The server program: the one named, else the valkey-server on PATH, else the valkey-8.1 of scripts/servers."""
    found = shutil.which(name or "valkey-server")
    return found or program(name or "valkey-8.1")


def module(name):
    """The module, built if need be."""
    path = MODULES / f"libkeyspan_{name}.so"
    if not path.exists() and "KEYSPAN_MODULES_DIR" not in os.environ:
        subprocess.run([ROOT / "scripts" / "install", "build"], check=True, stdout=sys.stderr)
        subprocess.run([ROOT / "scripts" / "build"], check=True, stdout=sys.stderr)
    if not path.exists():
        sys.exit(f"demo: there is no {path}")
    return str(path)


def bar(what, done, total, began):
    """Draws how many are `what`, over the line before; the last line only where nobody sees it grow."""
    taken = time.monotonic() - began
    filled = BAR * done // total
    text = f"[{'#' * filled}{'.' * (BAR - filled)}] {done:,} of {total:,} {what}, {taken:.1f} s"
    if sys.stderr.isatty():
        print(f"\r{text}", end="\n" if done == total else "", file=sys.stderr, flush=True)
    elif done == total:
        print(text, file=sys.stderr, flush=True)

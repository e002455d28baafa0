"""docs/benchmarks.md: what all sections share, and a section in its place."""

import os
import platform
import re
import subprocess

from .server import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "plots"

HEAD = """# Benchmarks

Written by `scripts/bench SECTION`, a section each; do not edit by hand. Each run measures everything anew and
writes its section.
"""

TAIL = """## How it is measured

* One connection, pipelines of 32, replies checked for their size; rows take turns in rounds, and the best
  round counts.
* Ir: callgrind instructions of the whole server process, all threads, divided by the commands sent; native
  GET and SET run in the same process. It takes in what the server does by itself meanwhile; the least of three
  rounds counts.
* CPU: `used_cpu_user` and `used_cpu_sys` of INFO over up to 0.4 s a round; the least total, split into user and
  system by the share of all rounds. Commands per second are those of one Python client that waits for each
  pipeline: its own work is in them and brings the ratios nearer to 1.
* RDB: wall seconds of SAVE, and what the starting server's log says of loading; best of three.

## Run it again

    scripts/bench json                          # everything; writes its section of this page, and its plots
    scripts/bench bloom                         # likewise
    scripts/bench search                        # likewise; KEYSPAN_DEBIAN384 names a folder of embeddings
    scripts/bench timeseries                    # likewise
    scripts/bench l1                            # likewise; needs cargo and no module
    scripts/bench json --only get-small         # one row (or several), printed only; --list names them
    scripts/bench json --server valkey-9.1      # another server of scripts/servers
    scripts/bench json --reference-module PATH  # another module's .so beside it, same protocol

It needs `target/modules` (`scripts/build`), `python3` and `valgrind` (installed with apt where missing);
matplotlib goes into `.cache/`.
"""


def machine(servers):
    """What the figures were taken on."""
    valgrind = subprocess.run(["valgrind", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return (
        f"Machine: {processor()}, {os.cpu_count()} cores, {valgrind}; "
        f"{'; '.join(servers)}. Bytes repeat from run to run and instruction counts within 3 % (hash seeds "
        "differ); times are noisy: compare ratios within one run, not times between runs."
    )


def processor():
    """The processor's model name."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def written(title):
    """The text of a section as it stands on the page; nothing if it is not there."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = re.search(rf"^## {re.escape(title)}\n\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def write(titles, title, text):
    """Writes the page with `text` as the section `title`; the others of `titles` stay as they are."""
    sections = {name: text if name == title else written(name) for name in titles}
    parts = [HEAD, *(f"## {name}\n\n{body.strip()}\n" for name, body in sections.items() if body), TAIL]
    lines = re.sub(r"\n{3,}", "\n\n", "\n".join(parts))
    PAGE.write_text(lines, encoding="utf-8")

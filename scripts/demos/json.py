"""Keeps Debian packages as JSON documents, one for each section, and asks and edits them by path."""

import gzip
import json
import time
from pathlib import Path

from benchmarks.resp import encode

from .search import DATA
from .stage import bar

LARGEST = 5
LIMIT_KIB = 50_000


def add_arguments(parser):
    """What the demo can be told."""
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER")


def complaint(chosen):
    """What is wrong with what it was told, if something is."""
    return None if (Path(chosen.data) / "packages.jsonl.gz").is_file() else f"no packages in {chosen.data}"


def show(running, chosen):
    """Writes the documents, asks them and edits one; returns the exit code."""
    connection, sections = running.connect(), read(Path(chosen.data))
    write(connection, sections)
    weigh(connection, sections)
    ask(connection, sections)
    edit(connection)
    return 0


def read(folder):
    """The packages of a data folder, by section."""
    sections = {}
    with gzip.open(folder / "packages.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            package = json.loads(line)
            sections.setdefault(package.pop("section"), []).append(package)
    return sections


def write(connection, sections):
    """One document a section, of all its packages."""
    began = time.monotonic()
    for done, (name, packages) in enumerate(sections.items(), 1):
        text = json.dumps({"section": name, "packages": packages})
        connection.load([encode("JSON.SET", f"section:{name}", "$", text)], 1)
        bar("documents written", done, len(sections), began)


def weigh(connection, sections):
    """What the documents take, beside their texts."""
    texts = sum(len(connection.call("JSON.GET", f"section:{name}")) for name in sections)
    taken = sum(connection.call("MEMORY", "USAGE", f"section:{name}", "SAMPLES", 0) for name in sections)
    count = sum(map(len, sections.values()))
    print(f"{count:,} packages in {len(sections)} documents: {texts / 1000:,.0f} kB of text, "
          f"{taken / 1000:,.0f} kB in memory")


def call(connection, *words):
    """Sends a command, shows it as it would be typed, and returns its reply."""
    shown = (f"'{word}'" if set(str(word)) & set(" $[]?*\"") else str(word) for word in words)
    print(f"> {' '.join(shown)}")
    return connection.call(*words)


def ask(connection, sections):
    """A path, a filter, and one path of all documents."""
    largest = sorted(sections, key=lambda name: -len(sections[name]))[:LARGEST]
    print(json.loads(call(connection, "JSON.GET", f"section:{largest[0]}", "$.packages[0].description")))
    path = f"$.packages[?(@.installed_kib>{LIMIT_KIB})].package"
    found = call(connection, "JSON.MGET", *(f"section:{name}" for name in largest), path)
    for name, names in zip(largest, found):
        print(f"{name}: {', '.join(json.loads(names)) or '-'}")


def edit(connection):
    """Changes in place, none of which sends a document."""
    first = "$.packages[0]"
    print(call(connection, "JSON.SET", "section:editors", f"{first}.tags", '["free"]').decode())
    print(call(connection, "JSON.ARRAPPEND", "section:editors", f"{first}.tags", '"small"', '"old"')[0])
    print(call(connection, "JSON.NUMINCRBY", "section:editors", f"{first}.installed_kib", 24).decode())
    print(call(connection, "JSON.GET", "section:editors", f"{first}.tags", f"{first}.installed_kib").decode())

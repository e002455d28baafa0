"""`scripts/bench json`: measures, prints the table, writes docs/benchmarks.md."""

import argparse
import sys
import time
from pathlib import Path

from . import cpu, instructions, memory, rdb, report
from .commands import ROWS, make_data
from .server import ROOT, Server, Subject, program
from .table import Results

MODULE = ROOT / "target" / "modules" / "libkeyspan_json.so"
NAMES = [row.name for row in ROWS] + [collection.name for collection in memory.COLLECTIONS] + ["rdb"]


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("what", choices=["json"])
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="measure this row; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--server", default="valkey-8.1", help="a server of scripts/servers, or a path")
    parser.add_argument("--module", default=str(MODULE), help="the module's .so")
    parser.add_argument("--reference-module", help="another module's .so, measured with the same protocol")
    parser.add_argument("--reference-server", help="the server for it; the same one if left out")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    unknown = set(options.only) - set(NAMES)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return options


def subjects(options):
    """The modules to measure, Keyspan's first."""
    module = existing(options.module)
    reference = options.reference_module and existing(options.reference_module)
    server = located(options.server)
    found = [Subject("Keyspan", server, module)]
    if reference:
        other = located(options.reference_server) if options.reference_server else server
        found.append(Subject(Path(reference).stem, other, reference))
    return found


def located(server):
    """A server's program, by name or by path."""
    return server if "/" in server else program(server)


def existing(module):
    """The absolute path of a module that is there; ends the run if it is not."""
    path = Path(module).resolve()
    if not path.is_file():
        sys.exit(f"bench: no module at {path}; build the modules first (the first command of README.md)")
    return str(path)


def measure(found, only):
    """Runs the measures that `only` leaves, all if it is empty."""
    results = Results()
    rows = {row.name for row in ROWS} & set(only)

    def wanted(row):
        return not only or row.name in only or (row.native and bool(rows))

    if rows or not only:
        measure_commands(results, found, wanted)
    for collection in memory.COLLECTIONS:
        for subject in found:
            if not only or collection.name in only:
                say(f"{collection.name}: {subject.label}")
                results.footprints[subject.label, collection.name] = memory.measure(subject, collection)
    for subject in found:
        if not only or "rdb" in only:
            say(f"rdb: {subject.label}")
            results.snapshots[subject.label] = rdb.measure(subject)
    return results


def measure_commands(results, found, wanted):
    """Instructions and CPU time of the wanted commands."""
    data = make_data()
    for subject in found:
        say(f"instructions: {subject.label}")
        results.instructions[subject.label] = instructions.measure(subject, data, wanted)
    say("cpu time")
    results.costs = cpu.measure(found, data, wanted)


def say(what):
    """A line of progress."""
    print(f"bench: {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def described(subject):
    """Name, version and allocator of the subject's server."""
    with Server(subject) as server:
        fields = server.info("server")
        allocator = server.info("memory")["mem_allocator"]
    name = fields.get("server_name", "redis")
    version = fields.get("valkey_version", fields["redis_version"])
    return f"{subject.label} on {name} {version} ({allocator})"


def main():
    """Measures and reports."""
    options = arguments()
    if options.list:
        print("\n".join(NAMES))
        return
    found = subjects(options)
    labels = [subject.label for subject in found]
    servers = [described(subject) for subject in found]
    results = measure(found, options.only)
    print(report.targets(results, labels), report.details(results, labels), sep="\n\n")
    if not options.no_write and not options.only:
        report.write(results, labels, servers)
        say(f"wrote {report.PAGE.relative_to(ROOT)} and its plots")


if __name__ == "__main__":
    main()

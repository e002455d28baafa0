"""`scripts/bench SECTION`: measures, prints the tables, writes the section of docs/benchmarks.md."""

import argparse
import sys
from pathlib import Path

from . import bloom, json, l1, page, search, timeseries
from .measure import say
from .server import ROOT, Server, Subject, program

SECTIONS = {"json": json, "bloom": bloom, "search": search, "timeseries": timeseries, "l1": l1}
MODULES = ROOT / "target" / "modules"


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("what", choices=SECTIONS)
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="measure this row; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--server", default="valkey-8.1", help="a server of scripts/servers, or a path")
    parser.add_argument("--module", help="the module's .so (default: the one in target/modules)")
    parser.add_argument("--reference-module", help="another module's .so, measured with the same protocol")
    parser.add_argument("--reference-server", help="the server for it; the same one if left out")
    parser.add_argument("--no-write", action="store_true", help="print only")
    options = parser.parse_args()
    names = SECTIONS[options.what].NAMES
    unknown = set(options.only) - set(names)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return options


def subjects(options):
    """The modules to measure, Keyspan's first."""
    own = SECTIONS[options.what].MODULE
    module = own and existing(options.module or MODULES / own)
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
    section = SECTIONS[options.what]
    if options.list:
        print("\n".join(section.NAMES))
        return
    found = subjects(options)
    labels = [subject.label for subject in found]
    servers = [described(subject) for subject in found]
    results = section.measure(found, options.only)
    print(section.table(results, labels), section.details(results, labels), sep="\n\n")
    if not options.no_write and not options.only:
        titles = [each.TITLE for each in SECTIONS.values()]
        page.write(titles, section.TITLE, section.section(results, labels, servers))
        say(f"wrote the section {section.TITLE} of {page.PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

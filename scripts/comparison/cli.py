"""The command line of scripts/parity."""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from . import page
from .compare import Comparison, Sequence
from .corpus import corpus, lacking, listing, not_drawn
from .differences import Differences
from .families import FAMILIES
from .sides import NAMES, Recorded, record, side
from .wire import Unreachable

COUNT = 2000


def arguments(description):
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", metavar="WHERE")
    parser.add_argument("--ours", metavar="WHERE", action="append", default=[])
    parser.add_argument("--record", metavar="FILE", type=Path)
    parser.add_argument("--replay", metavar="FILE", type=Path, action="append", default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int)
    parser.add_argument("--family", action="append", choices=[*FAMILIES, "transcripts"], default=[])
    parser.add_argument("--flush", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--rules", action="store_true")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--check-page", action="store_true")
    chosen = parser.parse_args()
    if chosen.reference and chosen.replay:
        parser.error("--replay takes the place of --reference")
    return chosen


def run(description):
    """What the words ask for; the exit code."""
    chosen = arguments(description)
    families = [name for name in chosen.family if name != "transcripts"] or ([] if chosen.family else list(FAMILIES))
    if chosen.list:
        print("\n".join(listing(families)))
        return 0
    if chosen.page or chosen.check_page:
        return page.write() if chosen.page else page.check()
    try:
        with ExitStack() as stack:
            return played(chosen, families, stack)
    except Unreachable as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2


def played(chosen, families, stack):
    """Records, replays or compares; the exit code."""
    def opened(place):
        server = side(place, chosen.flush)
        stack.callback(server.close)
        return server

    differences = Differences()
    everything = list(FAMILIES) if chosen.family == ["transcripts"] else families
    if chosen.record:
        sequences = corpus(everything, chosen.seed, count_of(chosen))
        ours = opened((chosen.ours or ["valkey-8.1"])[0])
        return int(not record(chosen.record, ours, sequences))
    if chosen.replay:
        ours = [opened(place) for place in chosen.ours or ["valkey-8.1"]]
        return replayed(chosen, differences, ours)
    return compared(chosen, everything, differences, opened)


def compared(chosen, families, differences, opened):
    """Compares servers; the exit code."""
    between = "peers" if chosen.reference else "servers"
    places = [chosen.reference, *(chosen.ours or ["valkey-8.1"])] if chosen.reference else chosen.ours or selected()
    sides = [opened(place) for place in places]
    if len(sides) < 2:
        raise Unreachable("one server alone cannot be compared: give --reference, --replay, or --ours twice")
    absent = set()
    if chosen.reference:
        families, absent = present(sides[0], families)
    missing = not_drawn(sides[-1].commands(), families)
    comparison = Comparison(sides, between, differences)
    try:
        for sequence in corpus(families, chosen.seed, count_of(chosen), between == "servers", absent):
            comparison.play(sequence)
    finally:
        told(chosen, differences, between, comparison.played)
        code = counted(comparison, missing)
    return code


def present(reference, families):
    """The families that a reference has, and the commands of theirs that it lacks."""
    without, absent = lacking(reference.commands(), families)
    if without or absent:
        names = [*without, *sorted(name.decode() for name in absent)]
        print(f"parity: {reference.label} has no {', '.join(names)}: left out", file=sys.stderr)
    return [name for name in families if name not in without], absent


def selected():
    """The servers of ours that KEYSPAN_SERVERS names, or all; with one of them, another to compare it with."""
    named = os.environ.get("KEYSPAN_SERVERS", "").replace(",", " ").split() or NAMES
    unknown = set(named) - set(NAMES)
    if unknown:
        raise Unreachable(f"no server is named {', '.join(sorted(unknown))}")
    # The last one is compared with all others: it prints doubles as most do.
    return named[::-1] if len(named) > 1 else [next(name for name in reversed(NAMES) if name not in named), *named]


def count_of(chosen):
    """How many commands are drawn of each family."""
    if chosen.family == ["transcripts"]:
        return 0
    return COUNT if chosen.count is None else chosen.count


def replayed(chosen, differences, ours):
    """Compares with recorded replies; the exit code."""
    code, played = 0, set()
    for path in chosen.replay:
        recorded = Recorded(path)
        comparison = Comparison([recorded, *ours], "peers", differences)
        for label, commands in recorded.played():
            comparison.play(Sequence(path.stem, label, commands))
        code |= counted(comparison, [])
        played |= comparison.played
    told(chosen, differences, "peers", played)
    return code


def counted(comparison, missing):
    """Prints the counts; the exit code."""
    for (server, suite), counts in sorted(comparison.suites.items()):
        replies = f"{counts.replies:,} replies, {counts.known:,} differ as is known"
        print(f"parity: {server} {suite}: {counts.passed} passed, {counts.failed} failed ({replies})")
    if missing:
        print(f"parity: grammar commands that nothing draws ({', '.join(missing)}): 0 passed, {len(missing)} failed")
    return int(bool(missing) or any(counts.failed for counts in comparison.suites.values()))


def told(chosen, differences, between, played):
    """Prints how often rules were needed, and which never."""
    if chosen.rules:
        for rule in differences.rules:
            print(f"{rule.used:8} {rule}")
    for rule in differences.unused(between, played):
        print(f"parity: nothing needed the rule {rule}", file=sys.stderr)

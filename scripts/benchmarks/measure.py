"""The measures that every section takes, and words about their progress."""

import sys
import time

from . import cpu, instructions


def say(what):
    """A line of progress."""
    print(f"bench: {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def measure_commands(results, subjects, make_workload, only):
    """Instructions and CPU time of the rows named in `only`, with the native ones beside them; of all
    rows if it is empty, of none if it names other measures."""
    workload = make_workload()
    named = {row.name for row in workload.rows} & set(only)
    if only and not named:
        return

    def wanted(row):
        return not only or row.name in named or row.native

    for subject in subjects:
        say(f"instructions: {subject.label}")
        results.instructions[subject.label] = instructions.measure(subject, workload, wanted)
    say("cpu time")
    results.costs = cpu.measure(subjects, workload, wanted)

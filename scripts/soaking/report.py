"""What is left of a run: a page, and a chart."""

import json
import subprocess
import sys
from collections import Counter

from benchmarks.server import ROOT

from .run import (LEFT_MAX, PING_99_MS_MAX, PING_MEDIAN_MS_MAX, RESIDENT_MORE, RESIDENT_SHARE_MAX,
                  STARVED_SHARE_MAX, growth)
from .watch import percentile

MIB = 1 << 20
# matplotlib of the version that the other charts are drawn with (scripts/bench).
MATPLOTLIB = "matplotlib==3.10.3"


def figures(record):
    """The lines of the table: what, how much, and the bound if there is one."""
    pings = record.load_pings()
    grown = max(growth(record.empty).values(), default=0)
    beyond = max((resident - used for _, used, resident in record.full), default=0)
    yield "time", f"{(record.end - record.begin) / 60:.1f} minutes", ""
    yield "commands acknowledged", f"{sum(record.commands.values()):,}", ""
    yield "checks", f"{record.checks:,} in {record.rounds} rounds", ""
    yield "memory in use, at most", f"{max((used for _, used, _ in record.full), default=0) / MIB:.0f} MiB", ""
    yield "resident beyond that, at most", f"{beyond / MIB:.0f} MiB", f"{RESIDENT_SHARE_MAX - 1:.0%} and {RESIDENT_MORE // MIB} MiB"
    yield "growth of an emptied server", f"{grown / MIB:.2f} MiB", f"{LEFT_MAX // MIB} MiB"
    yield "PING, median", f"{percentile(pings, 0.5):.2f} ms", f"{PING_MEDIAN_MS_MAX} ms"
    yield "PING, 99 %", f"{percentile(pings, 0.99):.2f} ms", f"{PING_99_MS_MAX} ms"
    yield "PING, 99.9 %", f"{percentile(pings, 0.999):.2f} ms", ""
    yield "PING, longest", f"{pings[-1] if pings else 0:.0f} ms", ""
    yield "the primary had no processor", f"{record.starved():.1%} of the time", f"{STARVED_SHARE_MAX:.0%}, or PING is not judged"


def happened(record):
    """How often each thing was done."""
    return Counter(what for _, what in record.done).most_common()


def page(record, with_chart):
    """The report as Markdown."""
    lines = [f"# Soak of {record.server}", "", f"Seed {record.seed}. Violations: {len(record.violations)}.", ""]
    lines += [f"* {violation}" for violation in record.violations[:50]] + [""] * bool(record.violations)
    lines += ["| what | measured | bound |", "|---|---|---|"]
    lines += [f"| {what} | {measured} | {bound} |" for what, measured, bound in figures(record)]
    lines += ["", "| done under load | times |", "|---|---|", *(f"| {what} | {times} |" for what, times in happened(record))]
    lines += ["", "| commands of | acknowledged |", "|---|---|"]
    lines += [f"| {kind} | {count:,} |" for kind, count in sorted(record.commands.items())]
    lines += ["", "![memory, PING and commands](soak.svg)" if with_chart else "There is no matplotlib here, and so no chart.", ""]
    return "\n".join(lines)


def chart_python(cache):
    """A Python that has matplotlib; None where it cannot be had."""
    environment = cache / "bench-venv"
    python = environment / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        if subprocess.run([python, "-c", "import matplotlib"], stderr=subprocess.DEVNULL).returncode:
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", MATPLOTLIB], check=True)
        return python
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"soak: no chart: {error}", flush=True)
        return None


def series(record):
    """What the chart shows, from the beginning on, in seconds."""
    since = lambda when: round(when - record.begin, 2)
    return {
        "title": f"{record.server}, {(record.end - record.begin) / 60:.0f} minutes, violations: {len(record.violations)}",
        "samples": [(since(when), *rest) for when, *rest in record.samples],
        "pings": [(since(when), round(ms, 3)) for when, ms in record.pings],
        "rests": [(since(begin), since(end)) for begin, end in record.rests],
        "done": [(since(when), what) for when, what in record.done],
    }


def write(record, folder, cache):
    """Writes report.md, figures.json and, where it can be drawn, soak.svg."""
    data = folder / "figures.json"
    data.write_text(json.dumps(series(record)))
    python, drawn = chart_python(cache), False
    if python:
        environment = {"PYTHONPATH": str(ROOT / "scripts"), "PYTHONDONTWRITEBYTECODE": "1"}
        words = [python, "-m", "soaking.chart", data, folder / "soak.svg"]
        drawn = subprocess.run(words, env=environment).returncode == 0
    (folder / "report.md").write_text(page(record, drawn))

"""docs/parity.md: every command of the peers, and how ours answers it."""

import sys
from fnmatch import fnmatchcase

from . import transcript
from .differences import Differences
from .families import grammar
from .peers import FAMILIES

DOCS = transcript.FOLDER.parent.parent / "docs"
PAGE = DOCS / "parity.md"
HEAD = """# Parity

Every command of the modules of Redis Stack 7.4, Redis 8 and valkey-bundle, and how ours answers it. Written by
`scripts/parity --page` from the command tables ([docs/commands](commands)), from [differences.md](differences.md) and
from the tests; a test holds it up to date.

* **same**: the bytes of every reply are those of Redis 8's module (search: those of RediSearch 2.10, which is Redis
  Stack's), in RESP2 and RESP3, as far as the tests see. Where Valkey's modules answer in another way (error texts,
  types of RESP3), ours do not follow them.
* **but for**: the same except for what the linked sections say; what is so with a whole family stands above its table.
* **not yet**: there is no such command.

*Transcripts* are replies recorded from the peer's module, played on all six servers; the number says how many
commands of that name they hold. *Drawn* commands come by the thousand from the grammars of `scripts/parity`: our
six servers have to agree on them byte for byte, and `scripts/parity --reference WHERE` asks a peer the same.

Commands that shards of a cluster send each other (`SEARCH.CLUSTERSET`, `TIMESERIES.*` and the like) are left out.
"""
COLUMNS = "| command | Redis Stack 7.4 | Redis 8 | valkey-bundle | here | shown by |\n|---|---|---|---|---|---|"
SAME, NOT_YET = "same", "not yet"


def ours():
    """The names of our commands, from the pages that the command tables write."""
    pages = sorted((DOCS / "commands").glob("*.md"))
    return {line[3:] for page in pages for line in page.read_text().splitlines() if line.startswith("## ")}


def played(folder):
    """{transcript: {command: how many}} of a folder."""
    counts = {}
    for name, steps in transcript.all_of([folder] if folder else []):
        counts[name] = {}
        for step in steps:
            command = step.command[0].upper().decode("latin-1")
            counts[name][command] = counts[name].get(command, 0) + 1
    return counts


def concerning(differences, test):
    """Links to the sections of which a rule about the peers has commands that pass the test."""
    about = [rule for rule in differences.rules if rule.fields.get("between") != "servers"]
    named = {rule.section for rule in about if any(map(test, rule.commands))}
    return ", ".join(f"[{name}](differences.md#{name})" for name in differences.sections if name in named)


def state(command, here, differences):
    """How ours answers it, but for what is so with its whole family."""
    if command not in here:
        return NOT_YET + (" on Valkey; on Redis 8 the server's own" if command.startswith("V") else "")
    links = concerning(differences, lambda pattern: not is_of_all(pattern) and fnmatchcase(command, pattern))
    return f"but for {links}" if links else SAME


def is_of_all(pattern):
    """Whether a rule's pattern stands for a whole family, or for all of them."""
    return pattern == "*" or pattern.endswith(".*")


def of_all(family, differences):
    """What is so with all commands of a family, as a sentence."""
    first = next(iter(family.commands))
    links = concerning(differences, lambda pattern: is_of_all(pattern) and fnmatchcase(first, pattern))
    return f"For all of them: but for {links}.\n\n" if links and family.drawn else ""


def shown_by(command, family, counts, drawn):
    """The tests that hold it."""
    tests = [f"[{name.split('/')[1]}](../tests/transcripts/{name}.txt) ({commands[command]})"
             for name, commands in counts.items() if command in commands]
    if command in drawn:
        tests.append(f"drawn (`{family.drawn}`)")
    return ", ".join(tests)


def table(family, here, differences):
    """The rows of a family, ours alone at the end."""
    counts = played(family.transcripts)
    drawn = grammar(family.drawn).names() if family.drawn else set()
    prefixes = tuple({command.split(".")[0] + "." for command in family.commands if "." in command})
    alone = sorted(name for name in here if prefixes and name.startswith(prefixes) and name not in family.commands)
    rows = []
    for command in [*sorted(family.commands), *alone]:
        peers = " | ".join(family.commands.get(command, ("", "", "")))
        tests = shown_by(command, family, counts, drawn) if command in here else ""
        status = state(command, here, differences) if command in family.commands else "ours alone"
        rows.append(f"| {command} | {peers} | {status} | {tests} |")
    return rows


def text():
    """The page."""
    here, differences = ours(), Differences()
    parts, summary = [], ["| family | commands | same | but for | not yet |", "|---|---|---|---|---|"]
    for family in FAMILIES:
        rows = table(family, here, differences)
        states = [state(command, here, differences) for command in family.commands]
        missing = sum(each.startswith(NOT_YET) for each in states)
        same = states.count(SAME)
        summary.append(f"| {family.title} | {len(states)} | {same} | {len(states) - same - missing} | {missing} |")
        parts.append("\n".join([f"## {family.title}\n", of_all(family, differences) + COLUMNS, *rows]))
    return "\n".join([HEAD, *summary, "", "\n\n".join(parts), ""])


def write():
    """Writes the page; the exit code."""
    PAGE.write_text(text())
    return 0


def check():
    """Whether the page is up to date; the exit code."""
    if PAGE.exists() and PAGE.read_text() == text():
        return 0
    print("docs/parity.md is not what tables and docs/differences.md say: run scripts/parity --page", file=sys.stderr)
    return 1

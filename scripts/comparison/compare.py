"""Plays sequences on several servers and says where their replies differ."""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .differences import Case
from .reply import parsed, shown
from .shrink import shrunk
from .wire import CLOSED
from .words import joined

# How much of a long reply is printed, and how much of it before the first difference.
SHOWN_MAX, AROUND = 2000, 100
# How many commands are printed where they cannot be made fewer.
COMMANDS_MAX = 70
# How often a shrunk sequence is played until it differs once more.
TRIES = 20
# Commands that look at all keys, or at all indexes.
ALL_KEYS = set(b"DBSIZE FT._LIST KEYS TS.MGET TS.MRANGE TS.MREVRANGE TS.QUERYINDEX TS.QUERYLABELS".split())


@dataclass
class Sequence:
    """Commands that begin on an empty server; those of a transcript with what is written there."""

    suite: str
    label: str
    commands: list
    steps: list = field(default_factory=list)

    def items(self):
        """Each command with its step of a transcript, or None."""
        return list(zip(self.commands, self.steps or [None] * len(self.commands)))


@dataclass
class Found:
    """A difference that nothing explains: where, between whom, and the replies."""

    case: Case
    at: int
    protocol: int
    first: object
    second: object
    replies: tuple

    def kind(self):
        """What has to be the same in a shorter sequence: the command, and of which types the replies are."""
        return self.case.command[0].upper(), *(reply[:1] for reply in self.replies)


@dataclass
class Counts:
    """How many sequences were as they have to be, how many replies were compared, and of them differ as is known."""

    passed: int = 0
    failed: int = 0
    replies: int = 0
    known: int = 0

    def add(self, found, compared, known):
        """Another sequence in one protocol."""
        self.passed += not found
        self.failed += bool(found)
        self.replies += compared
        self.known += known


class Comparison:
    """Servers that must agree with the first of them, but for the known differences.

    `between` is "peers" where the first is another's and "servers" where all are ours.
    """

    def __init__(self, sides, between, differences, reports_max=8):
        self.sides, self.between, self.differences = sides, between, differences
        self.reports_max = reports_max
        self.threads = ThreadPoolExecutor(len(sides))
        self.suites = {}
        self.reported, self.played = set(), set()

    def play(self, sequence):
        """Plays one sequence in both protocols, counts, and reports what it finds."""
        for protocol in (2, 3):
            first, *others = self.threads.map(lambda side: side.play(sequence.commands, protocol), self.sides)
            for side, replies in zip(self.sides[1:], others):
                pair = (self.sides[0], side)
                found, compared, known = self.differing(sequence.items(), protocol, pair, (first, replies))
                counts = self.suites.setdefault((side.label, sequence.suite), Counts())
                counts.add(found, compared, known)
                if found:
                    self.report(sequence, found)

    def differing(self, items, protocol, sides, replies):
        """The first difference that nothing explains, or None; how many replies were compared, and how many differ."""
        before, parted, known = set(), set(), 0
        for at, ((words, step), theirs, ours) in enumerate(zip(items, *replies)):
            case = Case(words, set(before), protocol, tuple(side.name for side in sides), self.between)
            before.add(words[0].upper())
            if len(keys(words)) > 1 and not parted.isdisjoint(words[1:]):
                parted.update(keys(words))
            self.played.add(words[0].upper().decode("latin-1"))
            if theirs == ours or theirs is None:
                if theirs == CLOSED:
                    return Found(case, at, protocol, *sides, (theirs, ours)), at, known
                if theirs and self.differences.parts(case, theirs):
                    parted.update(keys(words))
                continue
            explained = self.explained(case, step, sides, (theirs, ours))
            if explained is None:
                touched = parted if words[0].upper() in ALL_KEYS else parted.intersection(words[1:])
                if CLOSED in (theirs, ours) or not touched:
                    return Found(case, at, protocol, *sides, (theirs, ours)), at, known
                explained = True
            known += 1
            if explained:
                parted.update(keys(words))
        return None, len(items), known

    def explained(self, case, step, sides, replies):
        """Whether a known difference lets the key differ from there on; None where there is no known one."""
        peer = self.between == "peers"
        if step and step.is_as_written(replies[0], case.protocol, sides[0].name, peer):
            if step.is_as_written(replies[1], case.protocol, sides[1].name):
                return False
        rules = self.differences.explain(case, *replies)
        return any("then" in rule.fields for rule in rules) if rules else None

    def report(self, sequence, found):
        """Prints the fewest commands that show a difference, unless such a one was printed before."""
        name = sequence.commands[found.at][0].upper()
        texts = [shown(parsed(reply)) for reply in found.replies]
        kind = (name, *(text[:40] for text in texts))
        if kind in self.reported or len(self.reported) >= self.reports_max:
            return
        self.reported.add(kind)
        # Who closes a connection has not sent the replies to what came just before.
        slowly = CLOSED in found.replies
        items = sequence.items() if slowly else sequence.items()[: found.at + 1]
        if hasattr(found.first, "links"):
            items, found = self.fewest(items, found, slowly)
        print(self.told(sequence.label, items, found), file=sys.stderr, flush=True)

    def told(self, label, items, found):
        """A difference, in words."""
        left_out = max(len(items) - COMMANDS_MAX, 0)
        texts = near_difference(self.differences.uncovered(found.case, *found.replies))
        first, second = found.first.label, found.second.label
        width = max(len(first), len(second))
        return "\n".join([
            f"\n{first} and {second} differ in RESP{found.protocol} ({label}). On an empty server:\n",
            *[f"    ({left_out} commands)"] * bool(left_out),
            *[f"    {joined(words)}" for words, _ in items[left_out:]],
            f"\n  {first:{width}}  {texts[0]}\n  {second:{width}}  {texts[1]}\n",
        ])

    def fewest(self, items, found, slowly):
        """The fewest commands that end in a difference of the same command, and that difference."""
        def difference(tried):
            commands = [words for words, _ in tried]
            replies = [side.play(commands, found.protocol, slowly) for side in (found.first, found.second)]
            return self.differing(tried, found.protocol, (found.first, found.second), replies)[0]

        if slowly:
            found = difference(items) or found
        kind = found.kind()

        def is_same(tried):
            seen = difference(tried)
            return seen and seen.kind() == kind

        few = shrunk(items, is_same, lambda item: item[0], lambda item, words: (words, None))
        # What differs now and then only is told as it was found, if it does not come again.
        last = next(filter(None, (difference(few) for _ in range(TRIES))), None)
        return (few[: last.at + 1], last) if last else (items[: found.at + 1], found)


def keys(words):
    """The keys of a command that may differ after it: for most the first word, for some any of them."""
    name = words[0].upper()
    several = name in (b"COPY", b"RENAME", b"JSON.MSET") or name.endswith((b"MERGE", b"RULE"))
    return words[1:] if several else words[1:2]


def near_difference(texts):
    """Texts without most of what they have in common at their beginning, and cut where they are long."""
    alike = next((at for at, pair in enumerate(zip(*texts)) if pair[0] != pair[1]), 0)
    start = max(alike - AROUND, 0) if alike > 2 * AROUND else 0
    return [("... " if start else "") + text[start : start + SHOWN_MAX] for text in texts]

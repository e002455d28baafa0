"""The run: rounds of work under an operator's hands, each followed by a rest in which everything is checked."""

import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.resp import ReplyError

from .node import Node
from .operator import Operator
from .watch import Prober, Sampler
from .worker import Workers

# How long the load runs after each thing that is done.
WORK_SECONDS = 3
EMPTY_EVERY = 2
# What may be resident beyond what is in use: a share for the allocator, and what any process has.
RESIDENT_SHARE_MAX, RESIDENT_MORE = 1.5, 80 << 20
# By how much an emptied server may grow within one life: what threads write on, and pools.
LEFT_MAX = 8 << 20
# Bounds of a server that lives; how fast one is is in the report. They are no bounds of a server that has no
# processor for more than this share of the time.
PING_MEDIAN_MS_MAX, PING_99_MS_MAX = 10, 250
STARVED_SHARE_MAX = 0.1
# Keys expire between two digests.
DIGEST_TRIES = 10
SHOWN = (("DEBUG", "DIGEST-VALUE"), ("TYPE",), ("PEXPIRETIME",))


@dataclass
class Record:
    """What happened."""

    server: str
    seed: str
    begin: float
    end: float = 0
    checks: int = 0
    rounds: int = 0
    violations: list = field(default_factory=list)
    done: list = field(default_factory=list)
    rests: list = field(default_factory=list)
    full: list = field(default_factory=list)
    empty: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    pings: list = field(default_factory=list)
    commands: dict = field(default_factory=dict)
    waited: float = 0

    def check(self, holds, otherwise):
        """Counts a check; a failed one is said at once."""
        self.checks += 1
        if not holds:
            self.complain(otherwise)

    def complain(self, text):
        """Notes a violation."""
        self.violations.append(f"{time.monotonic() - self.begin:.0f} s: {text}")
        print(f"soak: VIOLATION {text}", flush=True)

    def starved(self):
        """The share of the time that the primary was ready and had no processor."""
        return self.waited / max(1, self.end - self.begin)

    def load_pings(self):
        """Milliseconds of those PINGs that no check held up, in order."""
        resting = lambda when: any(begin <= when <= end for begin, end in self.rests)
        return sorted(ms for when, ms in self.pings if not resting(when))


class Run:
    """A primary, its replica, their workers and their operator."""

    def __init__(self, record, primary, replica):
        self.record, self.primary, self.replica = record, primary, replica
        self.operator = Operator(primary, replica)
        self.operator.attach()
        self.operator.create_indexes()
        self.workers = Workers(record.seed, primary.port)

    def rounds(self, seconds):
        """Works and checks until the time is up."""
        until = time.monotonic() + seconds
        for steps in self.operator.rounds():
            self.workers.tell("go")
            for step in steps:
                if time.monotonic() >= until:
                    break
                step()
                self.record.checks += 1
                time.sleep(WORK_SECONDS)
            self.rest()
            if time.monotonic() >= until:
                return

    def rest(self):
        """Stops the load, checks everything, and empties the servers now and then."""
        begin = time.monotonic()
        complaints = self.workers.tell("rest")
        self.record.check(not complaints, f"{len(complaints)} replies, as {complaints[:3]}")
        self.operator.sync()
        for node in (self.primary, self.replica):
            node.settle()
            self.compare(self.workers.tell("check", node.port))
            self.weigh(node)
        self.compare_digests()
        self.record.rounds += 1
        self.record.commands = dict(self.workers.commands)
        if self.record.rounds % EMPTY_EVERY == 0:
            self.record.empty += self.operator.empty()
            self.workers.tell("clear")
        self.record.rests.append((begin, time.monotonic()))

    def compare(self, complaints):
        """Each model of each worker is a check."""
        self.record.checks += len(self.workers.pipes) - 1
        for complaint in complaints[:5]:
            self.record.complain(complaint)

    def compare_digests(self):
        """The data sets are equal, but for what expires between two looks."""
        for _ in range(DIGEST_TRIES):
            digests = [node.call("DEBUG", "DIGEST") for node in (self.primary, self.replica)]
            if digests[0] == digests[1]:
                break
            time.sleep(0.5)
            self.operator.sync()
        self.record.check(digests[0] == digests[1], f"digests {digests}: {self.differing() if digests[0] != digests[1] else ''}")

    def differing(self):
        """Some keys that are not the same on both."""
        found = []
        connections = [node.connect() for node in (self.primary, self.replica)]
        for database in (0, 1, 2):
            keys = set()
            for connection in connections:
                connection.call("SELECT", database)
                keys |= set(connection.call("KEYS", "*"))
            for key in sorted(keys):
                one, other = ([connection.call(*words, key) for words in SHOWN] for connection in connections)
                if one != other:
                    found.append(f"{database}:{key.decode()} {one} {other}")
        return found[:5]

    def weigh(self, node):
        """Little is resident beyond what is in use."""
        used, resident, _ = node.memory()
        self.record.full.append((node.role, used, resident))
        bound = used * RESIDENT_SHARE_MAX + RESIDENT_MORE
        self.record.check(resident <= bound, f"{node.role}: {resident} bytes are resident, {used} in use")


def growth(empty):
    """By how much the memory that is in use for data grew in each life since it was emptied first."""
    lives = {}
    for role, life, _, _, data in empty:
        lives.setdefault((role, life), []).append(data)
    return {life: max(data[1:], default=data[0]) - data[0] for life, data in lives.items()}


def judge(record, nodes):
    """The checks of the whole run."""
    pings = record.load_pings()
    for share, bound in ((0.5, PING_MEDIAN_MS_MAX), (0.99, PING_99_MS_MAX)):
        value = pings[int(len(pings) * share)] if pings else float("inf")
        judged = record.starved() <= STARVED_SHARE_MAX
        record.check(value <= bound or not judged, f"PING took {value:.1f} ms at {share:.0%}")
    for (role, life), grown in growth(record.empty).items():
        record.check(grown <= LEFT_MAX, f"{role}, life {life}: {grown} bytes more in use when empty than at first")
    for node in nodes:
        lines = node.crash_lines()
        record.check(not lines, f"{node.role}'s log: {lines[:3]}")
        record.check(node.process.poll() is None, f"{node.role} has ended: {node.process.poll()}")


def keep_log(node, folder):
    """Copies a log; where there is no room for it, there may be some for the report."""
    try:
        shutil.copy(node.log, folder / f"{node.role}.log")
    except OSError as error:
        print(f"soak: {node.role}'s log is lost: {error}", flush=True)


def soak(server, seconds, seed, folder):
    """A whole run; logs are copied to `folder`."""
    record = Record(server, seed, time.monotonic())
    with ExitStack() as stack:
        nodes = [stack.enter_context(Node(server, role)) for role in ("primary", "replica")]
        run, sampler, prober = Run(record, *nodes), Sampler(nodes[0]), Prober(nodes[0].port)
        sampler.start()
        try:
            run.rounds(seconds)
        except (OSError, EOFError, RuntimeError, TimeoutError, ReplyError) as error:
            record.complain(f"the run broke off: {error!r}")
        record.end = time.monotonic()
        record.done = run.operator.done
        record.samples, record.pings = sampler.stop(), prober.stop()
        record.waited = sum(sampler.waited.values())
        judge(record, nodes)
        for node in nodes:
            keep_log(node, folder)
        if not record.violations:
            run.workers.end()
    return record

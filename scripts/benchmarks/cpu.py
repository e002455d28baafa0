"""CPU time and throughput per command, in pipelines of 32, rounds interleaved over all rows."""

import time
from dataclasses import dataclass

from .instructions import prepare
from .resp import PIPELINE
from .server import Server

ROUNDS = 5
ROUND_SECONDS = 0.3
TRIAL_PIPELINES = 16


@dataclass(frozen=True)
class Cost:
    """Seconds per command: CPU of the server in user and in kernel mode, and wall clock."""

    user: float
    system: float
    wall: float

    @property
    def cpu(self):
        """User and kernel seconds together."""
        return self.user + self.system

    def least(self, other):
        """The better of two rounds, each of the figures for itself."""
        return Cost(min(self.user, other.user), min(self.system, other.system), min(self.wall, other.wall))


def measure(subjects, data, wanted):
    """Costs by subject and row name: the least of ROUNDS rounds in which all take turns."""
    servers = [Server(subject) for subject in subjects]
    try:
        lanes = [
            (server, prepared, length(prepared))
            for server in servers
            for prepared in prepare(server.connect(), data, wanted)
        ]
        return rounds(lanes)
    finally:
        for server in servers:
            server.stop()


def rounds(lanes):
    """Runs every lane ROUNDS times in turn and keeps the best of each."""
    best = {}
    for _ in range(ROUNDS):
        for server, prepared, pipelines in lanes:
            key = server.subject.label, prepared.row.name
            cost = timed(server, prepared, pipelines)
            best[key] = cost.least(best.get(key, cost))
    return best


def length(prepared):
    """How many pipelines fill a round."""
    start = time.perf_counter()
    prepared.run(TRIAL_PIPELINES)
    spent = time.perf_counter() - start
    return max(TRIAL_PIPELINES, int(TRIAL_PIPELINES * ROUND_SECONDS / spent))


def timed(server, prepared, pipelines):
    """The cost per command of one round."""
    user, system = server.cpu_seconds()
    start = time.perf_counter()
    prepared.run(pipelines)
    wall = time.perf_counter() - start
    user_after, system_after = server.cpu_seconds()
    commands = pipelines * PIPELINE
    return Cost((user_after - user) / commands, (system_after - system) / commands, wall / commands)

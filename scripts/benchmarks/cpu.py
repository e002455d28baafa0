"""CPU time and throughput per command, in pipelines of 32, rounds interleaved over all rows."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from .resp import PIPELINE
from .rows import prepare
from .server import Server

ROUNDS = 7
ROUND_SECONDS = 0.4
TRIAL_PIPELINES = 16


@dataclass(frozen=True)
class Cost:
    """Seconds per command: CPU of the server in user mode, in user and kernel mode, and wall clock."""

    user: float
    cpu: float
    wall: float


def best(samples):
    """The cost that several (user, system, wall) samples of one row give.

    The kernel counts CPU time exactly, but splits it into user and system by sampling at its
    ticks: so the least total counts, split by the share of all rounds together.
    """
    users, systems, walls = zip(*samples)
    cpu = min(user + system for user, system in zip(users, systems))
    share = sum(users) / (sum(users) + sum(systems))
    return Cost(cpu * share, cpu, min(walls))


def measure(subjects, workload, wanted):
    """Costs by subject and row name, from ROUNDS rounds in which all take turns."""
    with ExitStack() as stack:
        servers = [stack.enter_context(Server(subject)) for subject in subjects]
        lanes = [
            (server, prepared, length(prepared))
            for server in servers
            for prepared in prepare(server.connect(), workload, wanted)
        ]
        return rounds(lanes)


def rounds(lanes):
    """Runs every lane ROUNDS times in turn."""
    samples = {}
    for _ in range(ROUNDS):
        for server, prepared, pipelines in lanes:
            key = server.subject.label, prepared.row.name
            samples.setdefault(key, []).append(timed(server, prepared, pipelines))
    return {key: best(found) for key, found in samples.items()}


def length(prepared):
    """How many pipelines fill a round."""
    start = time.perf_counter()
    prepared.run(TRIAL_PIPELINES)
    spent = time.perf_counter() - start
    wanted = max(TRIAL_PIPELINES, int(TRIAL_PIPELINES * ROUND_SECONDS / spent))
    return min(wanted, prepared.row.timed)


def timed(server, prepared, pipelines):
    """User, system and wall seconds per command of one round."""
    prepared.reset()
    user, system = server.cpu_seconds()
    start = time.perf_counter()
    prepared.run(pipelines)
    wall = time.perf_counter() - start
    user_after, system_after = server.cpu_seconds()
    commands = pipelines * PIPELINE
    return (user_after - user) / commands, (system_after - system) / commands, wall / commands

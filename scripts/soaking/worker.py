"""A process that writes: models, or noise. It is told through a pipe to go, to rest, and to check."""

import random
import signal
import time
from collections import Counter
from multiprocessing import Pipe, Process

from benchmarks.resp import Connection, ReplyError, encode

from . import models, noise

BATCH = 16
# Between two batches, so that PING measures the server and not a machine without a free processor.
PAUSE_SECONDS = 0.002
RETRY_SECONDS = 0.05
# What a server says that takes no commands yet.
NOT_READY = ("LOADING", "MASTERDOWN")
LARGE_EVERY = 400
ANSWER_SECONDS_MAX = 120


class Lost(Exception):
    """The connection is gone, or nobody is ready behind it: what was sent may have been done or not."""


class Lenient(Connection):
    """Errors are values, also those within a list."""

    def reply(self):
        try:
            return super().reply()
        except ReplyError as error:
            return error


class Line:
    """A connection that tells a lost reply from an error."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, commands):
        """The replies of a pipeline; errors are values."""
        try:
            self.connection = self.connection or Lenient(self.port)
            self.connection.socket.sendall(b"".join(encode(*words) for words in commands))
            replies = [self.connection.reply() for _ in commands]
        except OSError as error:
            self.connection = None
            raise Lost from error
        if any(isinstance(reply, ReplyError) and str(reply).startswith(NOT_READY) for reply in replies):
            raise Lost
        return replies

    def patiently(self, commands):
        """The same, as often as it takes."""
        while True:
            try:
                return self.ask(commands)
            except Lost:
                time.sleep(RETRY_SECONDS)


class Modelled:
    """Writes the keys of all families, and knows them."""

    def __init__(self, number, draw, port):
        self.line, self.draw = Line(port), draw
        self.families = [family(number, draw) for family in models.FAMILIES]
        self.commands, self.complaints = Counter(), []

    def work(self):
        """One pipeline of changes."""
        batch = [(family, change) for family in self.draw.choices(self.families, k=BATCH) for change in family.changes()]
        try:
            replies = self.line.ask([change.words for _, change in batch])
        except Lost:
            return self.recover(batch)
        for (family, change), reply in zip(batch, replies):
            self.commands[family.prefix] += 1
            wrong = isinstance(reply, ReplyError) or change.expected is not None and reply != change.expected
            if wrong:
                self.complaints.append(f"{' '.join(map(str, change.words))[:120]}: {reply!r}, not {change.expected!r}")

    def recover(self, batch):
        """Deletes what may have been written, once somebody is there."""
        time.sleep(RETRY_SECONDS)
        self.line.patiently([family.forget(change.key) for family, change in batch])

    def check(self, port):
        """Everything that the server behind a port says otherwise than it was acknowledged."""
        line = Line(port)
        for family in self.families:
            try:
                self.complaints.extend(f"port {port}: {complaint}" for complaint in family.complaints(line.ask))
            except Exception as error:  # noqa: BLE001  (a reply of another shape is a complaint as well)
                self.complaints.append(f"port {port}: {family.prefix}: {error!r}")

    def clear(self):
        """The server was emptied."""
        for family in self.families:
            family.clear()


class Noisy:
    """Writes anything."""

    def __init__(self, _, draw, port):
        self.line, self.other, self.draw = Line(port), Line(port), draw
        self.commands, self.complaints, self.round = Counter(), [], 0

    def work(self):
        """One pipeline, and now and then large values in another database."""
        self.round += 1
        try:
            commands = [noise.command(self.draw) for _ in range(BATCH)]
            self.judge(commands, self.line.ask(commands))
            if self.round % LARGE_EVERY == 0:
                commands = [("SELECT", 1), *noise.large(self.draw)]
                self.judge(commands, self.other.ask(commands))
        except Lost:
            time.sleep(RETRY_SECONDS)

    def judge(self, commands, replies):
        """Notes errors that no command may meet."""
        self.commands["noise"] += len(commands)
        for words, reply in zip(commands, replies):
            if isinstance(reply, ReplyError) and not noise.is_expected(reply):
                self.complaints.append(f"{' '.join(map(str, words))[:120]}: {reply}")

    def check(self, _):
        """Nothing is known of these keys."""

    def clear(self):
        """Likewise."""


def live(pipe, kind, number, seed, port):
    """The body of the process: does what it is told, works in between, and answers once it has done it."""
    # Ctrl-C is for the parent, which ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    writer, is_working = kind(number, random.Random(seed), port), False
    while True:
        if is_working and not pipe.poll():
            writer.work()
            time.sleep(PAUSE_SECONDS)
            continue
        word, *rest = pipe.recv()
        is_working = word == "go"
        if word == "end":
            return
        if word in ("check", "clear"):
            getattr(writer, word)(*rest)
        pipe.send((dict(writer.commands), writer.complaints))
        writer.complaints = []


class Workers:
    """All the processes."""

    def __init__(self, seed, port, modelled=3):
        self.pipes, self.processes = [], []
        for number in range(modelled + 1):
            here, there = Pipe()
            kind = Modelled if number < modelled else Noisy
            process = Process(target=live, args=(there, kind, number, f"{seed}-{number}", port), daemon=True)
            process.start()
            there.close()
            self.pipes.append(here)
            self.processes.append(process)
        self.commands = Counter()

    def tell(self, *words):
        """Has all of them do something and waits for it; what they complain of."""
        for pipe in self.pipes:
            pipe.send(words)
        answers = [self.answer(pipe) for pipe in self.pipes]
        self.commands = sum((Counter(commands) for commands, _ in answers), Counter())
        return [complaint for _, complaints in answers for complaint in complaints]

    @staticmethod
    def answer(pipe):
        """What one of them says; raises where a server is gone that it waits for."""
        if not pipe.poll(ANSWER_SECONDS_MAX):
            raise TimeoutError(f"a worker said nothing within {ANSWER_SECONDS_MAX} s")
        return pipe.recv()

    def end(self):
        """Ends them."""
        for pipe in self.pipes:
            pipe.send(("end",))
        for process in self.processes:
            process.join(10)

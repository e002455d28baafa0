"""The servers that are compared: by address, by the name of one of ours, or by the name of an image."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.server import ROOT, Server, Subject, program

from .reply import parsed
from .wire import CLOSED, Address, Connection, Unreachable

MODULES = Path(os.environ.get("KEYSPAN_MODULES_DIR") or ROOT / "target" / "modules")
NAMES = ["redis-7.0", "redis-8.0", "redis-8.6", "valkey-8.0", "valkey-8.1", "valkey-9.1"]
READY_SECONDS_MAX = 60
SCAN_SECONDS_MAX = 20
# Commands behind which an index is filled from the keys that are there, while others run.
SCANNING = {b"FT.CREATE", b"FT._CREATEIFNX", b"FT.ALTER", b"FT._ALTERIFNX", b"FT._RESTOREIFNX"}


class Side:
    """A server at an address, with a connection for each protocol."""

    def __init__(self, address, flush=False):
        self.address = address
        self.links = {}
        self.name = self.version()
        self.label = f"{self.name} at {address.host}:{address.port}"
        if not flush:
            self.must_be_empty()

    def version(self):
        """`valkey-8.1`, `redis-7.0` and so on."""
        text = parsed(self.link(2).must("INFO", "server"))[1].decode()
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        number = fields.get("valkey_version", fields.get("redis_version", "0"))
        return f"{fields.get('server_name', 'redis')}-{'.'.join(number.split('.')[:2])}"

    def must_be_empty(self):
        """Fails where somebody's keys are, for each sequence begins with FLUSHALL."""
        if parsed(self.link(2).must("INFO", "keyspace"))[1].decode().strip() != "# Keyspace":
            raise Unreachable(f"{self.address.url} holds keys, which would be flushed: give --flush if they may go")

    def commands(self):
        """The names of its commands."""
        return {item[1].upper() for item in parsed(self.link(2).must("COMMAND", "LIST"))[1]}

    def link(self, protocol):
        """The connection of a protocol, made if need be."""
        if protocol not in self.links:
            self.links[protocol] = Connection(self.address, protocol)
        return self.links[protocol]

    def play(self, commands, protocol, slowly=False):
        """The replies to commands that run on the server as if it had just started; slowly, one after the other."""
        try:
            self.link(protocol).must("FLUSHALL")
        except Unreachable:
            self.revive()
            self.link(protocol).must("FLUSHALL")
        before = self.link(protocol).play(settings(commands))
        replies = []
        for batch in batches(commands, slowly):
            replies += self.link(protocol).play(batch)
            if replies[-1] == CLOSED:
                break
            if batch[-1][0].upper() in SCANNING:
                self.await_scan(protocol)
        if CLOSED in replies:
            self.links.pop(protocol).close()
        else:
            self.link(protocol).play([*map(restoring, settings(commands), before)])
        return replies + [CLOSED] * (len(commands) - len(replies))

    def await_scan(self, protocol):
        """Returns once no index is being filled."""
        link = self.link(protocol)
        deadline = time.monotonic() + SCAN_SECONDS_MAX
        _, names = parsed(link.play([[b"FT._LIST"]])[0])
        while isinstance(names, list) and names and time.monotonic() < deadline:
            told = link.play([[b"FT.INFO", name] for _, name in names])
            if all(reply[:1] == b"-" or is_filled(parsed(reply)) for reply in told):
                return
            time.sleep(0.002)

    def revive(self):
        """Makes new connections, where the old ones ended."""
        self.links.clear()

    def close(self):
        """Ends the connections."""
        for link in self.links.values():
            link.close()
        self.links.clear()


def settings(commands):
    """Commands that read the settings which these commands may change."""
    changes = [words for words in commands if len(words) > 2 and words[0].upper() in (b"CONFIG", b"FT.CONFIG")]
    return [[words[0], b"GET", words[2]] for words in changes if words[1].upper() == b"SET"]


def restoring(question, reply):
    """The command that puts a setting back, from what reading it replied."""
    _, value = parsed(reply)
    while isinstance(value, list) and value and isinstance(value[-1][1], list):
        value = value[-1][1]
    known = isinstance(value, list) and len(value) == 2 and value[1][1] is not None
    return [question[0], b"SET", question[2], value[1][1]] if known else [b"PING"]


def is_filled(info):
    """Whether an FT.INFO reply says that its index is complete."""
    fields = {key[1]: value[1] for key, value in zip(info[1][::2], info[1][1::2])}
    is_behind = fields.get(b"backfill_in_progress", b"0") not in (b"0", b"false")
    return fields.get(b"percent_indexed", b"1") == b"1" and not is_behind


def batches(commands, slowly):
    """Commands in parts of which each ends where an index has to be waited for; slowly, one by one."""
    batch = []
    for words in commands:
        batch.append(words)
        if slowly or words[0].upper() in SCANNING:
            yield batch
            batch = []
    if batch:
        yield batch


class OwnServer(Server):
    """One of our six, with all modules and the commands that tests need."""

    def __init__(self, name):
        super().__init__(Subject("parity", program(name), ""), self.options())

    @staticmethod
    def options():
        """What is loaded, and what is allowed."""
        words = ["--enable-debug-command", "yes"]
        for name in ("json", "bloom", "search", "timeseries"):
            path = (MODULES / f"libkeyspan_{name}.so").resolve()
            if not path.is_file():
                raise Unreachable(f"there is no {path}: build it with scripts/build")
            words += ["--loadmodule", str(path)]
        return words


class OwnSide(Side):
    """A server of ours, started for this run and again when it has died."""

    def __init__(self, name):
        self.server = OwnServer(name)
        super().__init__(self.at(), flush=True)
        self.name = self.label = name

    def at(self):
        """Where it is."""
        return Address.parse(f"redis://127.0.0.1:{self.server.port}")

    def revive(self):
        """Starts it again where it has died."""
        super().revive()
        try:
            # One that is dying takes connections, or refuses them, for a while.
            self.link(2).must("PING")
            return
        except Unreachable:
            super().revive()
        self.server.stop()
        self.server = OwnServer(self.name)
        self.address = self.at()

    def close(self):
        """Ends the connections and the server."""
        super().close()
        self.server.stop()


class ImageSide(Side):
    """A server in a container that ends with this run."""

    def __init__(self, image):
        self.environment = {**os.environ, **docker_host()}
        if not shutil.which("docker"):
            raise Unreachable(f"{image} is no address and no server of ours, and there is no docker to run the image")
        self.container = self.docker("run", "--rm", "--detach", "--publish", "127.0.0.1::6379", image)
        try:
            place = self.docker("port", self.container, "6379/tcp").splitlines()[0]
            self.await_ready(Address.parse(f"redis://{place}"), image)
        except BaseException:
            self.docker("kill", self.container)
            raise

    def await_ready(self, address, image):
        """Connects once the server answers."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                super().__init__(address, flush=True)
                self.label = image
                return
            except Unreachable as error:
                if time.monotonic() > deadline:
                    raise Unreachable(f"{image} does not answer: {error}") from None
            time.sleep(0.2)

    def docker(self, *words):
        """What docker prints; Unreachable with what it complains of."""
        done = subprocess.run(["docker", *words], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        if done.returncode:
            told = done.stderr.strip()[-600:]
            raise Unreachable(f"docker {words[0]} {words[-1]}: {told}\n(`scripts/servers docker-up` starts a daemon)")
        return done.stdout.strip()

    def close(self):
        """Ends the connections and the container."""
        super().close()
        self.docker("kill", self.container)


def docker_host():
    """DOCKER_HOST of the daemon that scripts/servers knows, if it knows one."""
    done = subprocess.run([ROOT / "scripts" / "servers", "docker-host"], capture_output=True, text=True)
    name, _, value = done.stdout.strip().partition("=")
    return {name: value} if value else {}


def side(place, flush=False):
    """The server at an address, of a name, or of an image."""
    if "://" in place:
        return Side(Address.parse(place), flush)
    if place in NAMES:
        return OwnSide(place)
    return ImageSide(place)


class Recorded:
    """Replies that a server once gave, from a file of JSON lines, as a side that knows only those.

    `command`, `resp2` and `resp3` are bytes as Latin-1 text; commands with the same `section` and a `sequence`
    began on an empty server, and without a `sequence` the whole file did; `varies` says that a reply is not always so.
    """

    def __init__(self, path):
        self.name = self.label = path.name
        self.sequences = {}
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            label = f"{path.stem} {entry['section']}" if "sequence" in entry else path.stem
            self.sequences.setdefault(label, []).append(entry)
        self.current = None

    def played(self):
        """(label, commands) of each sequence."""
        for self.current, entries in self.sequences.items():
            yield self.current, [[word.encode("latin-1") for word in entry["command"]] for entry in entries]

    def play(self, commands, protocol):
        """The replies of the sequence that is being played; None for those that vary."""
        entries = self.sequences[self.current][: len(commands)]
        return [None if entry.get("varies") else entry[f"resp{protocol}"].encode("latin-1") for entry in entries]

    def close(self):
        """Nothing is open."""


def record(path, server, sequences):
    """Writes the replies of a server to these sequences; how many there are."""
    count = 0
    with open(path, "w") as file:
        for number, sequence in enumerate(sequences):
            replies = (server.play(sequence.commands, protocol) for protocol in (2, 3))
            for (words, step), resp2, resp3 in zip(sequence.items(), *replies):
                count += 1
                entry = {"line": count, "sequence": number, "section": sequence.label,
                         "command": [word.decode("latin-1") for word in words],
                         "resp2": resp2.decode("latin-1"), "resp3": resp3.decode("latin-1"),
                         "varies": bool(step and step.varies())}
                file.write(json.dumps(entry) + "\n")
    print(f"parity: {count} commands of {server.name} recorded in {path}", file=sys.stderr)
    return count

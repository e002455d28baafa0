"""A connection to a server, in RESP2, that sends nothing but what it is allowed to."""

import os
import socket
import ssl
import time
from urllib.parse import parse_qs, unquote, urlsplit

# What a look at a server may send; with a second word only that one.
READS = frozenset({
    "AUTH", "CLIENT NO-TOUCH", "DUMP", "FT.INFO", "FT._LIST", "FUNCTION LIST", "INFO", "MEMORY USAGE", "MODULE LIST",
    "SCAN", "SELECT", "TYPE",
})
CONTAINERS = {"CLIENT", "FUNCTION", "MEMORY", "MODULE"}

PLAIN, TLS = ("redis", "valkey"), ("rediss", "valkeys")


class Unreachable(Exception):
    """There is no such server, or it has gone, or the time is up."""


class Refused(Exception):
    """The server answers, but not to us."""


class ServerError(Exception):
    """An error reply."""


class TimeIsUp(Exception):
    """The time for the whole look is over."""


def name_of(words):
    """The command's name, with the second word where that is part of it."""
    first = words[0].upper()
    return f"{first} {words[1].upper()}" if first in CONTAINERS else first


class Connection:
    """A connection; a context manager. `allowed` are the commands that it sends, others are a fault of ours."""

    def __init__(self, url, seconds=60, cacert=None, cert=None, insecure=False, allowed=READS):
        self.deadline = time.monotonic() + seconds
        self.allowed = allowed
        self.address = urlsplit(url)
        if self.address.scheme not in (*PLAIN, *TLS, "unix"):
            raise Refused(f"{url}: no redis, rediss, valkey, valkeys or unix URL")
        try:
            self.socket = self.open(min(10, seconds), cacert, cert, insecure)
        except (OSError, ValueError) as problem:
            raise Unreachable(f"{self.shown()}: {problem}") from problem
        self.file = self.socket.makefile("rb")
        self.log_in()

    def shown(self):
        """Where it leads, without the password."""
        if self.address.scheme == "unix":
            return self.address.path
        return f"{self.address.hostname or '127.0.0.1'}:{self.address.port or 6379}"

    def open(self, patience, cacert, cert, insecure):
        if self.address.scheme == "unix":
            opened = socket.socket(socket.AF_UNIX)
            opened.settimeout(patience)
            opened.connect(unquote(self.address.path))
            return opened
        host = self.address.hostname or "127.0.0.1"
        opened = socket.create_connection((host, self.address.port or 6379), patience)
        if self.address.scheme in PLAIN:
            return opened
        context = ssl.create_default_context(cafile=cacert)
        if insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if cert:
            context.load_cert_chain(cert)
        return context.wrap_socket(opened, server_hostname=host)

    def log_in(self):
        user, password = (unquote(word or "") for word in (self.address.username, self.address.password))
        query = parse_qs(self.address.query)
        user = user or query.get("user", [""])[0]
        password = password or query.get("password", [""])[0] or os.environ.get("REDISCLI_AUTH", "")
        if user or password:
            try:
                self.call("AUTH", *([user] if user else []), password)
            except ServerError as problem:
                raise Refused(f"{self.shown()}: {problem}") from problem

    def database(self):
        """The database that the URL names, or None."""
        named = parse_qs(self.address.query).get("db", [""])[0]
        if self.address.scheme != "unix":
            named = named or self.address.path.strip("/")
        if named and not named.isdigit():
            raise Refused(f"{named}: no database number")
        return int(named) if named else None

    def call(self, *words):
        """The reply; an error reply is raised."""
        reply, = self.pipeline([words])
        if isinstance(reply, ServerError):
            raise reply
        return reply

    def pipeline(self, commands):
        """The replies, error replies among them as values."""
        for words in commands:
            if name_of(words) not in self.allowed:
                raise AssertionError(f"{words[0]} is not among the commands that may be sent")
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp
        self.socket.settimeout(left)
        try:
            self.socket.sendall(b"".join(map(encoded, commands)))
            return [self.reply() for _ in commands]
        except TimeoutError as problem:
            raise TimeIsUp from problem
        except (OSError, ValueError) as problem:
            raise Unreachable(f"{self.shown()}: {problem}") from problem

    def reply(self):
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise Unreachable(f"{self.shown()}: the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return ServerError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind not in (b"$", b"*"):
            raise Unreachable(f"{self.shown()}: this is no Redis or Valkey: {line[:40]!r}")
        length = int(rest)
        if length < 0:
            return None
        if kind == b"*":
            return [self.reply() for _ in range(length)]
        return self.file.read(length + 2)[:-2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def encoded(words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

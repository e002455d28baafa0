"""Connections that hand over replies as the bytes that came."""

import socket
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

CHUNK = 1 << 18
PATIENCE_SECONDS = 60
# What stands for the replies that a closed connection did not give.
CLOSED = b"(the connection was closed)\r\n"
BULKS, LISTS, PAIRS = b"$=!", b"*~>", b"%|"


class Unreachable(Exception):
    """A server that cannot be spoken to, in words for the person at it."""


class Incomplete(Exception):
    """A reply of which a part has not come yet."""


@dataclass(frozen=True)
class Address:
    """Where a server is, from `redis://[user:pass@]host:port[/db]`, `rediss://` or `unix:///path[?db=n]`."""

    url: str
    kind: str
    host: str
    port: int
    user: str
    password: str
    database: int

    @classmethod
    def parse(cls, url):
        """Fails with Unreachable for what is no such address."""
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss", "valkey", "valkeys", "unix"):
            raise Unreachable(f"{url}: an address begins with redis://, rediss:// or unix://")
        try:
            port = parts.port or 6379
        except ValueError:
            raise Unreachable(f"{url}: no such port") from None
        database = parts.query.removeprefix("db=") if parts.scheme == "unix" else parts.path.strip("/")
        if not (database or "0").isdigit():
            raise Unreachable(f"{url}: the database is a number")
        place = parts.path if parts.scheme == "unix" else parts.hostname or "127.0.0.1"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(url, parts.scheme, place, port, user, password, int(database or 0))

    def open(self):
        """A connected socket."""
        try:
            if self.kind == "unix":
                link = socket.socket(socket.AF_UNIX)
                link.connect(self.host)
                return link
            link = socket.create_connection((self.host, self.port), timeout=PATIENCE_SECONDS)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.kind in ("rediss", "valkeys"):
                return ssl.create_default_context().wrap_socket(link, server_hostname=self.host)
            return link
        except OSError as error:
            raise Unreachable(f"{self.url}: {error}") from None


class Connection:
    """One client in RESP2 or RESP3."""

    def __init__(self, address, protocol=2):
        self.link = address.open()
        self.link.settimeout(PATIENCE_SECONDS)
        self.unread = bytearray()
        if address.password:
            user = [address.user] if address.user else []
            self.must("AUTH", *user, address.password)
        if protocol == 3:
            self.must("HELLO", "3")
        if address.database:
            self.must("SELECT", str(address.database))

    def must(self, *words):
        """A command that has to succeed."""
        reply = self.play([[word.encode() for word in words]])[0]
        if reply[:1] == b"-" or reply == CLOSED:
            raise Unreachable(f"{words[0]}: {reply.decode(errors='replace').strip()}")
        return reply

    def play(self, commands):
        """The bytes of the replies to commands sent at once; CLOSED from where the connection ended."""
        replies = []
        try:
            self.link.sendall(b"".join(map(encoded, commands)))
        except OSError:
            pass
        try:
            while len(replies) < len(commands):
                replies.append(self.reply())
        except OSError:
            replies += [CLOSED] * (len(commands) - len(replies))
        return replies

    def reply(self):
        """The bytes of the next reply; pushes are left out."""
        while True:
            try:
                end = frame_end(self.unread, 0)
            except Incomplete:
                data = self.link.recv(CHUNK)
                if not data:
                    raise ConnectionError("closed") from None
                self.unread += data
                continue
            frame = bytes(self.unread[:end])
            del self.unread[:end]
            if frame[:1] != b">":
                return frame

    def close(self):
        """Ends the connection."""
        self.link.close()


def encoded(words):
    """A command in RESP."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def frame_end(data, at):
    """Where the reply that begins at `at` ends."""
    pending = 1
    while pending:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            raise Incomplete
        kind, rest = data[at], data[at + 1 : line_end]
        at = line_end + 2
        pending -= 1
        if kind in BULKS:
            at += int(rest) + 2 if rest != b"-1" else 0
        elif kind in LISTS:
            pending += max(int(rest), 0)
        elif kind in PAIRS:
            pending += 2 * int(rest) + (kind == ord("|"))
        if at > len(data):
            raise Incomplete
    return at

"""Raw RESP2 over a socket: commands go out as bytes, replies are counted as bytes."""

import socket

PIPELINE = 32
CHUNK = 1 << 20


def encode(*words):
    """One command in RESP; words are bytes, str or int."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class ReplyError(Exception):
    """The server answered with an error, or with something other than expected."""


class Connection:
    """One client connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()

    def close(self):
        """Ends the connection."""
        self.socket.close()

    def call(self, *words):
        """Sends one command and returns its parsed reply."""
        self.socket.sendall(encode(*words))
        return self.reply()

    def reply(self):
        """One reply: bytes, int, None or a list of them."""
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ReplyError(rest.decode(errors="replace"))
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.exactly(int(rest) + 2)[:-2]
        return [self.reply() for _ in range(int(rest))]

    def line(self):
        """Bytes up to the next CRLF, without it."""
        while (end := self.buffer.find(b"\r\n")) < 0:
            self.fill()
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line

    def exactly(self, size):
        """The next `size` bytes."""
        while len(self.buffer) < size:
            self.fill()
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def fill(self):
        """Reads once from the socket."""
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.buffer += data

    def load(self, commands, size=PIPELINE):
        """Runs encoded commands in pipelines of `size`; each must succeed."""
        for start in range(0, len(commands), size):
            batch = commands[start : start + size]
            self.socket.sendall(b"".join(batch))
            for _ in batch:
                self.reply()

    def learn(self, payload, count):
        """Runs one pipeline and returns the bytes of its replies, none of them an error or nil."""
        self.socket.sendall(payload)
        replies = [self.raw() for _ in range(count)]
        for raw in replies:
            if raw[:1] == b"-" or raw in (b"$-1\r\n", b"$2\r\n[]\r\n"):
                raise ReplyError(f"unexpected reply {raw[:200]!r} to {payload[:120]!r}")
        return b"".join(replies)

    def raw(self):
        """The bytes of one reply."""
        head = self.line()
        if head[:1] == b"$" and head != b"$-1":
            return head + b"\r\n" + self.exactly(int(head[1:]) + 2)
        if head[:1] == b"*":
            return b"".join([head, b"\r\n", *(self.raw() for _ in range(int(head[1:])))])
        return head + b"\r\n"

    def replay(self, payload, expected):
        """Runs one pipeline whose reply has a known size; returns once all of it is there."""
        self.socket.sendall(payload)
        missing = expected
        while missing > 0:
            data = self.socket.recv(CHUNK)
            if not data:
                raise ConnectionError("the server closed the connection")
            missing -= len(data)
        if missing < 0:
            raise ReplyError(f"{-missing} bytes more than expected from {payload[:120]!r}")

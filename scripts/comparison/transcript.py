"""The transcripts of tests/transcripts: commands, the replies written there, and marks of known differences.

tests/src/transcript.rs says what they look like.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from .words import escaped, split

FOLDER = Path(__file__).resolve().parent.parent.parent / "tests" / "transcripts"
CONDITION = re.compile(rb"(peer)?([23])?(?:@([\w.*-]+))?: ")


@dataclass
class Step:
    """One command, the name of its difference if it has one, and its replies by (peer, protocol, server)."""

    line: int
    command: list
    differs: str = ""
    replies: dict = field(default_factory=dict)

    def add(self, line):
        """A line behind the command."""
        if line.startswith(b"~ "):
            self.differs = line[2:].strip().decode()
            return
        condition, rest = ("", "", ""), line
        found = CONDITION.match(line)
        if found and any(found.groups()):
            condition, rest = tuple((part or b"").decode() for part in found.groups()), line[found.end():]
        self.replies.setdefault(condition, []).append(rest)

    def varies(self):
        """Whether some of a reply may be anything."""
        return any(mark in line for lines in self.replies.values() for line in lines for mark in (b"\\?", b"\\*"))

    def written(self, protocol, server, peer):
        """The most particular reply that holds there, as a pattern of bytes; None if there is none."""
        wanted = ("peer",) if peer and any(key[0] for key in self.replies) else ("",)
        best, rank = None, (-1, False)
        for (who, only, name), lines in self.replies.items():
            here = who in wanted and only in ("", str(protocol)) and (not name or fnmatchcase(server, name))
            if here and (len(name), bool(only)) > rank:
                best, rank = lines, (len(name), bool(only))
        return None if best is None else pattern(best)

    def is_as_written(self, reply, protocol, server, peer=False):
        """Whether a server replied what is written."""
        expected = self.written(protocol, server, peer)
        return expected is not None and bool(expected.fullmatch(reply))


def pattern(lines):
    """Lines of a reply as a pattern."""
    parts = []
    for line in lines:
        at = 0
        while at < len(line):
            if line[at:] == b"\\":
                break
            if line[at : at + 2] == b"\\*":
                return re.compile(b"".join(parts) + b".*", re.DOTALL)
            if line[at : at + 2] == b"\\?":
                parts.append(b"(?:(?!\\r\\n).)*")
                at += 2
                continue
            byte, at = escaped(line, at + 1) if line[at] == ord("\\") else (line[at], at + 1)
            parts.append(re.escape(bytes([byte])))
        parts.append(b"\\r\\n")
    return re.compile(b"".join(parts), re.DOTALL)


def read(path):
    """The steps of one file."""
    steps = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if line.startswith(b"> "):
            steps.append(Step(number, split(line[2:])))
        elif line and line != b"#" and not line.startswith(b"# "):
            steps[-1].add(line)
    return steps


def all_of(folders):
    """(name, steps) of every transcript in folders of these names."""
    for folder in folders:
        for path in sorted((FOLDER / folder).glob("*.txt")):
            yield f"{folder}/{path.stem}", read(path)

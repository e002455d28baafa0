"""What is looked at all the time: memory once a second, and PING as a client that does nothing else sees it."""

import signal
import threading
import time
from multiprocessing import Event, Process, SimpleQueue
from pathlib import Path

from benchmarks.resp import Connection, ReplyError

SAMPLE_SECONDS = 1
PING_SECONDS = 0.01
FIELDS = ("used_memory", "used_memory_rss", "instantaneous_ops_per_sec")


def waited_seconds(pid):
    """How long the main thread of a process was ready and had no processor; 0 where the system does not say it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Sampler(threading.Thread):
    """Asks a server for its figures; those of a server that is away are missing."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.samples, self.stopping = node, [], threading.Event()
        # Of each life.
        self.waited = {}

    def run(self):
        while not self.stopping.wait(SAMPLE_SECONDS):
            pid = self.node.process.pid
            self.waited[pid] = max(self.waited.get(pid, 0.0), waited_seconds(pid))
            try:
                fields = self.node.info("everything")
                self.samples.append((time.monotonic(), *(int(fields[name]) for name in FIELDS)))
            except (OSError, ReplyError, KeyError):
                continue

    def stop(self):
        """Ends it and gives what it has."""
        self.stopping.set()
        self.join()
        return self.samples


def ping(port, stopping, queue):
    """Sends PING a hundred times a second; keeps when, and how many milliseconds the reply took."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    connection, seen = None, []
    while not stopping.is_set():
        begin = time.monotonic()
        try:
            connection = connection or Connection(port)
            connection.call("PING")
            seen.append((begin, (time.monotonic() - begin) * 1000))
        except OSError:
            connection = None
        except ReplyError:
            pass
        time.sleep(PING_SECONDS)
    queue.put(seen)


class Prober:
    """A process that sends PING."""

    def __init__(self, port):
        self.stopping, self.queue = Event(), SimpleQueue()
        self.process = Process(target=ping, args=(port, self.stopping, self.queue), daemon=True)
        self.process.start()

    def stop(self):
        """Ends it and gives what it has."""
        self.stopping.set()
        seen = self.queue.get()
        self.process.join()
        return seen


def percentile(ordered, share):
    """A value that so large a share of the values does not exceed; they are in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

"""BF.RESERVE of a GiB, and UNLINK of it once all of it is in use."""

import time

from ..resp import ReplyError
from ..server import Server
from . import large

# 9.585 bits an item at 1 %.
CAPACITY = 896_000_000
ROUNDS = 5


def measure(subject):
    """Milliseconds of both commands, the least of ROUNDS, as a client sees them."""
    with Server(subject) as server:
        connection = server.connect()
        reserve = min(reserved(connection) for _ in range(ROUNDS))
        large.fill(connection, "huge", "0.01", CAPACITY, large.quarter(large.CHUNK))
        unlink = milliseconds(connection, "UNLINK", "huge")
        await_freed(server)
    return {"reserve": reserve, "unlink": unlink}


def reserved(connection):
    """Milliseconds of one BF.RESERVE of a key that is gone afterwards."""
    taken = milliseconds(connection, "BF.RESERVE", "huge", "0.01", CAPACITY, "NONSCALING")
    connection.call("DEL", "huge")
    return taken


def milliseconds(connection, *words):
    """Wall milliseconds of one command."""
    start = time.perf_counter()
    connection.call(*words)
    return (time.perf_counter() - start) * 1e3


def await_freed(server):
    """Returns once another thread has freed the value; refuses a server that freed it at once."""
    for _ in range(100):
        fields = server.info("memory")
        if int(fields["lazyfreed_objects"]) > 0:
            return
        if int(fields["lazyfree_pending_objects"]) == 0:
            break
        time.sleep(0.05)
    raise ReplyError("UNLINK of a GiB was not left to another thread")

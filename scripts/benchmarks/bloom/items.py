"""Items of filters, and commands that add many of them."""

from ..resp import encode
from ..rows import TOKEN

BATCH = 500


def present(number):
    """An item that was loaded."""
    return f"item:{number:08}"


def absent(number):
    """An item that never was."""
    return f"none:{number:08}"


def new(number, place=0):
    """An item that is another one each time its command runs."""
    return f"new:{TOKEN.decode()}:{number:04}:{place:02}"


def batches(command, key, names):
    """Encoded commands that give all of `names` to `key`."""
    for start in range(0, len(names), BATCH):
        yield encode(command, key, *names[start : start + BATCH])

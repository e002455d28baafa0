"""Bytes per document: `used_memory` after loading less the same keys without a document."""

from dataclasses import dataclass

from ..resp import encode
from ..server import Server
from . import documents

# Not a shared integer, so that the key's object is allocated as it is for a document.
KEY_ONLY = ("SET", "123456789")
JSON_ONLY = ("JSON.SET", "$", "0")


@dataclass(frozen=True)
class Collection:
    """Documents of one kind; `with_key` if the key counts as part of the document."""

    name: str
    make: object
    with_key: bool = False


COLLECTIONS = (
    Collection("memory-small", documents.smalls),
    Collection("memory-mid", documents.mids),
    Collection("memory-big", documents.bigs),
    Collection("memory-unique", documents.uniques, with_key=True),
)


@dataclass(frozen=True)
class Footprint:
    """Average bytes per key.

    `text`: the JSON text; `whole`: key and document; `value`: beyond a key holding an integer;
    `beyond_zero`: beyond a key holding the JSON document `0`; `string`: key and document when the
    text is stored by native SET.
    """

    text: float
    whole: float
    value: float
    beyond_zero: float
    string: float


def measure(subject, collection):
    """The footprint of one collection."""
    texts = collection.make()
    keys = [f"doc:{number}" for number in range(len(texts))]
    document = grown(subject, [encode("JSON.SET", key, "$", text) for key, text in zip(keys, texts)])
    bare = grown(subject, [encode(KEY_ONLY[0], key, KEY_ONLY[1]) for key in keys])
    zero = grown(subject, [encode(JSON_ONLY[0], key, *JSON_ONLY[1:]) for key in keys])
    string = grown(subject, [encode("SET", key, text) for key, text in zip(keys, texts)])
    count = len(texts)
    return Footprint(
        text=sum(map(len, texts)) / count,
        whole=document / count,
        value=(document - bare) / count,
        beyond_zero=(document - zero) / count,
        string=string / count,
    )


def grown(subject, commands):
    """By how many bytes a fresh server's `used_memory` grows when it runs `commands`."""
    with Server(subject) as server:
        return server.grown(commands)

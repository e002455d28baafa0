"""One grammar for each family of commands.

A family has OPENING, lines that every sequence of it begins with; GRAMMAR and SYMBOLS; CLOSING, lines that show
what the sequence left. It may have `refuses(words)`, where some commands must not be played, and OPTION_SHARE, how
often an option is there, where there are many.
"""

from random import Random

from ..grammar import OPTION_SHARE, Grammar
from ..words import split
from . import bloom, count_min, cuckoo, json, search, t_digest, timeseries, top_k

LENGTH = 50

FAMILIES = {
    "json": json, "bf": bloom, "cf": cuckoo, "cms": count_min, "topk": top_k, "tdigest": t_digest, "ft": search,
    "ts": timeseries,
}
GRAMMARS = {}


def grammar(name):
    """The grammar of a family."""
    if name not in GRAMMARS:
        family = FAMILIES[name]
        GRAMMARS[name] = Grammar(family.GRAMMAR, family.SYMBOLS, getattr(family, "OPTION_SHARE", OPTION_SHARE))
    return GRAMMARS[name]


def sequences(name, seed, count):
    """(label, commands) of sequences that hold `count` drawn commands together; the same for the same seed."""
    for number in range(-(-count // LENGTH)):
        yield f"{name} {seed}/{number}", sequence(name, Random(f"{seed}/{name}/{number}"), LENGTH)


def sequence(name, random, length):
    """Commands on an empty server: what is there at first, what is drawn, what is left."""
    family = FAMILIES[name]
    refuses = getattr(family, "refuses", lambda words: False)
    drawn = []
    while len(drawn) < length:
        words = grammar(name).draw(random)
        if not refuses(words):
            drawn.append(words)
    return [*map(split, lines(family.OPENING)), *drawn, *map(split, lines(family.CLOSING))]


def lines(text):
    """The lines of a text that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]

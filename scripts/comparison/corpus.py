"""What is played: every transcript, and sequences drawn from the grammar of each family."""

from . import seen, transcript
from .compare import Sequence
from .families import FAMILIES, grammar, lines, sequences
from .words import split

# The transcripts that go with a family, played once where one of several shares them.
FOLDERS = {"json": ["json"], "bf": ["bloom"], "ft": ["search"], "ts": ["timeseries"]}
DIGESTS = {"json": "a b c d", "bf": "small fixed own other", "cf": "small fixed own other", "cms": "a b c d",
           "topk": "wide broad narrow", "tdigest": "a b c d", "ts": "a b small sums new"}


def corpus(families, seed, count, digests=False, absent=frozenset()):
    """Every sequence of these families, without the absent commands.

    With `digests`, each ends with what the server makes of its values, and there is a sequence of what it says of us.
    """
    if digests and families == list(FAMILIES):
        yield Sequence("seen", "seen from the server", list(map(split, lines(seen.LINES))))
    for folder in ["native", *(folder for name in families for folder in FOLDERS.get(name, []))]:
        for name, steps in transcript.all_of([folder]):
            yield Sequence("transcripts", name, [step.command for step in steps], steps)
    for name in families:
        last = [[b"DEBUG", b"DIGEST-VALUE", *DIGESTS[name].encode().split()]] if digests and name in DIGESTS else []
        for label, commands in sequences(name, seed, count):
            yield Sequence(name, label, [words for words in commands if words[0].upper() not in absent] + last)


def not_drawn(commands, families):
    """The commands of a server with our modules that no grammar of these families draws."""
    missing = set()
    for name in families:
        prefix = f"{name.upper()}."
        known = {each.encode() for each in grammar(name).names()}
        missing |= {each.decode() for each in commands if each.startswith(prefix.encode()) and each not in known}
    return sorted(missing)


def lacking(commands, families):
    """The families of which a server has no command, and the commands that it lacks of the others."""
    drawn = {name: {each.upper().encode() for each in grammar(name).names() if "." in each} for name in families}
    without = [name for name in families if not drawn[name] & commands]
    absent = {each for name in families if name not in without for each in drawn[name] - commands}
    return without, absent


def listing(families):
    """What each family plays, as lines."""
    for name in families:
        module = FAMILIES[name]
        yield f"{name}: {module.__doc__.strip()}"
        yield "  commands: " + ", ".join(sorted(grammar(name).names()))
        for folder in FOLDERS.get(name, []):
            for label, steps in transcript.all_of([folder]):
                yield f"  transcript: {label}, {len(steps)} commands"

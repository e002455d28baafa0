"""The table of the targets of search."""

from ..table import Line, plain
from . import churn, planner
from .sweep import at_recall

PEERS = ("measured elsewhere",)

GRAPH = "most of a search is reading rows that are not in the cache, and the peer reads rows of the same size"
COMMAND = ("the graph is about half of it (in-process, below): a module's command that does nothing else takes a server "
           "some 10 us of CPU, words and reply some 5, and handing a search to another thread and back some 20 to 25 more")
WRITE = "a graph is built by the same rule as the peer's and looks at about as many vectors"
MAIN = "the hash and its vector are written by the server, read again through the module API and queued"
SHORT = ("the command, its words and its reply, and waking the other thread; a search that is expected to take less than "
         "`inline-us` is done in the main thread, as handing it over takes that about as long")
FILTER = ("of 50,000 vectors: 1 % are 500 of 1.5 kB that lie far apart, and are read from memory one by one; 10 % are found by "
          "way of the graph, where a search needs a larger ef for the same recall")
TABLES = ("the graph has what the in-process table says beside its rows; the rest is the table of documents with "
          "their keys, and room to grow")
RESTART = "vectors are copied from the keys and each link is checked while the graph is read"


def engine(results, measure, label):
    """What one engine took in one measure, or None."""
    return results.figures.get(measure, {}).get(label)


def search(measure, quantization, recall, cost=lambda point: point.cpu):
    """Reads microseconds a search at a recall."""
    def read(results, label):
        found = engine(results, measure, named(measure, label, quantization))
        return found and at_recall(found.points, recall, cost)
    return read


def named(measure, label, quantization):
    """The name of our engine: those in a process of their own have no subject."""
    if measure.startswith("core"):
        return "Keyspan SQ8" if quantization == "SQ8" else "Keyspan"
    return f"{label} {quantization}"


def over(read, measure, peer, recall):
    """Reads a cost over a peer's of the same run."""
    def ratio(results, label):
        ours, other = read(results, label), engine(results, measure, peer)
        theirs = other and at_recall(other.points, recall)
        return ours / theirs if ours and theirs else None
    return ratio


def wire(name, quantization, peer, recall, limit):
    """A line of server CPU a search over that of a peer."""
    title = f"`FT.SEARCH` KNN 10, {name}, {quantization}, recall {recall}: server CPU over `VSIM` {peer}"
    return Line(title, (None,), limit, plain(2), over(search(name, quantization, recall), name, f"VSIM {peer}", recall),
                why=COMMAND)


def core(measure, words, quantization, peer, limit, peers=None):
    """A line of CPU a search in a process over that of a peer."""
    title = f"in-process, {words}, {quantization}, recall 0.95: CPU over {peer}"
    return Line(title, (peers,), limit, plain(2), over(search(measure, quantization, 0.95), measure, peer, 0.95), why=GRAPH)


def built(measure, words, label, peer, limit):
    """A line of CPU to build over that of a peer."""
    def read(results, _label):
        ours, other = engine(results, measure, label), engine(results, measure, peer)
        return ours.build / other.build if ours and other else None
    return Line(f"build, {words}, {label}: CPU a vector over {peer}", (None,), limit, plain(2), read, why=WRITE)


def avx2(results, _label):
    """Reads a search with kernels for AVX2 over hnswlib's made for AVX2."""
    ours, other = (engine(results, "core-debian", name) for name in ("Keyspan, AVX2", "hnswlib, AVX2"))
    if not (ours and other):
        return None
    costs = at_recall(ours.points, 0.95), at_recall(other.points, 0.95)
    return costs[0] / costs[1] if all(costs) else None


def of(measure, quantization, read):
    """Reads a figure of one engine over the wire."""
    def figure(results, label):
        found = engine(results, measure, f"{label} {quantization}")
        return read(found) if found else None
    return figure


def filtered(share, limit, peers):
    """A line of server CPU a search under a filter, at recall .95."""
    def read(found):
        points = found.filters.get(("r", share))
        return points and at_recall(points, 0.95)
    return Line(f"filter of {share * 100:g} %, debian, FLOAT32, recall 0.95: server CPU us", (peers,), limit, plain(0),
                of("debian", "FLOAT32", read), why=FILTER)


LINES = (
    core("core-debian", "debian", "FLOAT32", "hnswlib", 1 / 1.2, "0.93 (prototype)"),
    core("core-debian", "debian", "SQ8", "hnswlib", 1 / 2.5, "0.43 (prototype)"),
    core("core-debian", "debian", "FLOAT32", "faiss", None),
    core("core-wide", "768-d", "FLOAT32", "hnswlib", 1 / 1.2, "0.88 (prototype)"),
    core("core-wide", "768-d", "SQ8", "hnswlib", 1 / 2.5, "0.35 (prototype)"),
    core("core-wide", "768-d", "FLOAT32", "faiss", None),
    Line("in-process, debian, AVX2 alone, recall 0.95: CPU over hnswlib built for AVX2", (None,), 1 / 1.2, plain(2), avx2,
         why=GRAPH),
    built("core-debian", "debian", "Keyspan", "hnswlib", 1 / 1.2),
    built("core-debian", "debian", "Keyspan SQ8", "hnswlib", 1 / 2.5),
    built("core-wide", "768-d", "Keyspan", "hnswlib", 1 / 1.2),
    built("core-wide", "768-d", "Keyspan SQ8", "hnswlib", 1 / 2.5),
    *(wire("debian", "FLOAT32", "NOQUANT", recall, 1 / 3) for recall in (0.95, 0.98)),
    *(wire("debian", "SQ8", "NOQUANT", recall, 1 / 3) for recall in (0.95, 0.98)),
    *(wire("debian", quantization, "Q8", recall, 1 / 2) for quantization in ("FLOAT32", "SQ8") for recall in (0.95, 0.98)),
    Line("`FT.SEARCH` KNN 10, 128-d L2 clustered, FLOAT32, recall 0.998: server CPU us", ("65 (RediSearch 2.10)",), 35,
         plain(0), search("clustered", "FLOAT32", 0.998), why=COMMAND),
    Line("`HSET` of a 128-d vector: all CPU us", ("816 (RediSearch)",), 400, plain(0),
         of("clustered", "FLOAT32", lambda found: found.write[0]), why=WRITE),
    Line("`HSET` of a 128-d vector: main thread us", ("816 (RediSearch)",), 30, plain(1),
         of("clustered", "FLOAT32", lambda found: found.write[1]), why=MAIN),
    Line("`HSET` of a 384-d vector: main thread us", (None,), 30, plain(1),
         of("debian", "FLOAT32", lambda found: found.write[1]), why=MAIN),
    Line("one search, debian, FLOAT32, recall 0.95: main thread us", (None,), 30, plain(1),
         search("debian", "FLOAT32", 0.95, lambda point: point.main), why=SHORT),
    Line("index memory beyond raw, 384-d, bytes a vector", ("757 (vector sets)",), 200, plain(0),
         of("debian", "FLOAT32", lambda found: found.memory - found.raw), why=TABLES),
    Line("index memory beyond raw, 128-d, bytes a vector", ("305 to 390 (hnswlib)",), 200, plain(0),
         of("clustered", "FLOAT32", lambda found: found.memory - found.raw), why=TABLES),
    Line("reload from RDB, 384-d, beyond the keys, us a vector", ("10.7 (vector sets), 673 (RediSearch)",), 5, plain(1),
         of("debian", "FLOAT32", lambda found: found.reload - found.reload_keys), why=RESTART),
    Line("reload from RDB, 384-d, with the keys, us a vector", ("10.7 (vector sets)",), None, plain(1),
         of("debian", "FLOAT32", lambda found: found.reload)),
    filtered(0.01, 20, "109 (RediSearch, 20k)"),
    filtered(0.1, 150, "963 (RediSearch, 20k)"),
    *churn.LINES,
    *planner.LINES,
)

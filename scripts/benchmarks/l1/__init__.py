"""The section "The client-side cache": hits beside other caches, hit ratios, what goes over the wire, and a traced
mix of reads. The figures come from `cargo bench -p keyspan-l1 --bench figures`."""

import json
import os
import subprocess

from ..measure import say
from ..page import machine
from ..server import ROOT, Server
from ..table import Results
from . import pictures
from .tables import hits, others, ratios, targets

TITLE = "The client-side cache"
MODULE = None
NAMES = ("hits", "threads", "insert", "ratios", "flights", "mix")
# As users build who ask for no link-time optimization; it also builds in a tenth of the time.
PROFILE = {"CARGO_PROFILE_BENCH_LTO": "off", "CARGO_PROFILE_BENCH_CODEGEN_UNITS": "16"}

TEXT = """{targets}

"Best known" was measured elsewhere, on another machine, of caches that neither expire entries nor check them;
it is a constant of the script, and so is "to reach". From run to run a hit among 1,000 keys differs by 8 % here,
and one among 100,000, which waits for memory that other machines share, by a factor of two (105 to 220 were
seen, quick_cache beside it 169 to 254): its place among the others is what repeats.

### Hits, ns

{hits}

![A hit](plots/l1-hits.svg)

### Requests answered from memory, at a capacity of a tenth of the keys, %

{ratios}

### A mix of reads

{mix}

![A mix of reads, traced](plots/l1-mix.svg)

{others}

### Goals that are missed, and why

* Keys of 24 B, by key handle, and by reference where it misses: a hit compares the whole key, looks at its life and at the proof that it is
  fresh, and asks for the lines of the entry ahead. That last step costs a nanosecond or two where all is near,
  and takes a fifth from a hit among 100,000 keys.
* Insert and evict: an entry is a block of memory with its name and bytes, made and freed for each, and the caches
  that are best known get two numbers. "Of such entries" is quick_cache with the same blocks.
* Invalidation: what the kernel takes to wake a thread, read a socket and put the thread to sleep is as much
  on this machine ("epoll_wait and read alone"); pushes that come together cost a tenth of it each.

{machine}

### How the cache is measured

* Hits: thread CPU time of hits each of which depends on the one before, keys by Zipf's law (0.99), the first byte
  of the value looked at. All take turns in one process, each warmed by ten rounds before the one that counts; a
  round is measured in parts of 8,192 hits, and the mean of the least of each part is shown. Each key has a value of its
  own; "one value" is where all keys of the cache share one, which is then always near. L1 runs as it
  always does: with the lives of entries, staleness check, counts and eviction. The others expire nothing here and
  check nothing (redis-rs does); all but redis-rs and L1 hash by foldhash.
* Two threads: a hit while another thread does the same, over a hit alone.
* Hit ratios: 2 million requests for 100,000 keys by Zipf's law; half of them replaced by keys that come once; by a
  loop over 15,000 other keys; with ranks that move by one key each 100 requests. Capacity: 10,000 entries.
* Invalidation: what the I/O thread spends for each push, by the scheduler's count: to be woken, to read, to parse and to
  apply it, and to sleep again. Most of it is the kernel's: beside it runs a thread that is told of the same changes
  and does nothing but `epoll_wait` and `read`. The target counts from when the bytes can be read until the change
  is visible, which is not measured by itself: it is less than the whole, and more than what L1 spends beyond that
  thread. "Of 300 at once" is for each of 300 pushes that come together.
* The mix: between L1 and the server is a thread that holds what comes for 40 us each way, looking at the clock and never
  sleeping, so that waking it costs nothing; the rest is what loopback and the server take. The database spends 50
  us, looking at the clock too; what it gives is then written to the server and read back, so such a read takes three round
  trips and that. 5 % of the reads are of keys that only the database has, the others by Zipf's law of 20,000
  that the server has, of which L1 has room for a tenth. "As predicted" is the sum of the shares times what a read of the
  server and one of the database take.
"""


def measure(found, only):
    """Runs the parts that `only` names, all if it is empty."""
    results = Results()
    with Server(found[0]) as server:
        say("building")
        line = ["cargo", "bench", "-q", "-p", "keyspan-l1", "--bench", "figures", "--", *only]
        url = {"KEYSPAN_L1_URL": f"redis://127.0.0.1:{server.port}"}
        run = subprocess.Popen(line, cwd=ROOT, env={**os.environ, **PROFILE, **url}, stdout=subprocess.PIPE, text=True)
        last = None
        for text in run.stdout:
            if not text.startswith("{"):
                continue
            figure = json.loads(text)
            if figure["figure"] != last:
                last = figure["figure"]
                say(last)
            results.figures[(figure["figure"], figure["subject"])] = figure["value"]
        if run.wait() != 0:
            raise RuntimeError("the bench failed")
    return results


def table(results, _labels):
    """The table of targets."""
    return targets(results.figures)


def details(results, _labels):
    """The other tables."""
    return "\n\n".join((hits(results.figures), ratios(results.figures), others(results.figures)))


def section(results, _labels, servers):
    """The section's text; draws its pictures."""
    figures = results.figures
    pictures.hits(figures)
    pictures.mix(figures)
    return TEXT.format(
        targets=targets(figures),
        hits=hits(figures),
        ratios=ratios(figures),
        mix=mix(figures),
        others=others(figures),
        machine=machine(servers),
    )


def mix(figures):
    """What the mix has shown, in a sentence."""
    def share(place):
        return figures.get(("mix share", place), 0) * 100

    def us(what):
        return figures.get(("mix us", what), 0)

    return (
        f"Without L1 a read takes {us('without'):.0f} us in the mean (the server {us('server'):.0f}, the database "
        f"{us('database'):.0f}). With it, {share('l1'):.1f} % are answered by L1, {share('server'):.1f} % by the server "
        f"and {share('database'):.1f} % by the database: {us('with'):.0f} us, where {us('predicted'):.0f} are predicted."
    )

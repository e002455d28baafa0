"""The t-digest's error, by the program of the core crate that measures it."""

import subprocess

from ..server import ROOT


def measure():
    """What the program prints."""
    line = ["cargo", "run", "--release", "--quiet", "--package", "keyspan-bloom-core", "--example", "accuracy"]
    return subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

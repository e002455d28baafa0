"""Charts of text: in blocks of an eighth of a line where a terminal shows them, in ASCII elsewhere."""

import shutil
import sys
from dataclasses import dataclass

HEIGHT = 8
WIDTH = 120
BLOCKS = " " + "".join(chr(0x2581 + eighth) for eighth in range(8))
# By how much of a cell is filled, and by how large a value is.
MARKS, SHADES = " .:#", " .:-=+*#%@"


@dataclass(frozen=True)
class Ink:
    """What a chart is drawn with: the parts of a cell and of a line, from nothing to all of it."""

    cells: str
    steps: str
    width: int

    @classmethod
    def of_terminal(cls):
        """What standard output can show."""
        if sys.stdout.isatty() and (sys.stdout.encoding or "").lower().replace("-", "") == "utf8":
            return cls(BLOCKS, BLOCKS, shutil.get_terminal_size().columns)
        return cls(MARKS, SHADES, WIDTH)

    def chart(self, values, below):
        """Lines of a chart of a column a value, from the least to the greatest of them."""
        low, high = min(values), max(values)
        parts = HEIGHT * (len(self.cells) - 1)
        filled = [1 + round((value - low) / ((high - low) or 1) * (parts - 1)) for value in values]
        for row in reversed(range(HEIGHT)):
            edge = f"{low + (high - low) * (row + 1) / HEIGHT:6.1f} |"
            yield edge + "".join(self.cell(part, row) for part in filled)
        yield " " * 8 + below.rstrip()

    def cell(self, filled, row):
        """One cell of a column that is filled by so many parts."""
        most = len(self.cells) - 1
        return self.cells[min(most, max(0, filled - row * most))]

    def line(self, values):
        """A chart of one line."""
        low, high = min(values), max(values)
        most = len(self.steps) - 1
        return "".join(self.steps[1 + round((value - low) / ((high - low) or 1) * (most - 1))] for value in values)

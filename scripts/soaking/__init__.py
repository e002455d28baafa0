"""A long run of everything at once: load, models of what was acknowledged, an operator, and what it cost."""

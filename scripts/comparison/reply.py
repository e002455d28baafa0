"""A reply as a tree, as a line that a person can read, and as what is left of it when some of it may differ.

A tree is `(kind, value)`; the kind is the first byte of the RESP line as text, `nil` in any of its forms
included, and the value bytes, a list of trees, or None.
"""

import json
import math
import re

from .words import escape

NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|inf|nan)")


def parsed(raw):
    """The tree of a reply's bytes."""
    if not raw or raw[:1] == b"(" and not raw[1:2].isdigit():
        return ("closed", raw.strip())
    return element(raw, 0)[0]


def element(raw, at):
    """The tree that begins here, and where it ends."""
    line_end = raw.index(b"\r\n", at)
    kind, rest = chr(raw[at]), raw[at + 1 : line_end]
    at = line_end + 2
    if kind in "$=!":
        if rest == b"-1":
            return (kind, None), at
        size = int(rest)
        return (kind, raw[at : at + size]), at + size + 2
    if kind not in "*~%|>":
        return (kind, rest), at
    if rest == b"-1":
        return (kind, None), at
    items = []
    for _ in range(int(rest) * (2 if kind in "%|" else 1)):
        item, at = element(raw, at)
        items.append(item)
    return (kind, items), at


def shown(tree):
    """The tree on one line: `"bulk"`, `+simple`, `:1`, `,1.5`, `#t`, nil, `[..]`, `%{k=>v}`, `~[..]`."""
    kind, value = tree
    if value is None:
        return "nil*" if kind == "*" else "nil"
    if isinstance(value, list):
        return shown_list(kind, [shown(item) for item in value])
    text = "".join(map(escape, value)) if kind in "$=!" else value.decode("latin-1").encode("unicode_escape").decode()
    if kind == "_":
        return "null"
    return {"$": f'"{text}"', "=": f'="{text}"', "!": f'!"{text}"', "closed": text}.get(kind, kind + text)


def shown_list(kind, items):
    """The items of an aggregate in its brackets."""
    if kind in "%|":
        pairs = ", ".join(f"{key}=>{value}" for key, value in zip(items[::2], items[1::2]))
        return f"{kind}{{{pairs}}}"
    return f"{'' if kind == '*' else kind}[{', '.join(items)}]"


def doubles(tree):
    """Numbers as their nearest double, so that it does not count with how many digits they are told."""
    kind, value = tree
    if isinstance(value, list):
        return (kind, [doubles(item) for item in value])
    if kind in "$+," and value is not None and NUMBER.fullmatch(value):
        return (kind, repr(float(value)).encode())
    return tree


def rounded(tree):
    """Numbers, also within texts, to 14 digits."""
    kind, value = tree
    if isinstance(value, list):
        return (kind, [rounded(item) for item in value])
    if kind in "$+,=" and value is not None:
        return (kind, NUMBER.sub(lambda found: b"%.14g" % finite(found[0]), value))
    return tree


def finite(text):
    """A number that prints: infinities as the greatest."""
    number = float(text)
    return number if math.isfinite(number) else 1.7e308


def members(tree):
    """Objects in JSON texts with their members in the order of their names."""
    kind, value = tree
    if isinstance(value, list):
        return (kind, [members(item) for item in value])
    if kind == "$" and value and value[:1] in b"{[":
        try:
            return (kind, json.dumps(json.loads(value), sort_keys=True).encode())
        except ValueError:
            return tree
    return tree


def matches(tree):
    """Lists in JSON texts in the order of what their items look like."""
    kind, value = tree
    if isinstance(value, list):
        return (kind, [matches(item) for item in value])
    if kind == "$" and value and value[:1] == b"[":
        try:
            return (kind, json.dumps(sorted(json.loads(value), key=json.dumps)).encode())
        except ValueError:
            return tree
    return tree


def unordered(tree):
    """Lists in the order of what their items show; maps in that of their keys."""
    kind, value = tree
    if not isinstance(value, list):
        return tree
    items = [unordered(item) for item in value]
    if kind not in "%|":
        return (kind, sorted(items, key=shown))
    pairs = sorted(zip(items[::2], items[1::2]), key=lambda pair: shown(pair[0]))
    return (kind, [item for pair in pairs for item in pair])


# What a rule may name behind `as:`.
FORMS = {"doubles": doubles, "rounded": rounded, "matches": matches, "members": members, "unordered": unordered}

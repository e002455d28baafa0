"""The known differences: rules beside the prose of docs/differences.md.

A section of the page may hold any number of rules, each in a comment of its own:

    <!-- parity: JSON.GET JSON.MGET
    where: \\?\\(.*!
    as: members
    -->

The first line names commands, `*` for any letters. The lines behind it, each at most once:

* `between: servers`: the difference is one of two servers that both have our modules; `peers` (what is
  understood) is the peer's module on the one side and ours on the other; `any` is both.
* `server: NAME`: one of the two servers has this name (`*` for any letters).
* `protocol: 2` or `3`: in this protocol only.
* `after: COMMAND..`: one of these came before it in the sequence.
* `where: REGEX`: is found in the command as a line.
* `theirs: REGEX`, `ours: REGEX`: are found in the two replies as they are shown; between servers, in either order.
* `mask: REGEX`: what it matches in either reply, as it is shown, may differ, or not be there.
* `as: FORM..`: the replies are equal in these forms of scripts/comparison/reply.py.
* `then: key may differ`: so may, from there on, replies to commands that name the same key (or index);
  `then: key may differ, always`: so they may even where the replies to this command are equal.

A rule with neither `mask` nor `as` lets the whole reply differ. A rule with `page: only` covers no reply: it
says that the section concerns these commands, on docs/parity.md.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from .reply import FORMS, parsed, shown
from .words import joined

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "differences.md"
RULE = re.compile(r"^## (\S+)$|^<!-- parity: (.*?)-->$", re.MULTILINE | re.DOTALL)
FIELDS = {"between", "after", "server", "protocol", "where", "theirs", "ours", "mask", "as", "then", "page"}


@dataclass(eq=False)
class Rule:
    """One rule, and how often it was needed."""

    section: str
    commands: list
    fields: dict
    used: int = field(default=0)

    @classmethod
    def parse(cls, section, text):
        """From the text of its comment."""
        first, *lines = text.strip().splitlines()
        fields = dict(line.split(": ", 1) for line in lines)
        unknown = set(fields) - FIELDS | set(fields.get("as", "").split()) - set(FORMS)
        if unknown:
            raise ValueError(f"docs/differences.md, {section}: no rule has {', '.join(sorted(unknown))}")
        for name in ("where", "theirs", "ours", "mask"):
            if name in fields:
                fields[name] = re.compile(fields[name], re.DOTALL)
        return cls(section, first.split(), fields)

    def names(self, command):
        """Whether it is about this command, by its name."""
        return any(fnmatchcase(command.upper(), pattern) for pattern in self.commands)

    def holds(self, case):
        """Whether it is about a command in this case at all."""
        fields = self.fields
        if "page" in fields or fields.get("between", "peers") not in ("any", case.between):
            return False
        if "server" in fields and not any(fnmatchcase(name, fields["server"]) for name in case.servers):
            return False
        if fields.get("protocol", str(case.protocol)) != str(case.protocol):
            return False
        if "after" in fields and not case.before.intersection(fields["after"].encode().split()):
            return False
        line = joined(case.command)
        return self.names(line.split(" ")[0]) and ("where" not in fields or fields["where"].search(line))

    def sees(self, theirs, ours):
        """Whether the two replies, as they are shown, are those that it is about."""
        def found(first, second):
            pairs = (("theirs", first), ("ours", second))
            return all(name not in self.fields or self.fields[name].search(text) for name, text in pairs)

        either = self.fields.get("between", "peers") != "peers"
        return found(theirs, ours) or (either and found(ours, theirs))

    def covers_all(self):
        """Whether the whole reply may differ."""
        return "mask" not in self.fields and "as" not in self.fields

    def form(self, tree):
        """What of a reply has to be equal, as a tree."""
        for name in self.fields.get("as", "").split():
            tree = FORMS[name](tree)
        return tree

    def masked(self, text, mark):
        """What of a reply has to be equal, as it is shown, with a mark in place of the rest."""
        return self.fields["mask"].sub(mark, text) if "mask" in self.fields else text

    def __str__(self):
        fields = [f"{name}: {getattr(value, 'pattern', value)}" for name, value in self.fields.items()]
        return "; ".join([f"{self.section}: {' '.join(self.commands)}", *fields])


@dataclass
class Case:
    """A command that was played on two servers, the names of those before it, and where."""

    command: list
    before: set
    protocol: int
    servers: tuple
    between: str


class Differences:
    """All rules of the page."""

    def __init__(self, page=PAGE):
        section, self.rules = None, []
        self.sections = []
        for found in RULE.finditer(Path(page).read_text()):
            if found[1]:
                section = found[1]
                self.sections.append(section)
            else:
                self.rules.append(Rule.parse(section, found[2]))
        self.always = [rule for rule in self.rules if rule.fields.get("then", "").endswith("always")]

    def explain(self, case, theirs, ours):
        """The rules by which two replies may differ; empty where none do."""
        rules = [rule for rule in self.rules if rule not in self.always and rule.holds(case)]
        if not rules:
            return []
        trees = parsed(theirs), parsed(ours)
        rules = [rule for rule in rules if rule.sees(*map(shown, trees))]
        for few in [*([rule] for rule in rules), rules]:
            if few and self.equal(few, *trees):
                for rule in few:
                    rule.used += 1
                return few
        return []

    @staticmethod
    def equal(rules, theirs, ours):
        """Whether nothing else differs."""
        return any(rule.covers_all() for rule in rules) or reduced(rules, theirs) == reduced(rules, ours)

    def uncovered(self, case, theirs, ours):
        """The two replies as they are shown, without what may differ."""
        trees = parsed(theirs), parsed(ours)
        rules = [rule for rule in self.rules if rule.holds(case) and rule.sees(*map(shown, trees))]
        return [reduced(rules, tree, "(..)") for tree in trees]

    def parts(self, case, reply):
        """Whether a key may differ after a command on which both agree."""
        rules = [rule for rule in self.always if rule.holds(case)]
        text = shown(parsed(reply)) if rules else ""
        parting = [rule for rule in rules if rule.sees(text, text)]
        for rule in parting:
            rule.used += 1
        return bool(parting)

    def unused(self, between, played):
        """The rules for such pairs, and for commands that were played, that nothing needed."""
        about = [rule for rule in self.rules if rule.fields.get("between", "peers") in (between, "any")]
        unused = [rule for rule in about if not rule.used and "page" not in rule.fields]
        return [rule for rule in unused if any(rule.names(name) for name in played)]


def reduced(rules, tree, mark=""):
    """A reply as it is shown, in the forms of the rules, with a mark in place of what they mask."""
    for rule in rules:
        tree = rule.form(tree)
    text = shown(tree)
    for rule in rules:
        text = rule.masked(text, mark)
    return text

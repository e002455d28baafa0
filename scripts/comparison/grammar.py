"""Commands drawn from their syntax, as it is documented.

A production is a line such as

    2 BF.RESERVE key rate capacity [EXPANSION number] [NONSCALING]

* A number in front says how often it is drawn beside the others (1).
* Words with a lower-case letter first are symbols: the family says what they stand for. Others are meant.
* `[..]` may be left out; several in a row come in any order.
* `<a | b>` is one of several; `(..)+` is repeated, as is a single `x+`.

Some commands are spoiled afterwards: a word goes, comes twice, or becomes something that it must not be.
"""

import re

from .words import split

TOKEN = re.compile(r"[\[\]<>|()]\+?|[^\s\[\]<>|()]+")
REPEATS_MAX = 4
OPTION_SHARE, SPOILED_SHARE, TWICE_SHARE, CASE_SHARE = 0.3, 0.1, 0.03, 0.03
ODD_SHARE = 0.06

# What an argument may be in place of what it should be.
HOSTILE = [
    b"", b"nan", b"-nan", b"inf", b"-inf", b"+inf", b"1e400", b"-1", b"0", b"1", b"2", b"-0", b"1.5", b".5", b"5.",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"-9223372036854775809",
    b"18446744073709551615", b"18446744073709551616", b"99999999999999999999999", b"abc", b"\xff\xfe", b"\xc3\x28",
    b"a\x00b", b" 1", b"1 ", b"+1", b"0x10", b"1e3", b"1E-3", b"01", b"(1", b"*", b"$", b"-", b"+", b"None", b"x" * 300,
]


class Grammar:
    """The productions of a family, and its symbols: texts of choices, or functions of a random source."""

    def __init__(self, productions, symbols, option_share=OPTION_SHARE):
        self.option_share = option_share
        self.symbols = {name: split(what) if isinstance(what, str) else what for name, what in symbols.items()}
        self.productions, self.weights = [], []
        for line in filter(None, map(str.strip, productions.splitlines())):
            weight, tokens = 1, TOKEN.findall(line)
            if tokens[0].isdigit():
                weight, tokens = int(tokens[0]), tokens[1:]
            node, rest = self.sequence(tokens)
            if rest:
                raise ValueError(f"a bracket too many: {line}")
            self.productions.append(node)
            self.weights.append(weight)

    def names(self):
        """The commands that it can draw."""
        return {node[1][0][1].decode() for node in self.productions}

    def sequence(self, tokens):
        """What stands here up to a closing bracket, as a node, and the rest."""
        nodes = []
        while tokens and tokens[0] not in ("]", ">", "|", ")", ")+"):
            node, tokens = self.node(tokens)
            nodes.append(node)
        return ("all", nodes), tokens

    def node(self, tokens):
        """The node that begins here, and the rest."""
        token, *tokens = tokens
        if token == "[":
            inner, (_, *tokens) = self.sequence(tokens)
            return ("option", inner), tokens
        if token == "(":
            inner, (closing, *tokens) = self.sequence(tokens)
            return ("many" if closing == ")+" else "all", [inner] if closing == ")" else inner), tokens
        if token == "<":
            branches = []
            while token != ">":
                inner, (token, *tokens) = self.sequence(tokens)
                branches.append(inner)
            return ("one", branches), tokens
        if token.endswith("+") and token[0].islower():
            return ("many", self.leaf(token[:-1])), tokens
        return self.leaf(token), tokens

    def leaf(self, token):
        """A word that is meant, or a symbol."""
        if not token[0].islower():
            return ("word", token.encode())
        if token not in self.symbols:
            raise ValueError(f"no symbol is named {token}")
        return ("symbol", token)

    def draw(self, random):
        """One command."""
        node = random.choices(self.productions, self.weights)[0]
        words = self.words(node, random)
        if random.random() < SPOILED_SHARE:
            spoil(words, random)
        return words

    def words(self, node, random):
        """The words of a node."""
        kind, what = node
        if kind == "word":
            return [what if random.random() > CASE_SHARE else what.lower()]
        if kind == "symbol":
            return self.symbol(what, random)
        if kind == "one":
            return self.words(random.choice(what), random)
        if kind == "many":
            return [word for _ in range(repeats(random)) for word in self.words(what, random)]
        if kind == "option":
            return self.words(what, random) if random.random() < self.option_share else []
        return self.all_of(what, random)

    def symbol(self, name, random):
        """What a symbol stands for: one word, or several."""
        what = self.symbols[name]
        drawn = what(random) if callable(what) else random.choice(what)
        drawn = drawn if isinstance(drawn, list) else [drawn]
        return [word.encode() if isinstance(word, str) else word for word in drawn]

    def all_of(self, nodes, random):
        """Nodes in a row, where options that stand together come in any order."""
        words, options = [], []
        for node in nodes:
            if node[0] == "option":
                options.append(node)
                continue
            words += [*self.options(options, random), *self.words(node, random)]
            options = []
        return words + self.options(options, random)

    def options(self, nodes, random):
        """Some of the options, in any order, now and then one of them twice."""
        if random.random() < 0.5:
            nodes = random.sample(nodes, len(nodes))
        drawn = [self.words(node, random) for node in nodes]
        if nodes and random.random() < TWICE_SHARE:
            drawn.append(self.words(random.choice(nodes)[1], random))
        return [word for words in drawn for word in words]


def usually(good, odd, share=ODD_SHARE):
    """A symbol that is one of the good words, and seldom one of the odd ones."""
    good, odd = split(good), split(odd)
    return lambda random: random.choice(odd if random.random() < share else good)


def phrases(text):
    """A symbol that is one of these lines, each as its words; behind `x6` it is six times as frequent."""
    drawn = []
    for words in map(split, filter(str.strip, text.splitlines())):
        times, words = (int(words[0][1:]), words[1:]) if words[0][:1] == b"x" and words[0][1:].isdigit() else (1, words)
        drawn += [words] * times
    return drawn


def repeats(random):
    """How often something is repeated: seldom more than a few times."""
    return random.choice([1, 1, 2, 2, 3, REPEATS_MAX])


def spoil(words, random):
    """Changes a command in place into one that is probably wrong."""
    at = random.randrange(1, len(words)) if len(words) > 1 else 0
    way = random.randrange(6)
    if at == 0 or way == 0:
        words.append(random.choice(HOSTILE))
    elif way == 1:
        del words[at]
    elif way == 2:
        words.insert(at, words[at])
    elif way == 3:
        del words[at:]
    else:
        words[at] = random.choice(HOSTILE)

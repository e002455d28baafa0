"""Command lines as redis-cli splits and as a person can paste them."""

LETTERS = {"n": 10, "r": 13, "t": 9, "a": 7, "b": 8}
PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:,/*+-=@%^~")


def split(line):
    """The words of a line, as bytes; ValueError where a quote is open."""
    text = line.encode() if isinstance(line, str) else line
    words, at = [], 0
    while True:
        while at < len(text) and text[at] in b" \t\r\n":
            at += 1
        if at == len(text):
            return words
        word, at = one(text, at)
        if at < len(text) and text[at] not in b" \t\r\n":
            raise ValueError(f"text behind a closing quote: {line!r}")
        words.append(word)


def one(text, at):
    """The word that begins here, and where it ends."""
    if text[at] == ord('"'):
        return double_quoted(text, at + 1)
    if text[at] == ord("'"):
        return single_quoted(text, at + 1)
    end = at
    while end < len(text) and text[end] not in b" \t\r\n":
        end += 1
    return bytes(text[at:end]), end


def single_quoted(text, at):
    """The word up to the next single quote."""
    word = bytearray()
    while at < len(text) and text[at] != ord("'"):
        at += text[at : at + 2] == b"\\'"
        word.append(text[at])
        at += 1
    if at >= len(text):
        raise ValueError("an open quote")
    return bytes(word), at + 1


def double_quoted(text, at):
    """The word up to the next double quote, without escapes."""
    word = bytearray()
    while at < len(text) and text[at] != ord('"'):
        if text[at] == ord("\\"):
            byte, at = escaped(text, at + 1)
            word.append(byte)
        else:
            word.append(text[at])
            at += 1
    if at >= len(text):
        raise ValueError("an open quote")
    return bytes(word), at + 1


def escaped(text, at):
    """The byte that the text after a backslash stands for, and where it ends."""
    if text[at : at + 1] == b"x":
        digits = text[at + 1 : at + 3]
        if len(digits) == 2 and all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            return int(digits, 16), at + 3
    if at >= len(text):
        raise ValueError("an open quote")
    return LETTERS.get(chr(text[at]), text[at]), at + 1


def quoted(word):
    """One word as it can be pasted."""
    if word and all(byte in PLAIN for byte in word):
        return word.decode()
    if b"'" not in word and b"\\" not in word and all(32 <= byte < 127 for byte in word) and word:
        return f"'{word.decode()}'"
    return '"' + "".join(map(escape, word)) + '"'


def escape(byte):
    """A byte within double quotes."""
    if byte in b'"\\':
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"


def joined(command):
    """A command as a line."""
    return " ".join(map(quoted, command))

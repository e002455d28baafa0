"""The fewest commands that still show a difference (delta debugging)."""


def shrunk(items, fails, words_of, with_words):
    """The fewest items, and the fewest words in them, for which `fails` is still true.

    `words_of(item)` are its words, and `with_words(item, words)` is the item with others.
    """
    items = fewest(items, fails)
    for at, item in enumerate(items):
        def fails_with(words, at=at, item=item):
            return bool(words) and fails([*items[:at], with_words(item, words), *items[at + 1 :]])

        words = words_of(item)
        if len(words) > 1:
            tail = fewest(words[1:], lambda rest, first=words[0]: fails_with([first, *rest]), empty=True)
            items[at] = with_words(item, [words[0], *tail])
    return items


def fewest(items, fails, empty=False):
    """A part of the items from which none can go."""
    items, size = list(items), max(len(items) // 2, 1)
    while True:
        before = len(items)
        at = 0
        while at < len(items):
            rest = items[:at] + items[at + size :]
            if (rest or empty) and fails(rest):
                items = rest
            else:
                at += size
        if size == 1 and len(items) == before:
            return items
        size = max(size // 2, 1)

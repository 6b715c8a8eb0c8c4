"""Names that come from outside: from options, cards, checkpoints, data sets.

A name becomes a folder and a word on a terminal. What a file of somebody else
says is data: it decides neither where files go nor what a terminal does.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

MAX_BYTES = 200  # file systems take 255; suffixes come on top


def check_name(name, what: str, error: type[Exception] = ValueError) -> str:
    """Return a name that can be the last part of a path, and only that.

    Args:
        name: What was given, of any type.
        what: What it names, for the message: "A run's name".
        error: The exception to raise.

    Raises:
        error: If it is not text, is empty, "." or "..", begins with a dot or a
            dash, is too long, or holds a separator, a control character or
            something that is not Unicode.
    """
    problem = _problem(name)
    if problem:
        raise error(
            f"{what} must be one plain name, without folders. "
            f"Received: {name!r:.200}, which {problem}."
        )
    return name


def _problem(name) -> str | None:
    if not isinstance(name, str):
        return f"is of the type {type(name).__name__}"
    if not name.strip():
        return "is empty"
    if "/" in name or "\\" in name:
        return "holds a folder's separator"
    if name[0] in ".-":
        return f"begins with {name[0]!r}"
    if not is_printable(name):
        return "holds a control character, or bytes that are not text"
    if len(name.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return None


def is_printable(text: str) -> bool:
    """Return whether a text has neither control characters nor broken Unicode.

    Line breaks, escape sequences, characters that turn the direction of writing
    and the stand-ins for bytes that are not UTF-8 count as such.
    """
    return not any(map(_is_control, text))


def is_unicode(text: str) -> bool:
    """Return whether a text can be written: stands for no bytes that are none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def composed(text: str) -> str:
    """Return a text whose letters are one with their accents, as most systems write.

    The same text can be written in two ways, which look alike and are not equal.

    >>> composed("e" + chr(0x301)) == chr(0xE9)
    True
    """
    return unicodedata.normalize("NFC", text)


def as_names(class_names) -> tuple[str, ...]:
    """Return names that were given as any row of them; `None` is no names."""
    return () if class_names is None else tuple(map(str, class_names))


def printable(text) -> str:
    """Return a text for a terminal or a log, control characters written out.

    >>> printable("a" + chr(27) + "[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(
        char.encode("unicode_escape").decode() if _is_control(char) else char
        for char in str(text)
    )


def some_names(of_classes: Sequence[str], most=5) -> str:
    """Name the first few classes, printable, and say how many more there are."""
    rest = f" and {len(of_classes) - most} more" if len(of_classes) > most else ""
    return ", ".join(printable(name)[:40] for name in of_classes[:most]) + rest


def distinct_names(of_classes: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes, each that several share followed by its number.

    ImageNet has two kinds of crane, the bird and the machine. Names are `composed`,
    as those of data are.

    >>> distinct_names(["crane", "heron", "crane"])
    ('crane (0)', 'heron', 'crane (2)')
    """
    of_classes = list(map(composed, of_classes))
    count = Counter(of_classes)
    return tuple(
        name if count[name] == 1 else f"{name} ({number})"
        for number, name in enumerate(of_classes)
    )


def _is_control(char):
    if char in "\u200c\u200d":  # joiners: Persian and emoji need them
        return False
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}

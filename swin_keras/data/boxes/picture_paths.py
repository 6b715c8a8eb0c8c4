"""Paths of pictures as files of annotations write them, and how far two are alike."""

from itertools import dropwhile, takewhile

from swin_keras.names import composed


def parts_of(name) -> list[str]:
    """Return the folders and the name of a picture that a file of annotations names.

    Raises:
        ValueError: If it is none. The message says it of the name.
    """
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ValueError("is not the name of a file")
    parts = composed(name.replace("\\", "/")).split("/")
    parts = list(dropwhile(lambda part: part in (".", ".."), parts))
    if ".." in parts:
        raise ValueError("leads out of the folder")
    return parts


def same_start(one, other) -> int:
    """Count the parts at the beginning that are the same."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def same_end(one, other) -> int:
    """Count the parts at the end that are the same."""
    return same_start(one[::-1], other[::-1])

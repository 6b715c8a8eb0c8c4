"""Class names and the folders that they come from or go to."""

import re

from swin_keras.names import composed, is_printable, is_unicode

MAX_BYTES = 200  # of a folder's name; file systems take 255
# What a folder's name cannot hold, or would not be listed with; and "%" itself
# where it would be read as one of these.
UNSAFE = re.compile(
    r"^[.\-]|^__MACOSX|[/\\\x00-\x1f\x7f]|%(?=[0-9A-Fa-f]{2})|^\s|\s$", re.UNICODE
)
BACKGROUND = {"background", "_background_", "__background__"}  # names of no object


def folder_of(class_name: str) -> str:
    """Return the folder for a class, another one for every class.

    >>> folder_of("T-shirt/top"), folder_of(".."), folder_of("100%")
    ('T-shirt%2Ftop', '%2E.', '100%')
    """
    return UNSAFE.sub(lambda found: _quoted(found[0]), class_name)


def class_of(folder: str) -> str:
    """Return the class that a folder is for: `folder_of` undone.

    Other folders are as they are, but for accents that are written in two ways.
    """
    name = re.sub(r"(?:%[0-9A-F]{2})+", lambda found: _unquoted(found[0]), folder)
    return composed(name if folder_of(name) == folder else folder)


def problem_of(class_name) -> str | None:
    """Explain why a text cannot name a class, or return `None`.

    Names are lines of `labels.txt`, words on a terminal and keys in files.
    """
    if not isinstance(class_name, str):
        return f"is of the type {type(class_name).__name__}"
    if not class_name.strip():
        return "is empty"
    if not is_unicode(class_name):
        return "holds bytes that are not text (UTF-8)"
    if not is_printable(class_name):
        return "holds a line break or another control character"
    if len(folder_of(class_name).encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return None


def problems_of(class_names) -> list[str]:
    """Describe what is wrong with some names, each in a sentence."""
    problems = []
    for name in class_names:
        if problem := problem_of(name):
            problems.append(f"A class must have another name: {name!r:.200} {problem}.")
    return problems


def _quoted(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _unquoted(text):
    return bytes.fromhex(text.replace("%", "")).decode(errors="surrogateescape")

"""Texts of others in Markdown: shown as they are, whatever marks they hold."""

import re

from swin_keras.names import printable
from swin_keras.screen import plain

# Within a word, as in traffic_light, an underscore means nothing.
MARKS = re.compile(r"[\\`*\[\]<>|#&~$]|(?<![^\W_])_|_(?![^\W_])")


def as_text(text) -> str:
    """Return a text as a part of a line.

    >>> print(as_text("traffic_light | a*b"))
    traffic_light \\| a\\*b
    """
    return MARKS.sub(r"\\\g<0>", printable(text))


def as_code(text) -> str:
    """Return a text as code within a line.

    >>> as_code("swin_nano"), as_code("a`b")
    ('`swin_nano`', '`` a`b ``')
    """
    text = printable(text)
    runs = re.findall("`+", text)
    if not runs:
        return f"`{text}`"
    fence = "`" * (1 + max(map(len, runs)))
    return f"{fence} {text} {fence}"


def as_block(text) -> str:
    """Return a text as lines of code, each of its own lines for itself.

    >>> as_block("cd 'a" + chr(10) + "b'")
    "    cd 'a\\n    b'"
    """
    return "\n".join(f"    {line}" for line in plain(text).split("\n"))

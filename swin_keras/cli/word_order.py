"""The words of a command, in the order in which argparse understands them all."""

import re
from argparse import PARSER

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
AS_MANY = ("*", "+")  # values as there are


def in_order(parser, words: list[str]) -> list[str]:
    """Put files of options first, other options next, and what is no option last.

    An option that is given wins over a file wherever it stands, and images may follow
    an option: argparse takes a list of them for empty that does not follow the model.

    Args:
        parser: The parser of the command. One of several commands leaves words as they
            are, for the parser of that command.
        words: The words after the command's name. Those after `--` are no options.

    Raises:
        ValueError: If a word is empty, which would be taken for the current folder.
    """
    if any(action.nargs == PARSER for action in parser._actions):
        return words
    end = words.index("--") if "--" in words else len(words)
    files, options, others = [], [], []
    start = 0
    while start < end:
        if not _is_option(words[start]):
            others.append(words[start])
            start += 1
            continue
        name, equals, value = words[start].partition("=")
        action = parser._option_string_actions.get(name)
        count = 0 if equals else _count(name, action, words[start + 1 : end])
        group = words[start : start + 1 + count]
        if "" in group or (equals and not value):
            raise ValueError(f"`{name.replace('_', '-')}` must not be empty. {REMEDY}")
        (files if name == "--config" else options).extend(group)
        start += len(group)
    others += words[end + 1 :]
    if "" in others:
        raise ValueError(f"No word of a command may be empty. {REMEDY}")
    return [*files, *options, *(["--", *others] if others else [])]


REMEDY = (
    "Received: ''. Leave it out, or see whether a variable of the shell is set that "
    "was meant to fill it."
)


def _is_option(word):
    """Distinguish an option from a word, as argparse does."""
    name = word.partition("=")[0]
    is_word = name == "-" or " " in name or NUMBER.match(name)
    return name.startswith("-") and not is_word


def _count(name, action, following):
    """Return how many of the following words are an option's values."""
    if action is None:  # a field of an option, such as --sizes.depths; or a mistake
        wanted = 1 if "." in name else 0
    elif action.nargs in AS_MANY:
        wanted = len(following)
    else:
        wanted = 1 if action.nargs in (None, "?") else action.nargs
    takes_numbers = getattr(action, "_typehint", None) in (int, float)
    for count, word in enumerate(following[:wanted]):
        if _is_option(word):
            return count
        if takes_numbers and count and not NUMBER.match(word):
            return count  # here images begin, or models
    return min(wanted, len(following))

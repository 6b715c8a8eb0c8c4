"""The words of a command, in the order in which argparse understands them all."""

import re
import shlex

NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
AS_MANY = ("*", "+")  # values as there are
NUMBERS = (int, float)  # which end where another word begins
REMEDY = (
    "Received: ''. Leave it out, or see whether a variable of the shell is set that "
    "was meant to fill it."
)


def in_order(words: list[str], takes: dict, needs=()) -> list[str]:
    """Put files of options first, other options next, and what is no option last.

    An option that is given wins over a file wherever it stands, and images may follow
    an option: argparse takes a list of them for empty that does not follow the model.

    Args:
        words: The words after the command's name. Those after `--` are no options.
        takes: Of each option, the number of its values as argparse has it, and their
            type.
        needs: Names of the words that must be there and are no options.

    Raises:
        ValueError: If a word is empty, which would be taken for the current folder; or
            one is missing that an option has taken for its own.
    """
    end = words.index("--") if "--" in words else len(words)
    files, options, others, lists = [], [], [], []
    start = 0
    while start < end:
        if not _is_option(words[start]):
            others.append(words[start])
            start += 1
            continue
        name, equals, value = words[start].partition("=")
        count = 0 if equals else _count(name, takes, words[start + 1 : end])
        group = words[start : start + 1 + count]
        if "" in group or (equals and not value):
            raise ValueError(f"`{name.replace('_', '-')}` must not be empty. {REMEDY}")
        (files if name == "--config" else options).extend(group)
        number, kind = takes.get(name, (None, None))
        if count and number in AS_MANY and kind not in NUMBERS:
            lists.append(group)
        start += len(group)
    others += words[end + 1 :]
    if "" in others:
        raise ValueError(f"No word of a command may be empty. {REMEDY}")
    if lists and len(others) < len(needs):
        name, *values = lists[-1]
        raise ValueError(
            f"`{name.replace('_', '-')}` takes all words that follow it. Put the "
            f"{needs[len(others)]} before it, or behind --. "
            f"Received: {shlex.join(values)} for it, and no {needs[len(others)]}."
        )
    return [*files, *options, *(["--", *others] if others else [])]


def _is_option(word):
    """Distinguish an option from a word, as argparse does."""
    name = word.partition("=")[0]
    is_word = name == "-" or " " in name or NUMBER.match(name)
    return name.startswith("-") and not is_word


def _count(name, takes, following):
    """Return how many of the following words are an option's values."""
    # A field of an option, such as --sizes.depths, takes one; a mistake is told later.
    number, kind = takes.get(name, (1 if "." in name else 0, None))
    if number in AS_MANY:
        number = len(following)
    elif number in (None, "?"):
        number = 1
    for count, word in enumerate(following[:number]):
        if _is_option(word):
            return count
        if count and kind in NUMBERS and not NUMBER.match(word):
            return count  # here images begin, or models
    return min(number, len(following))

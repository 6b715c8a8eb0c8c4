"""The exceptions of this package, each with the exit code of the command line."""

import re

# What TensorFlow, XLA, NVIDIA's libraries and ONNX Runtime say when memory ran out.
FULL_MEMORY = re.compile(
    r"out of memory|oom when|fail(ed|ure) to allocate|alloc_failed|cannot allocate|"
    r"failed to create cu\w+ handle|could not create cu\w+ handle|"
    r"dst tensor is not initialized",
    re.IGNORECASE,
)


class SwinKerasError(Exception):
    """Something the user can put right: the message says what and how."""

    exit_code = 1


class UsageError(SwinKerasError, ValueError):
    """An option, name or combination of sizes that cannot work."""

    exit_code = 2


class DataError(SwinKerasError):
    """A data set or an image that cannot be used."""

    exit_code = 3


class ModelFileError(SwinKerasError):
    """A model file that is missing, damaged or of another kind."""

    exit_code = 4


class WeightsError(ModelFileError):
    """Weights that are missing, damaged, or do not belong to the model."""


class ExportError(SwinKerasError):
    """An export that failed or did not agree with its model."""

    exit_code = 4


class ResourceError(SwinKerasError):
    """Too little memory or disk, or a place that cannot be written."""

    exit_code = 5


class Interrupted(SwinKerasError):  # noqa: N818  as KeyboardInterrupt
    """Training stopped because a signal asked for it; it can be resumed."""

    def __init__(self, signal_number: int, message="interrupted"):
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class TrainingError(SwinKerasError):
    """Training that cannot continue, such as a NaN loss."""

    exit_code = 6


def is_memory_full(error: BaseException) -> bool:
    """Return whether an error says, in the words of any library, that memory ran out.

    A full disk, which TensorFlow calls by the same name, does not count.

    >>> is_memory_full(RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"))
    True
    """
    if "No space left" in str(error):
        return False
    kinds = {kind.__name__ for kind in type(error).__mro__}
    is_named = bool(kinds & {"MemoryError", "ResourceExhaustedError"})
    return is_named or FULL_MEMORY.search(str(error)) is not None


def nearest_name(given, known) -> str:
    """Return " Did you mean 'x'?" for the name that was likely meant, or nothing.

    A slip of the keyboard comes first: fewer than a quarter of the letters
    changed. Then names of the same words and some more, `num_classes` for
    `classes`; then slips up to a third. A name that is merely the least unlike
    would mislead.
    """
    given = _plain_letters(given)
    if not given:
        return ""
    names = {_plain_letters(name): str(name) for name in known}
    least = min(
        ((_changes(given, name), name) for name in names), default=(len(given), "")
    )
    words = set(re.split(r"\W+", given))
    related = [
        name
        for name in names
        if set(name.split("-")) <= words or words <= set(name.split("-"))
    ]
    if least[0] > max(1, len(given) // 4) and related:
        nearest = min(related, key=lambda name: _changes(given, name))
    elif least[0] <= len(given) // 3 or least[0] == 1 < len(given) - 1:
        nearest = least[1]
    else:
        return ""
    return f" Did you mean {names[nearest]!r}?"


def _plain_letters(name):
    return re.sub(r"[\W_]+", "-", str(name).lower()[:100]).strip("-")


def _changes(one: str, other: str) -> int:
    """Count the letters to add, drop, replace or swap to make one the other."""
    before, above = [], list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, theirs in enumerate(other, 1):
            least = min(
                line[-1] + 1, above[column] + 1, above[column - 1] + (letter != theirs)
            )
            is_swap = (
                row > 1 < column
                and one[row - 2 : row] == other[column - 2 : column][::-1]
            )
            line.append(min(least, before[column - 2] + 1) if is_swap else least)
        before, above = above, line
    return above[-1]


def first_line(error) -> str:
    """Return what an error says, as a part of a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]

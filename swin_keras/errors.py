"""The exceptions of this package, each with the exit code of the command line."""

import difflib


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
    """Training stopped because a signal asked for it; it can go on."""

    def __init__(self, signal_number: int, message="interrupted"):
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


class TrainingError(SwinKerasError):
    """Training that cannot go on, such as a loss that is no number."""

    exit_code = 6


def nearest_name(given: str, known) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or nothing."""
    by_lower = {str(name).lower(): str(name) for name in known}
    close = difflib.get_close_matches(str(given).lower(), by_lower, n=1, cutoff=0.5)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""

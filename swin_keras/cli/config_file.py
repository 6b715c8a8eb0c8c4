"""A file of options for `train --config`: YAML that is checked before it is read."""

import json
from pathlib import Path

import yaml

from swin_keras.errors import UsageError

LARGEST = 100_000  # bytes; ours have about two thousand
MOST_ALIASES = 10  # more of them can stand for billions of values


def read_options(path) -> str:
    """Return the options in a file as YAML: its own, or those a study found best.

    Raises:
        UsageError: If it is no text, no YAML, too much, or a study.
    """
    path = Path(path)
    if path.stat().st_size > LARGEST:
        raise _refusal(path, f"is larger than {LARGEST:,} bytes")
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror.lower()})") from error
    except UnicodeDecodeError as error:
        raise _refusal(path, "is no text") from error
    try:
        events = list(yaml.parse(text, yaml.SafeLoader))
        values = None if _aliases(events) > MOST_ALIASES else yaml.safe_load(text)
        json.dumps(values, default=str)  # refuses what contains itself
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise _refusal(path, f"is no such file ({_reason(error)})") from error
    if _aliases(events) > MOST_ALIASES:
        raise _refusal(path, f"holds more than {MOST_ALIASES} aliases")
    if not isinstance(values, dict):
        raise _refusal(path, f"holds {type(values).__name__} where options belong")
    if "space" in values:
        raise UsageError(
            f"{path} is a study, which is searched: swin-keras tune {path}. What it "
            "found is trained from tuning/results/<study>.json."
        )
    found_best = values.get("train")
    return yaml.safe_dump(found_best) if isinstance(found_best, dict) else text


def _refusal(path, why):
    return UsageError(
        "`--config` must be a YAML file of options, such as runs/<name>/config.yaml. "
        f"Received: {path}, which {why}."
    )


def _aliases(events):
    return sum(isinstance(event, yaml.AliasEvent) for event in events)


def _reason(error):
    problem = getattr(error, "problem", None)
    if problem and error.problem_mark:
        return f"{problem}, line {error.problem_mark.line + 1}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]

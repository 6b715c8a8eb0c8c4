"""A file of options for `train --config`: a run's, or what a study found best."""

from pathlib import Path

from swin_keras.errors import UsageError
from swin_keras.yaml_files import read_yaml, to_yaml


def read_options(path) -> str:
    """Return the options in a file as YAML: its own, or those a study found best.

    Raises:
        UsageError: If it cannot be read, holds something else, or is a study.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise UsageError(
            "`--config` must be a YAML file of options, such as "
            f"runs/<name>/config.yaml. Received: {path}, which holds "
            f"{type(values).__name__} where options belong."
        )
    if "space" in values:
        raise UsageError(
            f"{path} is a study, which is searched: swin-keras tune {path}. What it "
            "found is trained from tuning/results/<study>.json."
        )
    found_best = values.get("train")
    if isinstance(found_best, dict):
        return to_yaml(found_best)
    return Path(path).read_text("utf-8")

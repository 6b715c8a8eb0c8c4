"""Run trials that a chief gives out; `workers` starts it and sets its environment.

python -m swin_keras.tuning.worker tuning/runs/digits
"""

import logging
import sys
from pathlib import Path

from swin_keras.processes import end_with_starter, quiet, signals_to
from swin_keras.training.launching import StopRequest
from swin_keras.tuning.study_folder import StudyFolder


def main(path: str) -> int:
    """Run trials until there are no more; return 0, or the exit code of a signal."""
    end_with_starter(at_once=True)
    logging.basicConfig(format="%(message)s")
    stop = StopRequest()
    with signals_to(stop.note):
        with quiet():
            from swin_keras.tuning.tuner import SearchStopped, StudyTuner

        folder = StudyFolder(Path(path))
        try:
            StudyTuner(folder.read_study(), folder, stop).search()
        except SearchStopped:
            return 128 + stop.signal
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Trials as processes: started, watched, stopped."""

import dataclasses
import subprocess
import time

from swin_keras.processes import module_command
from swin_keras.training.launching import StopRequest, exit_code
from swin_keras.tuning.study_folder import FAILED, RUNNING, StudyFolder, Trial

SECONDS_BETWEEN_LOOKS = 0.1


def run_in_process(
    folder: StudyFolder, trial: Trial, stop: StopRequest, look=lambda: None
) -> Trial:
    """Run a trial in a subprocess, to its end or to a checkpoint.

    Args:
        folder: The study's folder.
        trial: The trial; if it was begun, it resumes from its checkpoint.
        stop: Whether somebody asked to stop; the process is told.
        look: Called again and again while it runs.

    Returns:
        The trial with what came out; it is "running" if it was stopped. If the
        process died, the trial failed.
    """
    output = folder.run(trial.id).path / "output.txt"
    with output.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603  our own module
            module_command("swin_keras.tuning.trial", folder.path, trial.id),
            stdin=subprocess.PIPE,  # which tells it when this process ends
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C reaches it through us
        )
        with process:
            try:
                while process.poll() is None:
                    stop.forward([process])
                    look()
                    time.sleep(SECONDS_BETWEEN_LOOKS)
            except BaseException:
                process.kill()
                raise
    trial = folder.trial(trial.id)
    if trial.status == RUNNING and not stop.signal:
        trial = dataclasses.replace(
            trial, status=FAILED, reason=_why_it_died(exit_code(process), output)
        )
        folder.write(trial)
    return trial


def _why_it_died(code, output):
    if code == 137:
        return (
            "its process was killed by signal 9, as the system does when there is no "
            "memory left"
        )
    if code > 128:
        return f"its process was ended by signal {code - 128}"
    lines = output.read_text("utf-8", errors="replace").strip().splitlines()
    return f"its process ended with exit code {code}: {(lines or [''])[-1][:200]}"

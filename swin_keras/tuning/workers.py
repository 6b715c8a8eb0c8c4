"""Several workers for one study, over KerasTuner's chief on this machine."""

import logging
import os
import subprocess
import threading
import time
from contextlib import contextmanager

from swin_keras.errors import ResourceError
from swin_keras.processes import module_command
from swin_keras.training.launching import (
    StopRequest,
    exit_code,
    free_ports,
    own_gpus,
    without_proxy,
)
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import StudyFolder

log = logging.getLogger(__name__)
MAX_RESTARTS = 3  # of each worker
SECONDS_BETWEEN_LOOKS = 0.1
HOST = "127.0.0.1"  # KerasTuner asks nobody for a password


def search_with_workers(
    study: Study,
    folder: StudyFolder,
    workers: int,
    stop: StopRequest,
    look=lambda: None,
):
    """Search with several processes, each with its share of the GPUs.

    One that dies starts again under its name, and resumes its trial.

    Args:
        study: What is searched.
        folder: Where.
        workers: Number of processes.
        stop: Whether somebody asked to stop; all workers are told.
        look: Called again and again.

    Raises:
        ResourceError: If a worker dies again and again.
    """
    from swin_keras.tuning.tuner import StudyTuner

    (port,) = free_ports(1)
    address = {"KERASTUNER_ORACLE_IP": HOST, "KERASTUNER_ORACLE_PORT": str(port)}
    with _environment(**address, KERASTUNER_TUNER_ID="chief"):
        # It gives out trials until this process ends.
        chief = StudyTuner(study, folder, stop)
        threading.Thread(target=chief.search, daemon=True).start()
        _supervise(folder, workers, address, stop, look)


def _supervise(folder, workers, address, stop, look):
    start = _Starter(folder, workers, address)
    running = {number: start(number) for number in range(workers)}
    restarts = 0
    try:
        while running:
            stop.forward(running.values())
            look()
            time.sleep(SECONDS_BETWEEN_LOOKS)
            for number, process in list(running.items()):
                if process.poll() is None:
                    continue
                del running[number]
                code = exit_code(process)
                if code == 0 or stop.signal:
                    continue
                restarts += 1
                if restarts > MAX_RESTARTS * workers:
                    raise ResourceError(
                        f"Worker {number} exited with code {code}, and workers have "
                        f"been restarted {restarts - 1} times already. Its output is "
                        f"in {start.output(number)}. Continue with --resume."
                    )
                log.info("worker %d ended with exit code %d: restarted", number, code)
                running[number] = start(number)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


class _Starter:
    """Starts workers; each keeps its name over all its starts."""

    def __init__(self, folder, workers, address):
        self.folder, self.workers, self.address = folder, workers, address

    def output(self, number):
        return self.folder.path / f"worker-{number}.txt"

    def __call__(self, number):
        environment = os.environ | self.address | without_proxy([HOST])
        environment |= own_gpus(number, self.workers)
        environment["KERASTUNER_TUNER_ID"] = f"tuner{number}"
        with self.output(number).open("ab") as file:
            return subprocess.Popen(  # noqa: S603  our own module
                module_command("swin_keras.tuning.worker", self.folder.path),
                env=environment,
                stdin=subprocess.PIPE,  # which tells it when this process ends
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches it through us
            )


@contextmanager
def _environment(**values):
    """Set variables of the environment, by which KerasTuner knows its part."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

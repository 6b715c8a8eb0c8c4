"""Several workers on one study: real processes, over KerasTuner's chief."""

import os
import signal
import time

import pytest
from test_tune import children_of, wait_for_checkpoint
from toy_studies import LIMITED, folder_of, outcome, write_study


@pytest.mark.slow
def test_two_workers_find_what_one_process_finds_although_one_dies(
    start, undisturbed, tmp_path
):
    path = write_study(tmp_path, **LIMITED)
    folder = folder_of(path)
    process = start(path, "--workers", "2")
    trial_id = wait_for_checkpoint(folder, process)
    (tuner,) = {e["tuner"] for e in folder.events() if e.get("start") == trial_id}
    workers = children_of(process.pid)
    assert len(workers) == 2
    os.kill(workers[int(tuner.removeprefix("tuner"))], signal.SIGKILL)
    assert process.wait(500) == 0, process.said()
    assert f"worker {tuner.removeprefix('tuner')} ended with exit code 137" in (
        process.said()
    )
    assert outcome(folder) == outcome(folder_of(undisturbed))
    tuners = {event["tuner"] for event in folder.events() if "start" in event}
    assert tuners == {"tuner0", "tuner1"}
    starts = [event["start"] for event in folder.events() if "start" in event]
    assert len(starts) == len(set(starts))  # it came back under its own name
    assert "resuming after step" in folder.run(trial_id).log.read_text()


@pytest.mark.slow
def test_a_signal_stops_all_workers(start, tmp_path):
    path = write_study(tmp_path, **LIMITED)
    folder = folder_of(path)
    process = start(path, "--workers", "2")
    wait_for_checkpoint(folder, process)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(100) == 143, process.said()
    assert "--resume" in process.said()
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.1)

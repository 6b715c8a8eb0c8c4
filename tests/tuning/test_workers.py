"""Several workers on one study: real processes, over KerasTuner's chief."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from test_tune import children_of, wait_for_checkpoint
from toy_studies import LIMITED, folder_of, outcome, write_study

from swin_keras.tuning import workers

ASK = """import os, grpc
address = "{KERASTUNER_ORACLE_IP}:{KERASTUNER_ORACLE_PORT}".format(**os.environ)
grpc.insecure_channel(address).unary_unary("/a/b")(b"", timeout=20)
"""


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


class Answer(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: request)


@pytest.mark.parametrize("users", [{}, {"no_proxy": "a"}, {"no_grpc_proxy": "a"}])
def test_workers_reach_the_chief_past_a_proxy(tmp_path, monkeypatch, users):
    for name, value in {"http_proxy": "http://127.0.0.1:9", **users}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        workers, "module_command", lambda *_: [sys.executable, "-c", ASK]
    )
    chief = grpc.server(ThreadPoolExecutor(1), handlers=[Answer()])
    address = {
        "KERASTUNER_ORACLE_IP": workers.HOST,
        "KERASTUNER_ORACLE_PORT": str(chief.add_insecure_port(f"{workers.HOST}:0")),
    }
    chief.start()
    folder = folder_of(write_study(tmp_path))
    folder.path.mkdir(parents=True)
    start = workers._Starter(folder, 2, address)
    with start(0) as process:
        assert process.wait(60) == 0, start.output(0).read_text()
    chief.stop(None)

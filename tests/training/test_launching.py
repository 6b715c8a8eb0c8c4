"""Workers that are started, watched, killed and started again."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from toy_runs import EVERYTHING, outcome, write_config

from swin_keras.errors import UsageError
from swin_keras.training import TrainConfig, launching
from swin_keras.training.launching import launch, visible_gpus
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def configuration(digits_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("launched")
    options = EVERYTHING | {"epochs": 8, "checkpoint_minutes": 0.005}
    config = TrainConfig(data_dir=str(digits_dir), runs_dir=str(folder), **options)
    prepare(config)
    return write_config(config, folder / "toy.yaml")


def start(configuration, name):
    """Start two workers; return the launcher, what it says, and the run."""
    words = ["launch", "--workers", "2", "--", "train", "--config", str(configuration)]
    said = configuration.with_name(f"{name}.txt")
    with said.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "swin_keras.cli", *words, "--name", name],
            stdout=file,
            stderr=file,
        )
    return process, said, RunFolder.named(configuration.parent, name)


def workers_of(process):
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(path, encoding="ascii") as file:
        children = [int(pid) for pid in file.read().split()]
    return [
        pid
        for pid in children
        if b"train" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]


def is_running(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text("ascii")
    except FileNotFoundError:
        return False


def listening_ports(pid):
    """Return the ports at which anybody listens in a process' network."""
    rows = []
    for name in ("tcp", "tcp6"):
        rows += Path(f"/proc/{pid}/net/{name}").read_text("ascii").splitlines()[1:]
    columns = [row.split() for row in rows]
    return {int(row[1].split(":")[1], 16) for row in columns if row[3] == "0A"}


def wait_for_checkpoint(process, said, run):
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if list(run.checkpoints.glob("step-*")):
            return
        time.sleep(0.05)
    raise AssertionError(said.read_text())


@pytest.fixture(scope="module")
def undisturbed(configuration):
    process, said, run = start(configuration, "undisturbed")
    assert process.wait(400) == 0, said.read_text()
    return outcome(run)


def assert_same(given, expected):
    """Compare weights bit by bit; figures are sums of sums that devices hold."""
    assert given[1] == expected[1]
    given, expected = (
        np.array([row.split(",") for row in figures[1:]], float)
        for figures in (given[0], expected[0])
    )
    np.testing.assert_allclose(given, expected, rtol=1e-6)


def test_workers_of_one_machine_are_out_of_reach_of_others(configuration):
    process, said, run = start(configuration, "fenced")
    wait_for_checkpoint(process, said, run)
    first, second = workers_of(process)
    networks = [os.readlink(f"/proc/{pid}/ns/net") for pid in ("self", first, second)]
    ports = listening_ports(first)
    interfaces = Path(f"/proc/{first}/net/dev").read_text("ascii").splitlines()[2:]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143, said.read_text()
    if "obeys whoever reaches it" in said.read_text():
        pytest.skip("this system gives processes no network of their own")
    assert networks[0] != networks[1] == networks[2]
    assert len(ports) == 2
    assert [row.split(":")[0].strip() for row in interfaces] == ["lo"]


@pytest.mark.slow
def test_a_killed_worker_leaves_no_trace(configuration, undisturbed):
    process, said, run = start(configuration, "killed")
    wait_for_checkpoint(process, said, run)
    number = random.Random(1).randrange(2)
    os.kill(workers_of(process)[number], signal.SIGKILL)
    assert process.wait(400) == 0, said.read_text()
    assert f"worker {number} ended with exit code 137" in said.read_text()
    assert "restart 1 of 3" in said.read_text()
    assert "resuming after step" in said.read_text()
    assert_same(outcome(run), undisturbed)


@pytest.mark.slow
def test_a_signal_stops_all_workers_with_a_checkpoint(configuration, undisturbed):
    process, said, run = start(configuration, "stopped")
    wait_for_checkpoint(process, said, run)
    workers = workers_of(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143, said.read_text()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)
    process, said, run = start(configuration, "stopped")
    assert process.wait(400) == 0, said.read_text()
    assert_same(outcome(run), undisturbed)


@pytest.mark.slow
def test_workers_of_a_killed_launcher_end_with_a_checkpoint(configuration):
    process, said, run = start(configuration, "abandoned")
    wait_for_checkpoint(process, said, run)
    workers = workers_of(process)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 60
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, workers))
    assert "with a checkpoint" in run.log.read_text()
    assert not run.card.exists()


@pytest.mark.slow
def test_what_a_restart_would_not_change_is_not_restarted(capfd):
    words = ["train", "--name", "x", "--model", "swin_tinny"]
    assert launch(words, 2) == 2
    said = capfd.readouterr().err
    assert "Did you mean 'swin_tiny'" in said
    assert "restart" not in said


WRITER = """
import signal, sys, time
def stop(*_):
    if sys.argv[1] == "0":  # which writes the checkpoint
        time.sleep(2)
        print("written", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""


def test_the_first_worker_may_write_its_checkpoint_to_the_end(monkeypatch, capfd):
    """However early the others end."""
    monkeypatch.setattr(launching, "SECONDS_TO_END", 0.1)
    numbers = itertools.count()

    def start(*_, start=launching._start):
        words = [sys.executable, "-c", WRITER, str(next(numbers))]
        return start(words, ["127.0.0.1:1"], 0, 1)

    class Request(launching.StopRequest):
        def forward(self, processes):
            self.rounds = getattr(self, "rounds", 0) + 1
            if self.rounds == 20:  # both are ready
                self.signal = signal.SIGTERM
                for process in processes:
                    process.send_signal(signal.SIGTERM)

    monkeypatch.setattr(launching, "_start", start)
    assert launching._run([], 2, (), 0, Request()) == 143
    assert capfd.readouterr().err.count("written") == 1


@pytest.mark.parametrize(
    ("arguments", "permitted", "warned"),
    [
        ((2, (), True), True, False),
        ((2, (), True), False, True),
        ((2, (), False), True, True),
        ((1, ("a:1", "b:1"), True), True, True),
        ((1, (), True), True, False),
    ],
)
def test_who_can_reach_the_workers_is_said(
    arguments, permitted, warned, monkeypatch, caplog
):
    inside = (lambda words: ["inside", *words]) if permitted else None
    monkeypatch.setattr(launching, "fence", lambda: contextlib.nullcontext(inside))
    with caplog.at_level("INFO"), launching._local_network(*arguments) as command:
        is_inside = command(["train"])[0] == "inside"
    assert is_inside == (permitted and arguments == (2, (), True))
    assert ("obeys whoever reaches it" in caplog.text) == warned


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"command": ["export", "x"]}, "`launch` runs `train`"),
        ({"command": [], "workers": 2}, "Received: no command"),
        ({"workers": 0}, "`workers` must be at least 1"),
        ({"workers": 10_000}, "at most 256, each a process .* Received: 10000"),
        ({"hosts": ["a:1", "b:2"], "index": 2}, "one of the 2 hosts"),
        ({"hosts": ["a"]}, "Hosts must be host:port"),
        ({"hosts": ["a:1", "b:1"], "workers": 4}, "leave `workers` out"),
        ({"index": 1}, "`hosts`, of which there are none. Received: 1"),
        ({"max_restarts": -1}, "`max_restarts` must be at least 0. Received: -1"),
    ],
)
def test_bad_numbers_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        launch(**({"command": ["train"]} | arguments))


def test_gpus_are_those_that_the_environment_names(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert visible_gpus() == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert visible_gpus() == []


class Process:
    """A process that only records what it was told."""

    def __init__(self):
        self.told = []

    def terminate(self):
        self.told.append("terminate")

    def kill(self):
        self.told.append("kill")


@pytest.mark.parametrize(
    ("signals", "told"),
    [
        ([signal.SIGTERM], ["terminate"]),
        ([signal.SIGTERM, signal.SIGTERM], ["terminate"]),
        ([signal.SIGINT, signal.SIGTERM], ["terminate"]),
        ([signal.SIGINT, signal.SIGINT], ["terminate", "kill"]),
    ],
)
@pytest.mark.parametrize("is_polled_between", [True, False])
def test_workers_are_asked_once_and_killed_by_a_second_ctrl_c_only(
    signals, told, is_polled_between
):
    request, process = launching.StopRequest(), Process()
    request.forward([process])
    for number in signals:
        request.note(number)
        if is_polled_between:
            request.forward([process])
    for _ in range(2):
        request.forward([process])
    assert process.told[0] == "terminate"
    assert list(dict.fromkeys(process.told)) == told
    assert process.told.count("terminate") == 1


def test_who_does_not_hear_the_signal_is_killed_in_the_end(monkeypatch):
    request, process = launching.StopRequest(), Process()
    request.note(signal.SIGTERM)
    request.forward([process])
    request.forward([process])
    assert process.told == ["terminate"]
    later = time.monotonic() + launching.SECONDS_TO_SAVE + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    request.forward([process])
    assert process.told == ["terminate", "kill"]


@pytest.mark.parametrize(
    ("users", "named"),
    [
        ({}, "127.0.0.1,::1"),
        ({"no_proxy": "intranet"}, "intranet,127.0.0.1,::1"),
        ({"no_proxy": "a", "no_grpc_proxy": "b,c"}, "b,c,127.0.0.1,::1"),
        ({"no_proxy": "a", "no_grpc_proxy": ""}, "127.0.0.1,::1"),
    ],
)
def test_workers_reach_each_other_past_a_proxy(monkeypatch, users, named):
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in users.items():
        monkeypatch.setenv(name, value)
    tell = "import os; print(os.environ['no_grpc_proxy'])"
    addresses = ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"]
    with launching._start([sys.executable, "-c", tell], addresses, 0, 1) as process:
        assert process.stdout.read().strip() == named

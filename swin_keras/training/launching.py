"""Several workers for one run: start them, watch them, start them again."""

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from swin_keras.errors import UsageError
from swin_keras.processes import module_command, signals_to
from swin_keras.training.fence import fence

log = logging.getLogger(__name__)
# What a restart would not change: usage, data, model file, resources, a NaN
# loss, and somebody's request to stop.
STOPPED = (129, 130, 143)  # of a worker that was asked to, and wrote a checkpoint
LAUNCHED = "SWIN_KERAS_LAUNCHED"  # set for a worker, which ends with its launcher
FINAL_CODES = (2, 3, 4, 5, 6, *STOPPED)
MOST_WORKERS = 256  # on a machine
SECONDS_TO_END = 5.0  # for the others, after one worker has ended
SECONDS_TO_SAVE = 600.0  # for whoever was asked to stop


def launch(
    command: Sequence[str],
    workers: int = 1,
    *,
    hosts: Sequence[str] = (),
    index: int = 0,
    max_restarts: int = 3,
    fenced: bool = True,
) -> int:
    """Run a `train` command in several processes that share each batch.

    When one of them dies, all start again from the last checkpoint. Their output
    is passed on line by line, with the worker's number before it.

    Workers of one machine get a network of their own where the system permits
    it: TensorFlow's server obeys whoever reaches it. They then reach no other
    machine either, so what must be downloaded has to be there before.

    Args:
        command: Words after `swin-keras`, such as `["train", "--name", "pets"]`.
        workers: Processes on this machine. The GPUs of the machine are divided
            among them.
        hosts: On a cluster, `"host:port"` of every worker; this process then
            starts only number `index`, and each machine runs the same command.
        index: Which of the hosts this is.
        max_restarts: How often to start again.
        fenced: Whether workers of one machine get a network of their own.

    Returns:
        The exit code: 0, or that of the worker that failed.

    Raises:
        UsageError: If the command is not `train`, or the numbers cannot work.
    """
    _check(command, workers, hosts, index, max_restarts)
    request = StopRequest()
    if "--resume" not in command:
        command = [*command, "--resume"]
    with (
        signals_to(request.note),
        _local_network(workers, hosts, fenced) as in_network,
    ):
        words = in_network(command)
        for restart in range(max_restarts + 1):
            if restart:
                log.info("restart %d of %d", restart, max_restarts)
            code = _run(words, workers, hosts, index, request)
            if code == 0 or code in FINAL_CODES or request.signal:
                break
    return 128 + request.signal if request.signal and code else code


def _check(command, workers, hosts, index, max_restarts):
    if not command or command[0] != "train":
        raise UsageError(
            "`launch` runs `train`. Example: swin-keras launch --workers 2 -- train "
            f"--name pets. Received: {' '.join(command) or 'no command'}."
        )
    check_workers(workers)
    if max_restarts < 0:
        raise UsageError(
            f"`max_restarts` must be at least 0. Received: {max_restarts}."
        )
    if hosts and workers != 1:
        raise UsageError(
            "With `hosts`, this call starts one worker, number `index`: leave "
            f"`workers` out. Received: workers={workers}."
        )
    if index and not hosts:
        raise UsageError(
            "`index` is a place among `hosts`, of which there are none. Received: "
            f"{index}."
        )
    if hosts and not 0 <= index < len(hosts):
        raise UsageError(
            f"`index` must be one of the {len(hosts)} hosts, from 0. Received: {index}."
        )
    if any(":" not in host for host in hosts):
        raise UsageError(f"Hosts must be host:port. Received: {', '.join(hosts)}.")


def check_workers(workers: int):
    """Refuse a number of processes that no machine can run.

    Raises:
        UsageError: That says what it may be.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise UsageError(
            f"`workers` must be at least 1 and at most {MOST_WORKERS}, each a process "
            f"with TensorFlow. Received: {workers}."
        )


@contextmanager
def _local_network(workers, hosts, fenced):
    """Yield what makes a worker's command, in a network of its own if possible."""
    with ExitStack() as stack:
        inside = None
        if fenced and workers > 1 and not hosts:
            inside = stack.enter_context(fence())
        if inside:
            log.info(
                "workers talk in a network of their own. They cannot download: if "
                "they must, use --no-fence"
            )
        elif workers > 1 or hosts:
            log.warning(
                "TensorFlow's server listens on all interfaces and obeys whoever "
                "reaches it: close its ports to other machines than the workers'. "
                "See docs/scaling.md"
            )
        yield inside or (lambda words: module_command("swin_keras.cli", *words))


def _run(words, workers, hosts, index, request):
    """Run all workers of this machine once; return the first bad exit code, or 0."""
    addresses = list(hosts) or [f"127.0.0.1:{port}" for port in free_ports(workers)]
    indices = [index] if hosts else range(workers)
    running = {
        number: _start(words, addresses, number, len(indices)) for number in indices
    }
    started = list(running.values())
    passers = [_pass_on_output(number, process) for number, process in running.items()]
    code, failed, last = 0, None, time.monotonic()
    is_stopping = False
    try:
        # A worker that was asked to stop may still be writing the checkpoint.
        while running and (
            not code or (is_stopping and time.monotonic() < last + SECONDS_TO_SAVE)
        ):
            time.sleep(0.1)
            request.forward(running.values())
            is_stopping |= bool(request.signal)
            for number, process in list(running.items()):
                if process.poll() is not None:
                    del running[number]
                    last = time.monotonic()
                    is_stopping |= process.returncode in STOPPED
                    if not code:
                        code, failed = exit_code(process), number
        if code:
            log.info("worker %d ended with exit code %d", failed, code)
    finally:
        codes = _end(running.values())
        for process in started:
            process.stdin.close()
    for passer in passers:
        passer.join()
    # A worker may end because of another whose reason is the better one.
    return next((c for c in (code, *codes) if c in FINAL_CODES), code)


def _start(words, addresses, number, local_workers):
    """Start one worker; the first of them writes the run's files."""
    environment = {**os.environ, LAUNCHED: "1"}
    if len(addresses) > 1:
        hosts = [address.rpartition(":")[0].strip("[]") for address in addresses]
        environment |= without_proxy(hosts)
        environment["TF_CONFIG"] = json.dumps(
            {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": number},
            }
        )
    environment |= own_gpus(number, local_workers)
    return subprocess.Popen(  # noqa: S603  our own program
        words,
        env=environment,
        stdin=subprocess.PIPE,  # closed by our end, however it comes
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches them through us
    )


def own_gpus(number: int, workers: int) -> dict[str, str]:
    """Return the environment that gives a worker its share of this machine's GPUs."""
    gpus = visible_gpus()
    if workers == 1 or len(gpus) < workers:
        return {}
    share = len(gpus) // workers
    own = gpus[number * share : (number + 1) * share]
    return {"CUDA_VISIBLE_DEVICES": ",".join(own)}


def visible_gpus() -> list[str]:
    """Return the numbers of the NVIDIA GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [number for number in visible.split(",") if number.strip()]
    found = Path("/proc/driver/nvidia/gpus")
    return [str(n) for n, _ in enumerate(found.iterdir())] if found.is_dir() else []


def _pass_on_output(number, process):
    def pass_on():
        with process.stdout as lines:
            for line in lines:
                with contextlib.suppress(OSError):  # nobody reads: workers go on
                    print(
                        f"[worker {number}] {line}", end="", file=sys.stderr, flush=True
                    )

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    return thread


def _end(processes):
    """Give workers a moment to end by themselves, then kill them; return codes."""
    deadline = time.monotonic() + SECONDS_TO_END
    codes = []
    for process in processes:
        try:
            process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        else:
            codes.append(exit_code(process))
    return codes


def without_proxy(hosts: Sequence[str]) -> dict[str, str]:
    """Return the environment in which gRPC reaches hosts past any proxy.

    It asks the proxy of `http_proxy` for this machine, too. What `no_grpc_proxy`, or
    else `no_proxy`, names already stays.
    """
    both = ("no_grpc_proxy", "no_proxy")  # which gRPC reads in small letters only
    named = next((os.environ[name] for name in both if name in os.environ), "")
    return {"no_grpc_proxy": ",".join(filter(None, [named, *dict.fromkeys(hosts)]))}


def exit_code(process):
    """Return the exit code as a shell reports it: 137 for kill -9."""
    code = process.returncode
    return code if code >= 0 else 128 - code


def free_ports(count):
    """Return ports of this machine that nobody listens at."""
    with ExitStack() as stack:  # all open at once, so that no two are the same
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class StopRequest:
    """A signal to pass on to other processes, which then write a checkpoint."""

    signal = 0
    _interrupts = 0
    _deadline = None  # once it is passed on

    def note(self, number, frame=None):
        self.signal = number
        self._interrupts += number == signal.SIGINT

    def forward(self, processes):
        """Ask processes to end, once; a second Ctrl-C ends them at once.

        So does time: one that waits for an answer does not hear that it was asked.
        """
        if not self.signal:
            return
        now, is_first = time.monotonic(), self._deadline is None
        if is_first:
            self._deadline = now + SECONDS_TO_SAVE
        for process in processes:
            if is_first:
                process.terminate()
            elif self._interrupts > 1 or now > self._deadline:
                process.kill()

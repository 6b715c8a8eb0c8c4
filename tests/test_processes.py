"""Our own subprocesses run our code, and nothing that lies about in a folder."""

import ast
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import swin_keras
from swin_keras.cli import main
from swin_keras.processes import (
    find_devices,
    module_command,
    obeying_interrupts,
    quiet,
    signals_to,
)
from swin_keras.screen import ScreenHandler, complain

ROOT = Path(__file__).parents[1]
PACKAGE = Path(swin_keras.__file__).parent
PROGRAMS = [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]


def words_in(path):
    """Return the text constants of a program, less its docstrings."""
    return [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_only_one_function_starts_modules():
    found = {path.name for path in PROGRAMS if "-m" in words_in(path)}
    assert found == {"processes.py"}


def test_a_module_is_run_without_the_current_folder():
    assert module_command("a.b", 3, Path("c"))[1:] == ["-P", "-m", "a.b", "3", "c"]


@pytest.mark.parametrize("answer", ["pass", "raise ImportError('no backend')"])
def test_ctrl_c_that_an_import_loses_is_obeyed(answer, tmp_path):
    (tmp_path / "keras.py").write_text(
        "import time\n"
        f"open({str(tmp_path / 'begun')!r}, 'w')\n"
        "try:\n    time.sleep(60)\n"
        f"except BaseException:\n    {answer}\n"
    )
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may not\n"
        "from swin_keras.cli import main\n"
        "sys.exit(main(['evaluate', 'nothing']))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "swin-keras: interrupted\n")


def test_ctrl_c_has_its_usual_answer_after_that():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with obeying_interrupts():
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        with pytest.raises(ZeroDivisionError), obeying_interrupts():
            raise ZeroDivisionError
        with signals_to(print), obeying_interrupts():
            assert signal.getsignal(signal.SIGINT) is print
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_options_are_read_is_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["swin_keras.cli.main"], "make_parser", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "swin-keras: interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["predict", "{model}/model.tflite", "."],
        ["predict", "{model}/model.keras", "."],
        ["evaluate", "{model}", "--data", ".", "--json"],
    ],
)
def test_python_files_beside_pictures_are_not_run(words, exported, tmp_path):
    marker = tmp_path / "ran"
    for name in ("json", "resource", "numpy", "PIL", "tensorflow", "swin_keras"):
        code = f"open({str(marker)!r}, 'a').write({name!r})\n"
        (tmp_path / f"{name}.py").write_text(code)
    for digit in "37":
        (tmp_path / digit).mkdir()
        picture = (ROOT / "tests" / "samples" / f"{digit}.png").read_bytes()
        for number in range(5):
            (tmp_path / digit / f"{number}.png").write_bytes(picture)
    words = [word.format(model=exported) for word in words]
    done = subprocess.run(
        module_command("swin_keras.cli", *words),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()


def test_a_closed_terminal_is_heard_unless_it_is_to_be_ignored():
    heard = []
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with signals_to(lambda number, frame: heard.append(number)):
            os.kill(os.getpid(), signal.SIGHUP)
        assert heard == [signal.SIGHUP]
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as `nohup` does
        with signals_to(lambda number, frame: heard.append(number)):
            os.kill(os.getpid(), signal.SIGHUP)
        assert heard == [signal.SIGHUP]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_log_that_nobody_reads_ends_no_work(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    record = logging.LogRecord("x", logging.INFO, "", 1, "epoch 1/2", None, None)
    with contextlib.suppress(BrokenPipeError), open(writer, "w", buffering=1) as gone:
        with pytest.raises(BrokenPipeError):
            print("nobody reads", file=gone)
        monkeypatch.setattr(sys, "stderr", gone)
        ScreenHandler().emit(record)
        complain("interrupted")


def test_a_process_that_ends_with_its_starter_is_asked_as_by_sigterm():
    code = "import signal, time; from swin_keras.processes import end_with_starter\n"
    code += "end_with_starter(); print('waits', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"waits\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(30) == -signal.SIGTERM


def test_threads_that_want_silence_leave_the_process_as_it_was(capfd):
    before = sys.stdout, os.fstat(2).st_ino
    entered, may_leave = threading.Event(), threading.Event()

    def first():
        with quiet():
            entered.set()
            may_leave.wait(20)

    def second():
        with quiet(), quiet():
            print("never seen")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert entered.wait(20)
    threads[1].start()
    threads[1].join(0.3)  # it waits for its turn
    may_leave.set()
    for thread in threads:
        thread.join(20)
    assert (sys.stdout, os.fstat(2).st_ino) == before
    print("seen")
    assert capfd.readouterr().out == "seen\n"


def test_a_process_without_standard_error_is_quiet_enough():
    code = "import os, sys; os.close(2); sys.stderr = None\n"
    code += "from swin_keras.processes import quiet\nwith quiet(): print('said')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "said\n")


@pytest.fixture
def grown(monkeypatch):
    """Return which of two GPUs, one of them at work, were asked to give as needed."""
    import tensorflow as tf

    asked = []

    def grow(gpu, on):
        asked.append((gpu, on))
        if gpu == "busy":
            raise RuntimeError("Physical devices cannot be modified")

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: ["busy", "b"])
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    find_devices.cache_clear()
    yield asked
    find_devices.cache_clear()


def test_gpus_give_memory_as_it_is_needed_once_they_are_found(grown):
    for _ in range(2):
        find_devices()
    assert grown == [("busy", True), ("b", True)]


@pytest.mark.parametrize("name", ["model.keras", "model.tflite"])
def test_they_do_for_whatever_opens_a_model(grown, exported, name):
    from swin_keras.inference.evaluation import evaluate
    from swin_keras.model_files import load_keras

    if name == "model.keras":
        load_keras(exported / name)
    else:
        evaluate(exported / name, "digits", workers=0)
    assert grown == [("busy", True), ("b", True)]


def test_logging_that_abseil_sets_up_is_taken_back(monkeypatch):
    from swin_keras import load_dataset

    monkeypatch.setattr(logging.root, "handlers", [])
    load_dataset("digits")  # of TensorFlow Datasets, which tells where it reads
    assert not logging.root.handlers

"""A model file that cannot be run is an error message, never a dead process."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_file import write_onnx

from swin_keras.cli import main
from swin_keras.errors import ModelFileError, ResourceError, UsageError
from swin_keras.inference.runtimes import open_model
from swin_keras.litert import model as litert_model
from swin_keras.litert.model import LiteRTModel

DIGITS = Path(__file__).parents[2] / "saved_models" / "digits" / "model.tflite"


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(ModelFileError, match="not a valid Flatbuffer"):
        open_model(path)


@pytest.mark.parametrize("threads", [0, -1, "2", 1.5])
def test_what_is_no_number_of_threads_is_no_fault_of_the_file(threads):
    with pytest.raises(UsageError, match=r"`threads` must be.*Received"):
        open_model(DIGITS, threads)


@pytest.fixture
def runs_instead(monkeypatch, tmp_path):
    """Return a function that lets a program run in the place of the worker."""

    def run(program):
        command = [sys.executable, "-c", program]
        monkeypatch.setattr(litert_model, "module_command", lambda *_: command)
        (tmp_path / "model.tflite").write_bytes(b"any")
        return LiteRTModel(tmp_path / "model.tflite")

    return run


ABOUT = '{"batch": 1, "input_shape": [2, 2, 3], "outputs": {"y": [2]}}'
ANSWERS_NEVER = (
    f"import os, signal, sys; print('{ABOUT}', flush=True); sys.stdin.buffer.read(10); "
)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os; os.kill(os.getpid(), 11)", "it ended LiteRT by SIGSEGV"),
        ("import os; os.abort()", "it ended LiteRT by SIGABRT"),
        ("import os; os._exit(3)", "it ended LiteRT, exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "more than 120 s"),
    ],
)
def test_a_file_that_ends_its_runtime_is_a_message(runs_instead, program, message):
    with pytest.raises(ModelFileError, match=message):
        runs_instead(program)


def test_a_runtime_that_dies_while_it_runs_is_a_message(runs_instead):
    model = runs_instead(ANSWERS_NEVER + "os.abort()")
    with pytest.raises(ModelFileError, match="it ended LiteRT by SIGABRT"):
        model(np.zeros((1, 2, 2, 3), "float32"))


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_runtime_that_others_ended_is_no_damaged_file(runs_instead, name):
    model = runs_instead(ANSWERS_NEVER + f"os.kill(os.getpid(), signal.{name})")
    with pytest.raises(ResourceError, match=rf"ended by {name}.*Ask again"):
        model(np.zeros((1, 2, 2, 3), "float32"))


def test_a_dead_runtime_is_replaced_at_the_next_question():
    model = open_model(DIGITS)
    image = np.full((1, 16, 16, 1), 100, "float32")
    expected = model(image)["probabilities"]
    model._worker()._process.kill()
    with pytest.raises(ResourceError, match="Systems do so when memory runs out"):
        model(image)
    np.testing.assert_array_equal(model(image)["probabilities"], expected)


def test_an_interrupted_answer_is_not_given_to_the_next_caller(monkeypatch):
    model = open_model(DIGITS)
    one, other = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16, 1))
    expected = model(other.astype("float32"))["probabilities"]

    def interrupted(pipe):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(litert_model, "read_array", interrupted)
        with pytest.raises(KeyboardInterrupt):
            model(one.astype("float32"))
    given = model(other.astype("float32"))["probabilities"]
    np.testing.assert_array_equal(given, expected)


def test_what_a_runtime_raises_of_wrong_images_is_one_sentence():
    model = open_model(DIGITS)
    with pytest.raises(ModelFileError, match="could not broadcast"):
        model(np.zeros((1, 8, 8, 1), "float32"))


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "model.h5").write_bytes(b"any")
    with pytest.raises(ModelFileError, match=r"must be a \.keras, \.tflite or \.onnx"):
        open_model(tmp_path / "model.h5")


def _cut(content, rng):
    return content[: rng.integers(len(content))]


def _flip(content, rng):
    return _flip_near(content, rng, 0, len(content))


def _flip_card(content, rng):
    return _flip_near(content, rng, len(content) - 1000, len(content))


def _flip_near(content, rng, start, end):
    content = bytearray(content)
    for place in rng.integers(start, end, rng.integers(1, 8)):
        content[place] ^= 1 << rng.integers(8)
    return bytes(content)


def _huge(content, rng):
    words = np.frombuffer(content[: len(content) // 4 * 4], "uint32").copy()
    places = rng.integers(len(words), size=rng.integers(1, 8))
    words[places] = rng.choice([2**31 - 1, 2**32 - 1, 2**16])
    return words.tobytes()


def _zero(content, rng):
    start, length = rng.integers(len(content)), rng.integers(1, len(content) // 4)
    return content[:start] + bytes(length) + content[start + length :]


def _magic(content, rng):
    return content[:4] + rng.bytes(4) + content[8:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage", [_cut, _flip, _flip_card, _huge, _zero, _magic], ids=lambda f: f.__name__
)
def test_a_damaged_file_gets_an_answer_or_one_sentence(
    exported, tmp_path, capsys, damage
):
    content = (exported / "model_int8.tflite").read_bytes()
    path = tmp_path / "model.tflite"
    codes = []
    for seed in range(10):
        path.write_bytes(damage(content, np.random.default_rng(seed)))
        codes.append(main(["predict", str(path), "tests/samples/3.png"]))
        said = capsys.readouterr().err.strip()
        assert codes[-1] in (0, 4, 5)  # 5: the process was killed for its limits
        assert said.startswith("swin-keras: ") or codes[-1] == 0
        assert len(said.splitlines()) == (codes[-1] == 4), said
    assert 4 in codes


def test_a_model_whose_answers_are_not_finite_is_refused(exported):
    from swin_keras.inference.predictor import Predictor

    predictor = Predictor(exported / "model.tflite")
    with pytest.raises(ModelFileError, match="must answer with finite numbers"):
        predictor.probabilities(np.full((1, 16, 16, 1), np.inf))


def test_a_runtime_cannot_take_all_memory():
    program = (
        "import resource\n"
        "from swin_keras.litert.worker import limit, memory_limit\n"
        "limit(resource.RLIMIT_AS, memory_limit())\n"
        "try:\n"
        "    bytearray(memory_limit())\n"
        "except MemoryError:\n"
        "    print('refused')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"


def test_a_limit_that_is_stricter_already_stays():
    program = (
        "import resource\n"
        "from swin_keras.litert.worker import limit\n"
        "limit(resource.RLIMIT_CPU, 50)\n"
        "assert limit(resource.RLIMIT_CPU, 90)[0] == 50\n"
        "assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 50"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_onnx_file_that_takes_no_images_is_a_sentence(tmp_path):
    path = write_onnx(tmp_path / "model.onnx", inputs=("images", "mean"))
    with pytest.raises(ModelFileError, match="must take one batch of images"):
        open_model(path)
    path = write_onnx(tmp_path / "model.onnx", shape=("batch", "height", 4, 1))
    with pytest.raises(ModelFileError, match="must take one batch of images"):
        open_model(path)


def test_what_onnx_runtime_raises_while_it_runs_is_a_sentence(tmp_path, capfd):
    model = open_model(write_onnx(tmp_path / "model.onnx"))
    with pytest.raises(ModelFileError, match=r"must take one batch of images .* dim"):
        model(np.zeros((1, 5, 4, 1), "float32"))
    assert capfd.readouterr().err == ""

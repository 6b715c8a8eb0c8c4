"""A model file that cannot be run is an error message, never a dead process."""

import subprocess
import sys

import numpy as np
import pytest

from swin_keras.cli import main
from swin_keras.errors import ModelFileError
from swin_keras.runtimes import LiteRTModel, open_model


def test_random_bytes_are_refused(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(ModelFileError, match="not a valid Flatbuffer"):
        open_model(path)


def test_a_runtime_that_dies_is_a_message(tmp_path, monkeypatch):
    import swin_keras.runtimes as runtimes

    program = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    popen = runtimes.subprocess.Popen

    def crashing(arguments, **options):
        return popen([arguments[0], "-c", program], **options)

    monkeypatch.setattr(runtimes.subprocess, "Popen", crashing)
    (tmp_path / "model.tflite").write_bytes(b"any")
    with pytest.raises(ModelFileError, match="it ended LiteRT, exit code -11"):
        LiteRTModel(tmp_path / "model.tflite")


def test_a_runtime_that_dies_while_it_runs_is_a_message(tmp_path, monkeypatch):
    import swin_keras.runtimes as runtimes

    program = (
        "import sys\n"
        'print(\'{"batch": 1, "input_shape": [2, 2, 3], "outputs": {"y": [2]}}\')\n'
        "sys.stdout.flush()\n"
        "sys.stdin.buffer.read(10)\n"
        "import os; os.abort()"
    )
    popen = runtimes.subprocess.Popen

    def crashing(arguments, **options):
        return popen([arguments[0], "-c", program], **options)

    monkeypatch.setattr(runtimes.subprocess, "Popen", crashing)
    model = LiteRTModel(tmp_path / "model.tflite")
    with pytest.raises(ModelFileError, match="it ended LiteRT, exit code -6"):
        model(np.zeros((1, 2, 2, 3), "float32"))


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
        assert codes[-1] in (0, 4)
        assert said.startswith("swin-keras: ") or codes[-1] == 0
        assert len(said.splitlines()) == (codes[-1] == 4), said
    assert 4 in codes


def test_a_model_whose_answers_are_no_numbers_is_refused(exported):
    from swin_keras.inference import Predictor

    predictor = Predictor(exported / "model.tflite")
    with pytest.raises(ModelFileError, match="must answer with finite numbers"):
        predictor.probabilities(np.full((1, 16, 16, 1), np.inf))


def test_a_runtime_cannot_take_all_memory():
    program = (
        "import resource\n"
        "from swin_keras.litert_worker import limit, most_memory\n"
        "limit(resource.RLIMIT_AS, most_memory())\n"
        "try:\n"
        "    bytearray(most_memory())\n"
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
        "from swin_keras.litert_worker import limit\n"
        "limit(resource.RLIMIT_CPU, 50)\n"
        "assert limit(resource.RLIMIT_CPU, 90)[0] == 50\n"
        "assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 50"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

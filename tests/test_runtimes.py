"""A model file that cannot be run is an error message, never a dead process."""

import numpy as np
import pytest

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

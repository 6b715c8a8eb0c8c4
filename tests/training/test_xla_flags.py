"""What XLA is told to leave out, and what is kept for each such choice."""

import os
import subprocess
import sys

import pytest

from swin_keras.training.compile_cache import default_folder
from swin_keras.training.xla_flags import WITHOUT_TRITON, leave_out_triton


@pytest.mark.parametrize("flags", ["", "--xla_gpu_autotune_level=0"])
def test_triton_is_left_out_once(monkeypatch, flags):
    monkeypatch.setenv("XLA_FLAGS", flags)
    for _ in range(2):
        leave_out_triton()
    assert os.environ["XLA_FLAGS"] == f"{flags} {WITHOUT_TRITON}".strip()


def test_what_a_user_chose_stays(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_enable_triton_gemm=true")
    leave_out_triton()
    assert os.environ["XLA_FLAGS"] == "--xla_gpu_enable_triton_gemm=true"


@pytest.mark.slow
def test_xla_knows_the_flag():
    """It ends a process that passes one it does not know."""
    code = "import tensorflow as tf; tf.function(lambda: 1.0, jit_compile=True)()"
    environment = {**os.environ, "XLA_FLAGS": WITHOUT_TRITON}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, env=environment, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_other_flags_have_another_folder_of_compiled_steps(monkeypatch):
    """TensorFlow would take the step that was compiled without them."""
    folders = set()
    for flags in ("", WITHOUT_TRITON, f"{WITHOUT_TRITON} --xla_gpu_autotune_level=0"):
        monkeypatch.setenv("XLA_FLAGS", flags)
        folders.add(default_folder())
    assert len(folders) == 3

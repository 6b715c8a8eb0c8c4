"""Files are read for what they are, and nothing in them runs."""

import json
import struct
import zipfile

import numpy as np
import pytest
from files import checkpoint_arrays, pickled_tensors, save_pth, small_model
from safetensors.numpy import save_file

from swin_keras.errors import WeightsError
from swin_keras.weights.tensor_file import file_kind, open_tensor_file

ARRAYS = {
    "a": np.arange(12, dtype="float32").reshape(3, 4),
    "b": np.array([1.5, -2], "float32"),
}


def test_pth_is_read_without_torch(tmp_path):
    tensors = open_tensor_file(save_pth(tmp_path / "x.pth", ARRAYS))
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "a": (3, 4),
        "b": (2,),
    }
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(tensors[name].read(), expected)


def test_safetensors_and_pth_are_told_by_content_not_by_name(tmp_path):
    save_file(ARRAYS, tmp_path / "wrong.pth")
    save_pth(tmp_path / "wrong.safetensors", ARRAYS)
    assert file_kind(tmp_path / "wrong.pth") == "safetensors"
    assert file_kind(tmp_path / "wrong.safetensors") == "torch"
    for name in ("wrong.pth", "wrong.safetensors"):
        assert set(open_tensor_file(tmp_path / name)) == {"a", "b"}


@pytest.mark.parametrize(
    "code",
    [
        b"cposix\nsystem\n(Vtouch canary\ntR.",
        b"cbuiltins\neval\n(Vopen('canary', 'w')\ntR.",
        b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x01x\x85R.",
        b"(Vtouch canary\nios\nsystem\n.",
    ],
)
def test_pickle_with_code_is_refused_and_not_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_pth(tmp_path / "evil.pth", ARRAYS, pickle=code)
    with pytest.raises(
        WeightsError, match=r"evil\.pth: .*nothing was run.*safetensors"
    ):
        open_tensor_file(tmp_path / "evil.pth")
    assert not (tmp_path / "canary").exists()


def test_code_beside_good_tensors_is_refused_too(tmp_path):
    pickle = pickled_tensors(ARRAYS, opening=b"cposix\nsystem\n0")
    with pytest.raises(WeightsError, match=r"posix\.system"):
        open_tensor_file(save_pth(tmp_path / "x.pth", ARRAYS, pickle=pickle))


def test_compressed_archive_is_refused_before_it_grows(tmp_path):
    bomb = {"a": np.zeros(10_000_000, "float32")}
    save_pth(tmp_path / "x.pth", bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="compressed"):
        open_tensor_file(tmp_path / "x.pth")


def test_tensor_beyond_its_storage_is_refused(tmp_path):
    large = {**ARRAYS, "a": np.zeros((300, 400), "float32")}
    save_pth(tmp_path / "x.pth", ARRAYS, pickle=pickled_tensors(large))
    with pytest.raises(WeightsError, match="needs 480000 bytes and the file has 48"):
        open_tensor_file(tmp_path / "x.pth")


def header_only(path, header):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.mark.parametrize(
    "header",
    [
        {"a": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [10**18, 10**18 + 8]}},
        {"a": {"dtype": "F32", "shape": [2]}},
    ],
)
def test_header_that_lies_is_refused_before_allocating(header, tmp_path):
    path = header_only(tmp_path / "x.safetensors", header)
    with pytest.raises(WeightsError, match=r"x\.safetensors is damaged .*again"):
        open_tensor_file(path)


def test_header_of_absurd_length_is_refused(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(WeightsError, match="too large"):
        open_tensor_file(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html>", "a web page.*link of the file"),
        (b"\n  <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
        (b"", "an empty file"),
        (b"hello, hello", "neither"),
    ],
)
def test_what_is_no_weight_file_is_named(content, words, tmp_path):
    (tmp_path / "swin.pth").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"swin\.pth must be .* {words}"):
        open_tensor_file(tmp_path / "swin.pth")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(
        WeightsError, match=r"nowhere\.pth cannot be read: No such file"
    ):
        open_tensor_file(tmp_path / "nowhere.pth")


def test_truncated_file_is_refused(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    for path in (tmp_path / "x.safetensors", tmp_path / "x.pth"):
        if path.suffix == ".pth":
            save_pth(path, arrays)
        else:
            save_file(arrays, path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 2 // 3])
        with pytest.raises(WeightsError, match=r"is damaged|ends too early"):
            open_tensor_file(path)


def test_bits_that_flip_in_a_pth_are_noticed(tmp_path):
    path = save_pth(tmp_path / "x.pth", ARRAYS)
    data = bytearray(path.read_bytes())
    data[data.index(ARRAYS["a"].tobytes()) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="CRC"):
        open_tensor_file(path)["a"].read()

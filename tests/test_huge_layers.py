"""A `.keras` file that describes more than it holds is refused before it is built."""

import json
import threading
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from swin_keras.errors import ModelFileError, SwinKerasError
from swin_keras.layers.windows import relative_position_index, shifted_window_mask
from swin_keras.model_files import load_keras
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.weights import from_pretrained, info

HUGE = 100_000
MAX_MEGABYTES = 700
SIZES = {  # of images and layers, by the names that configurations have for them
    "batch_shape",
    "embed_dim",
    "mlp_ratio",
    "num_heads",
    "patch_size",
    "shift_size",
    "units",
    "window_size",
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    config = SwinConfig().replace(
        input_shape=(32, 32, 3),
        patch_size=2,
        embed_dim=8,
        depths=(1, 1),
        num_heads=(1, 2),
        window_size=4,
        position_embedding=True,
    )
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    SwinClassifier(config, classes=3).save(path)
    return path


def with_number(source, path, place, number=HUGE):
    """Write a model with another number at a place of its configuration."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                values = json.loads(content)
                *parents, last = place
                parent = values
                for key in parents:
                    parent = parent[key]
                parent[last] = number
                content = json.dumps(values)
            new.writestr(name, content)
    return path


def numbers(value, place=()):
    """Yield the place of every number in a JSON value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from numbers(part, (*place, key))
    elif type(value) in (int, float):
        yield place


def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def kind_of(place):
    """Return what a number is, whichever layer it stands in."""
    return tuple(part for part in place if isinstance(part, str))


@pytest.mark.parametrize(
    ("load", "only"),
    [
        (load_keras, None),
        (from_pretrained, SIZES),
        (info, SIZES),
        pytest.param(from_pretrained, None, marks=pytest.mark.slow),
        pytest.param(info, None, marks=pytest.mark.slow),
    ],
)
def test_no_number_of_a_configuration_takes_the_memory(saved, tmp_path, load, only):
    with zipfile.ZipFile(saved) as archive:
        config = json.loads(archive.read("config.json"))
    load(saved)
    tried = {}
    for place in numbers(config):
        kind = kind_of(place)
        if only is None or kind[-1] in only:
            tried.setdefault(kind, place)
    assert len(tried) > 15 if only is None else only <= {kind[-1] for kind in tried}
    refused = 0
    for place in tried.values():
        path = with_number(saved, tmp_path / "x.keras", place)
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        try:
            load(path)
        except SwinKerasError:
            refused += 1
        assert peak() - before < MAX_MEGABYTES, place
    assert refused > len(tried) // 4


def test_a_huge_layer_is_named(tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(5, name="wide")(inputs))
    model.save(tmp_path / "a.keras")
    place = ("config", "layers", 1, "config", "units")
    path = with_number(tmp_path / "a.keras", tmp_path / "b.keras", place, 10**9)
    before = keras.layers.Layer.add_weight
    with pytest.raises(ModelFileError, match="the layer wide declares 16,000,000,000"):
        load_keras(path)
    assert keras.layers.Layer.add_weight is before


def test_models_load_in_threads(saved):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(load_keras(saved)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.count_params() for model in found] == [found[0].count_params()] * 3


def test_windows_list_no_more_pairs_than_memory_has_room_for():
    for size in (200, 10**6):
        with pytest.raises(ValueError, match="Windows must hold at most"):
            relative_position_index(size)
    with pytest.raises(ValueError, match="Windows must hold at most"):
        shifted_window_mask((10**9, 4), 2, 1)
    with pytest.raises(ValueError, match="Windows must hold at most"):
        shifted_window_mask((4096, 4096), 32, 16)
    mask = shifted_window_mask((512, 512), 8, 4)
    assert np.isin(mask, (0, -100)).all()

"""Names of layers and variables: users' files are read by them, so they never change.

`golden/variables.txt` has, of each toy model, every variable in Keras' order: where a
`.weights.h5` file keeps it, its path in the model, its shape. A changed line there
means that files of before no longer load, unless something reads them. To write it:

    python tests/models/test_layer_names.py
"""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from swin_keras.exporting.inference_model import inference_model
from swin_keras.models import SwinBackbone, SwinClassifier, SwinConfig, SwinV2Config
from swin_keras.models.layer_names import (
    block_name,
    feature_name,
    layer_name,
    merging_name,
    stage_norm_name,
    stage_of,
    stage_part,
)

GOLDEN = Path(__file__).parent / "golden" / "variables.txt"
SIZES = {
    "input_shape": (16, 16, 3),
    "embed_dim": 4,
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 2,
    "drop_path_rate": 0.0,
}
DRAWING = {"dropout_rate": 0.1, "attention_dropout_rate": 0.1, "drop_path_rate": 0.1}
V1, V2 = SwinConfig(**SIZES), SwinV2Config(**SIZES)
MODELS = {
    "v1": lambda: classifier(V1),
    "v1_that_draws": lambda: classifier(V1.replace(**DRAWING)),
    "v1_of_other_patches": lambda: classifier(
        V1.replace(position_embedding=True, patch_overlap=1, input_shape=(16, 16, 1))
    ),
    "v1_without": lambda: classifier(V1.replace(patch_norm=False, qkv_bias=False)),
    "v1_backbone": lambda: SwinBackbone(V1),
    "v1_folded": lambda: inference_model(classifier(V1)),
    "v2": lambda: classifier(V2),
    "v2_that_draws": lambda: classifier(V2.replace(**DRAWING)),
    "v2_without_bias": lambda: classifier(V2.replace(qkv_bias=False)),
    "v2_folded": lambda: inference_model(classifier(V2)),
}


def classifier(config):
    return SwinClassifier(config, classes=2)


def variables_of(model, folder):
    """Return a line for each variable: its place in a file, its path, its shape."""
    for number, variable in enumerate(model.variables):
        variable.assign(np.full(variable.shape, number))
    file = folder / "names.weights.h5"
    model.save_weights(file)
    places = {}

    def note(place, item):
        if isinstance(item, h5py.Dataset):
            places[int(item[()].flat[0])] = place

    with h5py.File(file) as weights:
        weights.visititems(note)
    return [
        f"{places[number]}  {variable.path}  {tuple(variable.shape)}"
        for number, variable in enumerate(model.variables)
    ]


def golden():
    chapters = GOLDEN.read_text("utf-8").strip().split("\n\n")
    return {head: lines for head, *lines in map(str.splitlines, chapters)}


def write_golden(folder):
    chapters = []
    for name, make in MODELS.items():
        keras.utils.clear_session()
        chapters.append("\n".join([name, *variables_of(make(), folder)]))
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("\n\n".join(chapters) + "\n", "utf-8")


@pytest.mark.parametrize("name", MODELS)
def test_variables_have_the_names_that_users_files_have(name, tmp_path):
    keras.utils.clear_session()  # Keras counts layers without a name over a session
    assert variables_of(MODELS[name](), tmp_path) == golden()[name]


def test_what_is_written_is_read():
    assert stage_part(block_name(3, 18)) == (3, "block", 18)
    assert stage_part(merging_name(2)) == (2, "merging", 0)
    assert stage_part(stage_norm_name(4)) == (4, "norm", 0)
    assert feature_name(1) == "C2"


@pytest.mark.parametrize("config", [V1, V2])
def test_each_layer_with_weights_is_known_by_its_name(config):
    config = config.replace(position_embedding=True)
    model = classifier(config)
    stages = {layer_name(v): stage_of(layer_name(v)) for v in model.trainable_variables}
    assert stages == {
        "patch_embedding": 0,
        "position_embedding": 0,
        block_name(1, 1): 1,
        block_name(1, 2): 1,
        merging_name(1): 1,
        block_name(2, 1): 2,
        "norm": None,
        "head": None,
    }
    assert set(SwinBackbone(config).output) == {feature_name(1), feature_name(2)}


@pytest.mark.parametrize(
    "name",
    [
        "stage_0_block_1",
        "stage_1_block_0",
        "stage_1_block_",
        "stage_1_block_1x",
        "head_stage_1_block_1",
        "stage_1",
        "stage_1_",
        "stage_99999_block_1",
    ],
)
def test_names_that_only_look_alike_are_none_of_these(name):
    assert stage_part(name) is None


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        write_golden(Path(scratch))

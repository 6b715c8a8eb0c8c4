"""A SavedModel that could do more than compute is not run unless it is trusted."""

import os
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from swin_keras.cli import main
from swin_keras.errors import ModelFileError
from swin_keras.inference.operations import HARMLESS, require_harmless
from swin_keras.inference.predictor import Predictor

IMAGES = tf.TensorSpec((None, 4, 4, 1), "float32", name="images")


def save(function, path):
    """Write a SavedModel whose endpoint `serve` is a function of images."""
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    module.serve = tf.function(
        lambda images: function(images, module.weight), input_signature=[IMAGES]
    )
    tf.saved_model.save(module, str(path))
    return path


def classes(images, weight):
    return tf.nn.softmax(weight * tf.reduce_mean(images[..., 0], 1))


def writes(images, weight):
    tf.io.write_file("written", "mischief")
    return classes(images, weight)


def reads(images, weight):
    size = tf.strings.length(tf.io.read_file("/etc/hostname"))
    return classes(images, weight) + 0 * tf.cast(size, "float32")


def writes_when_asked_twice(images, weight):
    if tf.reduce_sum(images) > 1:
        tf.print("mischief", output_stream="file://written")
    return classes(images, weight)


def calls_python(images, weight):
    scores = tf.py_function(lambda x: x, [classes(images, weight)], "float32")
    return tf.ensure_shape(scores, (None, 4))


def restores(images, weight):
    read = tf.raw_ops.RestoreV2(
        prefix="elsewhere", tensor_names=["x"], shape_and_slices=[""], dtypes=["float"]
    )
    return classes(images, weight) + 0 * tf.reduce_sum(read[0])


@pytest.mark.parametrize(
    ("function", "operation"),
    [
        (writes, "WriteFile"),
        (reads, "ReadFile"),
        (writes_when_asked_twice, "PrintV2"),
        (calls_python, "EagerPyFunc"),
        (restores, "RestoreV2"),
    ],
)
def test_what_reaches_files_or_python_is_named_and_not_run(
    tmp_path, monkeypatch, function, operation
):
    monkeypatch.chdir(tmp_path)
    path = save(function, tmp_path / "model")
    with pytest.raises(ModelFileError, match=rf"holds the operations .*{operation}"):
        Predictor(path)
    assert not (tmp_path / "written").exists()


def test_a_table_that_is_read_from_a_file_is_refused(tmp_path):
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    module = tf.Module()
    lines = tf.lookup.TextFileIndex
    rows = tf.lookup.TextFileInitializer(
        str(tmp_path / "names.txt"),
        tf.string,
        lines.WHOLE_LINE,
        tf.int64,
        lines.LINE_NUMBER,
    )
    module.table = tf.lookup.StaticHashTable(rows, -1)
    module.serve = tf.function(
        lambda images: (
            classes(images, 1.0)
            + 0 * tf.cast(module.table.lookup(tf.constant("cat")), "float32")
        ),
        input_signature=[IMAGES],
    )
    tf.saved_model.save(module, str(tmp_path / "model"))
    with pytest.raises(ModelFileError, match="InitializeTableFromTextFileV2"):
        require_harmless(tmp_path / "model")


def test_the_command_refuses_it_and_runs_it_when_trusted(tmp_path, monkeypatch, capsys):
    path, picture = save(writes, tmp_path / "model"), tmp_path / "grey.png"
    keras.utils.save_img(picture, np.full((4, 4, 1), 9), scale=False)
    monkeypatch.chdir(tmp_path)
    for command in (["predict", str(path), str(picture)], ["info", str(path)]):
        assert main(command) == 4
        said = capsys.readouterr().err
        assert "WriteFile" in said
        assert "--trust" in said
        assert not (tmp_path / "written").exists()
    assert main(["predict", str(path), str(picture), "--trust"]) == 0
    assert (tmp_path / "written").read_text() == "mischief"
    assert Predictor(path, trust=True).form == "saved_model"


def test_our_own_exports_and_what_saves_their_variables_pass(exported):
    require_harmless(exported / "saved_model" / "1")


def test_a_function_that_answers_is_no_saver_whatever_the_file_says(tmp_path):
    path = save(restores, tmp_path / "model")
    file = path / "saved_model.pb"
    content = SavedModel.FromString(file.read_bytes())
    (graph,) = content.meta_graphs
    functions = {f.signature.name for f in graph.graph_def.library.function}
    for name in functions:
        node = graph.graph_def.node.add(
            name=f"call{name}", op="StatefulPartitionedCall"
        )
        node.attr["f"].func.name = name
        graph.saver_def.restore_op_name = node.name
        file.write_bytes(content.SerializeToString())
        with pytest.raises(ModelFileError, match="RestoreV2"):
            require_harmless(path)


def test_a_folder_with_something_else_than_files_is_refused(tmp_path):
    path = save(classes, tmp_path / "model")
    require_harmless(path)
    data = path / "variables" / "variables.data-00000-of-00001"
    data.unlink()
    os.mkfifo(data)  # to open it would wait for ever
    with pytest.raises(ModelFileError, match="must hold files only"):
        Predictor(path)


def test_a_file_that_is_no_saved_model_is_a_sentence(exported, tmp_path):
    path = shutil.copytree(exported / "saved_model" / "1", tmp_path / "model")
    (path / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(ModelFileError, match="A SavedModel must be complete"):
        Predictor(path)


def test_the_list_names_operations_that_tensorflow_has():
    known = {name for name in dir(tf.raw_ops) if not name.startswith("_")}
    assert set(HARMLESS) - known <= {"FakeParam", "DestroyResourceOp"}
    for name in ("ReadFile", "WriteFile", "PyFunc", "PrintV2", "ImmutableConst"):
        assert name in known
        assert name not in HARMLESS

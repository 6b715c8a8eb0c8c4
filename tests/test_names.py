import numpy as np
import pytest

from swin_keras import create_model
from swin_keras.errors import DataError
from swin_keras.names import (
    as_names,
    check_name,
    distinct_names,
    is_printable,
    printable,
)
from swin_keras.weights import load_weights, save_timm


@pytest.mark.parametrize("name", ["flowers", "a b", "été", "猫", "v1.2", "a" * 200])
def test_a_plain_name_is_taken(name):
    assert check_name(name, "A run's name") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../docs",
        "a/b",
        "a\\b",
        "/abs",
        ".hidden",
        "-rf",
        "a\nb",
        "a\x1b[31m",
        "a\0b",
        "\udce9",
        "\u202e",
        "é" * 101,
        None,
        3,
        ["a"],
    ],
)
def test_what_is_no_plain_name_is_refused_with_what_was_given(name):
    with pytest.raises(DataError, match="A run's name must be one plain name"):
        check_name(name, "A run's name", DataError)


def test_control_characters_are_written_out():
    assert printable("cat\x1b[2J\n") == "cat\\x1b[2J\\n"
    assert printable("\udce9") == "\\udce9"
    assert printable("été 猫") == "été 猫"
    assert is_printable("été 猫 \N{WOMAN}\u200d\N{ROCKET}")
    assert not is_printable("a\u2028b")


def test_names_that_classes_share_get_the_class_s_number():
    assert distinct_names(["crane", "heron", "crane"]) == (
        "crane (0)",
        "heron",
        "crane (2)",
    )
    assert distinct_names(("cat", "dog")) == ("cat", "dog")


def test_names_may_be_any_row_of_them(tmp_path):
    names = np.array(["cat", "dog"])
    assert as_names(names) == ("cat", "dog")
    assert as_names(None) == ()
    sizes = {"depths": (1,), "num_heads": (1,), "embed_dim": 8}
    model = create_model(
        "swin_nano", input_shape=(16, 16, 3), class_names=names, **sizes
    )
    assert model.output_shape == (None, 2)
    save_timm(model, tmp_path / "model", class_names=names)
    kernel = model.get_layer("head").get_weights()[0]
    load_weights(model, tmp_path / "model", class_names=names[::-1])
    swapped = model.get_layer("head").get_weights()[0]
    np.testing.assert_array_equal(swapped, kernel[:, ::-1])

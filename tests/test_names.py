import pytest

from swin_keras.errors import DataError
from swin_keras.names import check_name, distinct_names, is_printable, printable


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

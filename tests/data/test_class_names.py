import pytest
from hypothesis import given
from hypothesis import strategies as st

from swin_keras.data.class_names import class_of, folder_of, problem_of
from swin_keras.names import check_name

NAMES = ["..", ".", "a/b", "a_b", "a%2Fb", "100%", "-rf", "__MACOSX", "T-shirt/top"]


@pytest.mark.parametrize("name", [*NAMES, "a\\b", " a ", "%2E.", "50%25", "Übung"])
def test_every_name_becomes_one_plain_folder_and_comes_back(name):
    folder = folder_of(name)
    assert check_name(folder, "A folder") == folder
    assert class_of(folder) == name


@given(st.lists(st.text("ab./\\-_% 2EF", min_size=1, max_size=8), unique=True))
def test_no_two_names_share_a_folder(names):
    folders = [folder_of(name) for name in names]
    assert len(set(folders)) == len(names)
    assert [class_of(folder) for folder in folders] == names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("a\nb", "line break"),
        ("\udce9", "not text"),
        ("x" * 201, "longer"),
        (3, "type int"),
    ],
)
def test_names_that_cannot_be_say_why(name, words):
    assert words in problem_of(name)

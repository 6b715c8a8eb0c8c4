"""Labels from a table of files and classes."""

import os

import pytest
from image_files import make_folder

from swin_keras.data import check_folder, load_dataset
from swin_keras.errors import DataError, UsageError


@pytest.fixture
def root(tmp_path):
    return make_folder(tmp_path / "set", {"x": 6, "y": 6})


def write(root, rows, name="labels.csv"):
    (root / name).write_text("\n".join(rows) + "\n", "utf-8")
    return root / name


def rows(root, **labels):
    return [
        f"{path.relative_to(root)},{labels[path.parent.name]}"
        for path in sorted(root.rglob("*.png"))
    ]


@pytest.mark.parametrize("header", [[], ["file,label"], ["\ufeffFilename,Class"]])
def test_files_get_the_labels_of_their_rows(root, header):
    table = write(root, [*header, *rows(root, x="cat", y="dog")])
    dataset = load_dataset(table)
    assert dataset.name == "labels"
    assert dataset.class_names == ("cat", "dog")
    whole = dataset.split("all")
    assert len(whole) == 12
    for index, label in enumerate(whole.labels):
        folder = {"cat": "x", "dog": "y"}[dataset.class_names[label]]
        assert f"{os.sep}{folder}{os.sep}" in whole.name(index)
    assert check_folder(table).ok


def test_a_first_row_that_may_name_the_columns_is_told_how(root):
    table = write(root, ["image_id,species", *rows(root, x="cat", y="dog")])
    with pytest.raises(DataError, match=r"line 1: .*call them file and label"):
        load_dataset(table)
    table = write(root, ["file,label", "lost.png,cat", *rows(root, x="cat", y="dog")])
    with pytest.raises(DataError, match=r"line 2: there is no file 'lost.png'$"):
        load_dataset(table)


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", ",")]
)
def test_another_separator_is_named(root, name, separator):
    lines = ["file,label", *rows(root, x="cat", y="dog")]
    table = write(root, [line.replace(",", separator) for line in lines], name)
    with pytest.raises(DataError, match=r"between its cells. Received: .* in every"):
        load_dataset(table)


def test_of_two_columns_that_may_be_the_label_the_usual_one_is(root):
    lines = [f"{row},none" for row in rows(root, x="cat", y="dog")]
    table = write(root, ["file,label,tags", *lines])
    assert load_dataset(table).class_names == ("cat", "dog")


def test_the_order_of_the_rows_does_not_matter(root):
    lines = rows(root, x="cat", y="dog")
    first = load_dataset(write(root, lines)).fingerprint()
    assert load_dataset(write(root, lines[::-1])).fingerprint() == first


def test_a_header_may_order_the_columns_and_tell_the_splits(root):
    lines = ["split\tid\tlabel\tfile"]
    for path in sorted(root.rglob("*.png")):
        split = "validation" if path.stem == "005" else "train"
        file = path.relative_to(root)
        lines.append(f"{split}\t7\tis {path.parent.name}\t{file}")
    table = write(root, lines, "labels.tsv")
    dataset = load_dataset(table)
    assert dataset.class_names == ("is x", "is y")
    assert [len(dataset.splits[title]) for title in ("train", "val")] == [10, 2]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["gone.png,cat"], "line 1: there is no file 'gone.png'"),
        (["x/000.png,cat", "", "x/000.png,dog"], "line 3: x/000.png stands in line 1"),
        (["x/000.png"], "line 1: must have 2 cells, has 1"),
        (["file,label", "x/000.png,"], "line 2: the label '' is empty"),
        ([",cat"], "line 1: names no file"),
        (["../outside.png,cat"], "line 1: '../outside.png' lies out of the table's"),
        (["file,label,split", "x/000.png,a,dev ops"], "split 'dev ops' must be train"),
        (['"x/000.png,cat'], "must be a table.*Line 1"),
        (["x/000.png,a", "x/001.png,b", "x/002.png,a; b"], "'a; b' seems to name sev"),
        (["x/000.png,a,train", "x/001.png,b,test"], "column 3 holds test, train"),
        (["file,label,fold", "x/000.png,a,val"], "first row such as file,label,split"),
        ([], "there are no rows"),
    ],
)
def test_errors_name_the_lines(root, lines, words):
    (root.parent / "outside.png").write_bytes(b"")
    with pytest.raises(DataError, match=words):
        load_dataset(write(root, lines))


def test_a_table_that_is_no_text_says_where(root):
    table = root / "labels.csv"
    table.write_bytes(b"x/000.png,cat\nx/001.png,caf\xe9\n")
    with pytest.raises(DataError, match=r"must be text in UTF-8\. Line 2 is not"):
        load_dataset(table)


def test_files_out_of_the_folder_may_be_asked_for(root):
    lines = [f"00{index}.png,cat" for index in range(4)]
    lines += [f"../y/00{index}.png,dog" for index in range(4)]
    table = write(root / "x", lines)
    with pytest.raises(DataError, match="--follow-links"):
        load_dataset(table)
    assert len(load_dataset(table, follow_links=True).split("all")) == 8


def test_a_table_takes_no_pattern_and_waits_for_no_pipe(root):
    table = write(root, rows(root, x="a", y="b"))
    with pytest.raises(UsageError, match="not from both"):
        load_dataset(table, label_pattern="(?P<label>.)")
    os.mkfifo(root / "pipe.csv")
    with pytest.raises(DataError, match="no regular file, but a FIFO"):
        load_dataset(root / "pipe.csv")


def test_absolute_paths_are_right_also_where_a_link_leads_to_the_table(tmp_path):
    real = make_folder(tmp_path / "mnt" / "disk" / "set", {"x": 6, "y": 6})
    lines = [
        f"{real / row.split(',')[0]},{row.split(',')[1]}"
        for row in rows(real, x="cat", y="dog")
    ]
    write(real, lines)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(real, target_is_directory=True)
    dataset = load_dataset(tmp_path / "data" / "link" / "labels.csv")
    assert len(dataset.split("all")) == 12
    dataset.split("all").image(0, 3)


def test_a_path_upwards_means_what_opening_it_means(tmp_path):
    """Beyond a link, "../up" is beside what it leads to."""
    real = make_folder(tmp_path / "mnt" / "set", {"x": 6, "y": 6})
    lines = [row.replace("x/", "../up/") for row in rows(real, x="cat", y="dog")]
    write(real, lines)
    (real / "x").rename(real.parent / "up")
    (tmp_path / "up").mkdir()  # beside the link, where nothing is
    (tmp_path / "link").symlink_to(real, target_is_directory=True)
    dataset = load_dataset(tmp_path / "link" / "labels.csv", follow_links=True)
    assert len(dataset.split("all")) == 12


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "\x1e"])
def test_only_line_ends_end_a_row(root, mark):
    lines = [f"{row},a{mark}caption" for row in rows(root, x="cat", y="dog")]
    table = write(root, ["file,label,caption", *lines])
    assert load_dataset(table).class_names == ("cat", "dog")


def test_labels_that_read_alike_are_one_class(root):
    names = {"x": "caf\u00e9", "y": "dog"}
    lines = rows(root, **names)
    lines[0] = lines[0].replace("caf\u00e9", "cafe\u0301")  # as some systems write it
    assert load_dataset(write(root, lines)).class_names == ("caf\u00e9", "dog")

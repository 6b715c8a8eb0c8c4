"""Which files of a folder are images, and what is said of the others."""

import os
import socket

import pytest
from image_files import encoded, make_folder, noise

from swin_keras.data import check_folder, load_dataset
from swin_keras.data.boxes.files import annotation_files
from swin_keras.data.listing import list_images
from swin_keras.data.walk import Walk


def listed(root, **options):
    """Path below the root of every image of a folder."""
    split = load_dataset(root, hold_out=False, **options).split("all")
    return {os.path.relpath(split.name(i), root) for i in range(len(split))}


def notes(root, **options):
    return "\n".join(load_dataset(root, hold_out=False, **options).notes)


@pytest.fixture
def root(tmp_path):
    return make_folder(tmp_path / "root", {"cat": 3, "dog": 3})


def test_what_is_not_read_is_counted_and_named_by_kind(root):
    for index in range(48):
        (root / "cat" / f"{index:02d}.xyz").write_bytes(b"1")
    (root / "dog" / "clip.mp4").write_bytes(b"1")
    (root / "dog" / "LICENSE").write_text("free")
    expected = (
        "48 left out: .xyz files, which are not read "
        "(cat/00.xyz, cat/01.xyz, cat/02.xyz, ...)."
    )
    assert expected in load_dataset(root).notes
    assert "1 left out: .mp4 files, which are not read (dog/clip.mp4)." in notes(root)
    assert "files without an ending that are not pictures (dog/LICENSE)" in notes(root)
    details = [row[3] for row in check_folder(root).rows("info")]
    assert expected in details


def test_files_without_an_ending_are_read_if_they_begin_as_a_picture(root):
    for format in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "AVIF", "BMP"):
        (root / "cat" / format.lower()).write_bytes(encoded(noise(1), format))
    assert len(listed(root)) == 6 + 7
    assert notes(root) == ""


@pytest.mark.parametrize("ending", ["tif", "TIFF", "avif", "jfif", "JPE"])
def test_further_endings_are_read(root, ending):
    format = {"t": "TIFF", "a": "AVIF", "j": "JPEG"}[ending[0].lower()]
    (root / "cat" / f"photo.{ending}").write_bytes(encoded(noise(1), format))
    assert f"cat/photo.{ending}" in listed(root)
    assert check_folder(root).rows() == []


def test_only_regular_files_are_opened(root):
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "cat" / "zero.png").symlink_to("/dev/zero")
    (root / "cat" / "memory.jpg").symlink_to("/proc/self/mem")
    (root / "dog" / "sys").symlink_to("/sys")
    (root / "proc").symlink_to("/proc")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(root / "dog")  # a socket's path is short
        server.bind("s.png")
        os.chdir(here)
        assert len(listed(root)) == 6
        text = notes(root)
    assert "1 left out: a FIFO, which is not a file (cat/pipe.jpg)." in text
    assert "1 left out: a socket, which is not a file (dog/s.png)." in text
    assert "4 left out: links to files of the system (cat/memory.jpg, " in text


def test_links_to_the_folder_itself_or_above_are_left_out(tmp_path, root):
    (root / "cat" / "up").symlink_to("..")
    (root / "dog" / "top").symlink_to("/")
    (root / "all").symlink_to(tmp_path)
    assert len(listed(root)) == 6
    expected = "3 left out: links to the folder itself or above it (all, cat/up, "
    assert expected in notes(root, follow_links=True)


def test_links_to_what_is_listed_already_are_left_out(root):
    (root / "cat" / "others").symlink_to(root / "dog")
    (root / "kitten").symlink_to("cat")
    assert len(listed(root, follow_links=True)) == 6
    assert "folders that are listed already (cat/others, kitten)" in notes(root)


def test_a_link_to_itself_is_left_out(root):
    (root / "cat/loop").symlink_to(root / "cat/loop")
    (root / "loop").symlink_to("loop")
    assert len(listed(root)) == 6
    assert "1 left out: links that lead nowhere (cat/loop)." in notes(root)


def test_a_class_folder_on_another_disk_is_followed(tmp_path, root):
    far = make_folder(tmp_path / "far", {"deep": 2})
    (far / "loop").symlink_to(far)
    (root / "owl").symlink_to(far)
    assert len(listed(root)) == 8
    assert "owl/loop" in notes(root)


def test_other_links_out_of_the_folder_are_followed_only_when_asked(tmp_path, root):
    far = make_folder(tmp_path / "far", {"deep": 2})
    (root / "cat" / "more").symlink_to(far)
    noise(5).save(tmp_path / "mine.png")
    (root / "dog" / "mine.png").symlink_to(tmp_path / "mine.png")
    (root / "dog" / "same.png").symlink_to("000.png")
    assert len(listed(root)) == 7
    assert "2 left out: links that lead out of the folder, unless" in notes(root)
    assert "(cat/more, dog/mine.png)" in notes(root)
    assert len(listed(root, follow_links=True)) == 10


def test_folders_that_cannot_be_read_are_said(root, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    (root / "cat" / "secret").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    walk = Walk(root)
    assert len(walk.images(root)) == 6
    assert "cannot be read (Permission denied) (cat/secret)" in walk.notes()[0]


def test_images_for_prediction_are_listed_with_the_same_rules(root, caplog):
    os.mkfifo(root / "cat" / "pipe.jpg")
    (root / "cat" / "up").symlink_to("..")
    with caplog.at_level("INFO", "swin_keras"):
        listed = list_images(root)
    assert listed == [
        *(f"cat/00{index}.png" for index in range(3)),
        *(f"dog/00{index}.png" for index in range(3)),
    ]
    assert "1 left out: a FIFO, which is not a file (cat/pipe.jpg)." in caplog.text


@pytest.mark.parametrize(
    "marks",
    [(".lock", "log.txt"), ("card.json", "model.keras"), ("study.json", "trials/0/t")],
)
def test_what_is_written_here_is_no_data(root, marks):
    for mark in marks:
        path = root / "out" / "mine" / mark
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / "out" / "README.md").touch()
    make_folder(root / "out" / "mine", {"samples": 2})
    dataset = load_dataset(root, hold_out=False)
    assert dataset.class_names == ("cat", "dog")
    left_out = "1 left out: folders of runs, exports or studies (out/mine)."
    assert dataset.notes == (left_out,)
    assert len(list_images(root)) == 6
    assert len(list_images(root / "out" / "mine")) == 2  # where one asks for them
    make_folder(root / "out", {"horse": 1})  # a class that has one within
    assert load_dataset(root, hold_out=False).class_names == ("cat", "dog", "out")


def test_a_folder_with_one_mark_of_a_run_is_data(root):
    (root / "cat" / "log.txt").touch()
    (root / "dog" / "card.json").touch()
    assert len(listed(root)) == 6


def test_annotations_beside_a_run_are_read_and_those_within_it_are_not(tmp_path):
    run = tmp_path / "annotations" / "runs" / "a"
    run.mkdir(parents=True)
    for path in (run / ".lock", run / "log.txt", run / "within.json"):
        path.touch()
    (tmp_path / "annotations" / "beside.json").touch()
    found, _ = annotation_files(tmp_path)
    assert found == ["annotations/beside.json"]

import json
import shutil
import subprocess
import sys

import pytest
from image_files import encoded, file_bytes, make_folder, noise, png_that_declares
from PIL import ExifTags, Image

from swin_keras.data import check_folder, load_dataset
from swin_keras.data.duplicates import same_files
from swin_keras.errors import DataError


def findings(report):
    return {(level, kind, path) for level, kind, path, _ in report.rows()}


def test_a_good_folder_has_nothing_to_say(tmp_path):
    report = check_folder(make_folder(tmp_path, {"a": 4, "b": 4}))
    assert report.ok
    assert report.rows() == []
    assert report.counts == {"all": {"a": 4, "b": 4}}


def test_every_kind_of_bad_file_is_found_at_once(tmp_path):
    make_folder(tmp_path, {"a": 4, "b": 4})
    picture = encoded(noise(9, (300, 300)), "JPEG")
    for name, content in {
        "empty.jpg": b"",
        "text.jpg": b"hello",
        "cut.jpg": picture[:-1000],
        "bomb.png": png_that_declares(30_000, 30_000),
        "wide.png": png_that_declares(30_001, 2),
        "big.png": png_that_declares(10_000, 9_000),
    }.items():
        (tmp_path / "a" / name).write_bytes(content)
    (tmp_path / "a" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    before = file_bytes(tmp_path)
    report = check_folder(tmp_path)
    assert not report.ok
    assert {path: detail for _, _, path, detail in report.rows("error")}.keys() == {
        f"a/{name}.{suffix}"
        for name, suffix in {
            "empty": "jpg",
            "text": "jpg",
            "cut": "jpg",
            "bomb": "png",
            "wide": "png",
            "big": "png",
            "gone": "jpg",
        }.items()
    }
    assert file_bytes(tmp_path) == before
    quick = check_folder(tmp_path, quick=True)
    assert findings(report) == findings(quick)  # also what was cut off


def test_unusual_images_are_usable_and_mentioned(tmp_path):
    make_folder(tmp_path, {"a": 4, "b": 4})
    (tmp_path / "a" / "really.jpg").write_bytes(encoded(noise(1), "PNG"))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    noise(2).save(tmp_path / "a" / "turned.jpg", exif=exif)
    frames = [noise(3), noise(4)]
    frames[0].save(
        tmp_path / "b" / "moving.gif", save_all=True, append_images=frames[1:]
    )
    noise(5).convert("CMYK").save(tmp_path / "b" / "print.jpg")
    report = check_folder(tmp_path)
    assert report.ok
    assert findings(report) == {
        ("warning", "wrong extension", "a/really.jpg"),
        ("info", "rotated", "a/turned.jpg"),
        ("info", "animated", "b/moving.gif"),
    }


@pytest.mark.parametrize(
    ("source", "copy", "level", "kind"),
    [
        ("train/a/000.png", "train/a/copy.png", "info", "duplicate"),
        ("train/a/000.png", "test/a/copy.png", "warning", "leak"),
        ("train/a/000.png", "train/b/copy.png", "warning", "two classes"),
        ("train/a/000.png", "test/b/copy.png", "warning", "two classes"),
    ],
)
def test_files_of_equal_bytes_are_found(tmp_path, source, copy, level, kind):
    for title in ("train", "test"):
        make_folder(tmp_path / title, {"a": 3, "b": 3})
    shutil.copy(tmp_path / source, tmp_path / copy)
    (row,) = check_folder(tmp_path).rows()
    assert row[:2] == (level, kind)
    assert {source, copy} == {row[2], row[3].split()[3].rstrip(",;")}


def test_duplicates_in_a_folder_to_be_split_are_a_warning(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    shutil.copy(tmp_path / "a" / "000.png", tmp_path / "a" / "copy.png")
    (row,) = check_folder(tmp_path).rows()
    assert row[:2] == ("warning", "duplicate")


def test_a_class_that_drowns_the_others_is_a_warning(tmp_path):
    (row,) = check_folder(make_folder(tmp_path, {"a": 17, "b": 3})).rows()
    assert row[:2] == ("warning", "unbalanced")
    assert "'a' is 85% of all" in row[3]


def test_missing_and_empty_classes_are_errors(tmp_path):
    make_folder(tmp_path / "train", {"a": 3, "b": 3, "c": 0})
    make_folder(tmp_path / "val", {"a": 3, "c": 3, "d": 1})
    details = {detail for *_, detail in check_folder(tmp_path).rows("error")}
    assert details == {
        "Class 'c' has no images in train.",
        "Class 'b' of train is missing in val.",
        "Class 'd' in val is not in train.",
    }


def test_the_report_is_json_with_errors_first(tmp_path):
    make_folder(tmp_path, {"a": 9, "b": 1})
    (tmp_path / "b" / "empty.png").write_bytes(b"")
    report = json.loads(check_folder(tmp_path, quick=True).to_json())
    assert report["ok"] is False
    assert report["quick"] is True
    assert report["counts"] == {"all": {"a": 9, "b": 2}}
    assert [finding["level"] for finding in report["findings"]] == ["error", "warning"]
    assert report["findings"][0]["path"] == "b/empty.png"


def test_progress_counts_to_the_end(tmp_path):
    seen = []
    check_folder(
        make_folder(tmp_path, {"a": 3, "b": 3}),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 6) for done in range(1, 7)]


def test_a_folder_without_classes_cannot_be_checked(tmp_path):
    with pytest.raises(DataError, match="one folder of images for each class"):
        check_folder(tmp_path)


def broken_middle(side=400):
    """A JPEG that begins and ends well, with other bytes in between."""
    data = bytearray(encoded(noise(3, (side, side)), "JPEG", quality=95))
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xff\xd8\xff\xe0" * 100
    return bytes(data)


def test_check_and_training_agree_on_what_is_ready(tmp_path):
    make_folder(tmp_path / "few", {"a": 1, "b": 2})
    report = check_folder(tmp_path / "few")
    (row,) = report.rows("error")
    with pytest.raises(DataError) as error:
        load_dataset(tmp_path / "few")
    assert row[3] in str(error.value)


def test_a_broken_middle_is_skipped_and_its_removal_changes_nothing(tmp_path):
    make_folder(tmp_path, {"a": 12, "b": 12})
    broken = tmp_path / "a" / "broken.jpg"
    broken.write_bytes(broken_middle())
    (row,) = check_folder(tmp_path).rows("error")
    assert row[2] == "a/broken.jpg"
    assert check_folder(tmp_path, quick=True).ok
    dataset = load_dataset(tmp_path, on_bad="skip")
    assert [path for path, _ in dataset.skipped] == [str(broken)]
    broken.unlink()
    assert load_dataset(tmp_path, on_bad="skip").fingerprint() == dataset.fingerprint()


def test_the_summary_has_a_line_a_kind(tmp_path):
    make_folder(tmp_path, {"a": 30, "b": 1})
    for index in range(600):
        (tmp_path / "b" / f"{index:03d}.jpg").write_bytes(b"")
        (tmp_path / "b" / f"{index:03d}.xyz").write_bytes(b"")
    report = check_folder(tmp_path)
    assert len(report.rows()) == 602
    lines = report.summary()
    assert [(line.level, line.kind, line.count) for line in lines] == [
        ("error", "unreadable", 600),
        ("warning", "unbalanced", 1),
        ("info", "left out", 1),
    ]
    assert lines[0].text.splitlines() == [
        "b/000.jpg: empty, 0 bytes",
        "b/001.jpg: empty, 0 bytes",
        "b/002.jpg: empty, 0 bytes",
        "... and 597 more",
    ]


def test_small_images_and_classes_of_few_are_said_by_training_too(tmp_path):
    make_folder(tmp_path, {"a": 40, "b": 30, "c": 3})
    noise(1, (20, 31)).save(tmp_path / "b" / "tiny.png")
    shutil.copy(tmp_path / "a" / "000.png", tmp_path / "b" / "same.png")
    notes = load_dataset(tmp_path).notes
    assert "small: b/tiny.png: 20 x 31 pixels; it is enlarged." in notes
    (doubled,) = [note for note in notes if note.startswith("two classes")]
    assert "a/000.png: same bytes as b/same.png; if images may have several" in doubled
    (unbalanced,) = [note for note in notes if note.startswith("unbalanced")]
    assert "class 'a' has 40 images in all, 'c' has 3" in unbalanced


def test_training_compares_no_more_bytes_than_it_may(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    shutil.copy(tmp_path / "a" / "000.png", tmp_path / "b" / "same.png")
    paths = ["a/000.png", "b/same.png", "b/000.png"]
    assert same_files(tmp_path, paths) == [["a/000.png", "b/same.png"]]
    assert same_files(tmp_path, paths, max_bytes=100) == []


def test_pictures_that_show_nothing_are_a_warning(tmp_path):
    make_folder(tmp_path, {"a": 4, "b": 4})
    for name, value in (("black.png", 0), ("twelve_bits.png", 15), ("night.png", 60)):
        Image.new("RGB", (64, 64), (value, value // 2, 0)).save(tmp_path / "a" / name)
    Image.new("L", (64, 64), 9).save(tmp_path / "b" / "grey.png")
    rows = check_folder(tmp_path).rows("warning")
    assert [(kind, path) for _, kind, path, _ in rows] == [
        ("nearly black", "a/black.png"),
        ("nearly black", "a/twelve_bits.png"),
        ("nearly black", "b/grey.png"),
    ]
    assert rows[1][3] == "no value above 15 of 255"


@pytest.mark.slow
def test_bombs_on_all_cores_take_less_than_a_gigabyte(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    whole = Image.new("RGB", (9_400, 9_400))
    whole.save(tmp_path / "a" / "0.png", compress_level=1)
    data = (tmp_path / "a" / "0.png").read_bytes()
    for index in range(1, 6):
        (tmp_path / "b" / f"{index}.png").write_bytes(data)
    code = (
        "import os, pathlib, re, sys\n"
        "os.sched_getaffinity = lambda _: range(16)\n"
        "from swin_keras.data import check_folder\n"
        "check_folder(sys.argv[1])\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    shown = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(shown.stdout) < 1_000_000  # kilobytes

"""An export replaces exports only, and a kill at any moment leaves a whole one."""

import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from swin_keras import exchange
from swin_keras.errors import UsageError
from swin_keras.exporting import folder
from swin_keras.exporting.folder import new_export
from swin_keras.model_files.card import ModelCard


def fill(path, content):
    """Write what stands for an export: a card that lists one file."""
    (path / "model.tflite").write_text(content)
    about = {"bytes": len(content), "sha256": "0" * 64}
    card = ModelCard("pets", "swin_nano", {}, (), files={"model.tflite": about})
    (path / "card.json").write_text(card.to_json())


def write_export(target, content, overwrite=False, meanwhile=None):
    with new_export(target, overwrite) as path:
        fill(path, content)
        if meanwhile:
            meanwhile()


def names(path):
    return sorted(inner.name for inner in path.iterdir())


def test_an_export_appears_whole_and_replaces_an_earlier_one(tmp_path):
    target = tmp_path / "a" / "b" / "pets"
    write_export(target, "old")
    with new_export(target, overwrite=True) as path:
        assert (target / "model.tflite").read_text() == "old"
        fill(path, "new")
    assert (target / "model.tflite").read_text() == "new"
    assert names(target.parent) == ["pets"]


def a_file(target):
    target.write_text("mine")


def a_folder(target):
    target.mkdir()
    (target / "photo.jpg").write_text("mine")


def an_empty_folder(target):
    target.mkdir()


def a_folder_with_another_card(target):
    a_folder(target)
    (target / "card.json").write_text('{"player": "mine"}')


def an_export_with_a_note(target):
    write_export(target, "old")
    (target / "saved_model").mkdir()
    (target / "saved_model" / "notes.txt").write_text("mine")


def a_link_to_an_export(target):
    write_export(target.with_name("elsewhere"), "old")
    target.symlink_to(target.with_name("elsewhere"))


def a_dangling_link(target):
    target.symlink_to("nowhere")


STRANGERS = [
    a_file,
    a_folder,
    an_empty_folder,
    a_folder_with_another_card,
    an_export_with_a_note,
    a_link_to_an_export,
    a_dangling_link,
]


def content(path):
    """Return every path below one, with what it is and holds."""
    return {
        str(inner.relative_to(path)): (
            os.readlink(inner)
            if inner.is_symlink()
            else inner.read_bytes()
            if inner.is_file()
            else "folder"
        )
        for inner in path.rglob("*")
    }


@pytest.mark.parametrize("make", STRANGERS)
def test_overwrite_replaces_nothing_but_exports(tmp_path, make):
    make(tmp_path / "pets")
    before = content(tmp_path)
    with pytest.raises(UsageError, match="replaces an earlier export and nothing else"):
        write_export(tmp_path / "pets", "new", overwrite=True)
    assert content(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("make", STRANGERS)
def test_what_appears_meanwhile_is_kept(tmp_path, make, overwrite):
    target = tmp_path / "pets"
    before = {}

    def appear():
        hidden = set(content(tmp_path))
        make(target)
        before.update(content(tmp_path))
        for path in hidden:
            before.pop(path)

    with pytest.raises(UsageError, match="appeared or changed while the export"):
        write_export(target, "new", overwrite, meanwhile=appear)
    assert content(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_two_exports_of_one_name_the_later_is_refused(tmp_path, overwrite):
    target = tmp_path / "pets"
    if overwrite:
        write_export(target, "old")
    first = functools.partial(write_export, target, "first", overwrite)
    with pytest.raises(UsageError, match="perhaps by another export, and is kept"):
        write_export(target, "later", overwrite, meanwhile=first)
    assert (target / "model.tflite").read_text() == "first"
    assert names(tmp_path) == ["pets"]


def test_what_changes_between_the_look_and_the_exchange_is_kept(tmp_path, monkeypatch):
    target = tmp_path / "pets"
    write_export(target, "old")

    def late(one, other):
        monkeypatch.setattr(folder, "exchange", exchange.exchange)
        write_export(target, "other", overwrite=True)
        return exchange.exchange(one, other)

    monkeypatch.setattr(folder, "exchange", late)
    with pytest.raises(UsageError, match="is kept"):
        write_export(target, "new", overwrite=True)
    assert (target / "model.tflite").read_text() == "other"
    assert names(tmp_path) == ["pets"]


def interrupt():
    raise KeyboardInterrupt


@pytest.mark.parametrize("meanwhile", [interrupt, lambda: 1 / 0])
def test_a_failure_leaves_nothing(tmp_path, meanwhile):
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        write_export(tmp_path / "a" / "b" / "pets", "new", meanwhile=meanwhile)
    assert names(tmp_path) == []


def test_folders_that_were_there_before_stay_after_a_failure(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_export(tmp_path / "a" / "b" / "pets", "new", meanwhile=interrupt)
    assert names(tmp_path) == ["a"]


def test_leftovers_of_the_dead_are_cleared_and_nothing_else(tmp_path):
    leftover = tmp_path / ".export-dead.swin-keras"
    (leftover / "pets").mkdir(parents=True)
    (leftover / "pets" / "model.tflite").write_text("half")
    (tmp_path / ".export-mine").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "photo.jpg").write_text("mine")
    (tmp_path / ".export-link.swin-keras").symlink_to(elsewhere)
    (tmp_path / ".export-file.swin-keras").write_text("mine")
    with new_export(tmp_path / "one", False) as alive:
        fill(alive, "one")
        write_export(tmp_path / "two", "two")
        assert (alive / "model.tflite").read_text() == "one"
    assert not leftover.exists()
    assert (elsewhere / "photo.jpg").exists()
    assert names(tmp_path) == [
        ".export-file.swin-keras",
        ".export-link.swin-keras",
        ".export-mine",
        "elsewhere",
        "one",
        "two",
    ]


def test_a_system_that_cannot_exchange_replaces_in_two_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "_renameat2", lambda *_: False)
    write_export(tmp_path / "pets", "old")
    write_export(tmp_path / "pets", "new", overwrite=True)
    assert (tmp_path / "pets" / "model.tflite").read_text() == "new"
    with pytest.raises(UsageError):
        write_export(tmp_path / "cats", "new", meanwhile=(tmp_path / "cats").mkdir)
    assert names(tmp_path) == ["cats", "pets"]


DYING = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from swin_keras import exchange
from swin_keras.exporting import folder
from test_export_target import fill, write_export

moment, target = sys.argv[2], Path(sys.argv[3])
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if moment == "before the exchange":
    folder.exchange = die
if moment == "after the exchange":
    folder.shutil.rmtree = die
if moment == "between two renames":
    exchange._renameat2 = lambda *_: False
    folder.rename_new = die
with folder.new_export(target, True) as path:
    if moment == "while it is written":
        (path / "model.tflite").write_text("ha")
        die()
    fill(path, "new")
"""


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        ("while it is written", "old"),
        ("before the exchange", "old"),
        ("after the exchange", "new"),
        ("between two renames", None),
    ],
)
def test_a_kill_leaves_a_whole_export(tmp_path, moment, left):
    target = tmp_path / "pets"
    write_export(target, "old")
    command = [sys.executable, "-c", DYING, Path(__file__).parent, moment, target]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    if left:
        assert (target / "model.tflite").read_text() == left
    assert len(names(tmp_path)) == 1 + bool(left)
    write_export(tmp_path / "other", "other")  # which clears what was left
    assert (target / "model.tflite").read_text() == (left or "new")
    assert json.loads((target / "card.json").read_text())["name"] == "pets"
    assert names(tmp_path) == ["other", "pets"]


EXPORTING = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_export_target import write_export

print("ready", flush=True)
for number in range(10**9):
    write_export(Path(sys.argv[2]), str(number) * 1000, overwrite=True)
"""


def test_kills_at_any_moment_never_leave_a_name_without_its_export(tmp_path):
    target = tmp_path / "pets"
    write_export(target, "old")
    draw = random.Random(0)
    for _ in range(8):
        command = [sys.executable, "-c", EXPORTING, Path(__file__).parent, target]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(draw.uniform(0, 0.1))
        process.kill()
        process.communicate()
        assert names(target) == ["card.json", "model.tflite"]
        text = (target / "model.tflite").read_text()
        assert text == "old" or len(text) % 1000 == 0 < len(text)
        card = json.loads((target / "card.json").read_text())
        assert card["files"]["model.tflite"]["bytes"] == len(text)
    assert text != "old"
    write_export(tmp_path / "other", "other")
    assert names(tmp_path) == ["other", "pets"]

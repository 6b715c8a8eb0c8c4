"""Answers on disk: asked once, exact, and no worse for a process that was killed."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from swin_keras.distillation.stored_answers import DTYPE, StoredAnswers, bytes_needed

ANSWERS = np.random.default_rng(0).normal(size=(7, 4, 3)).astype(DTYPE)
IMAGES = np.random.default_rng(1).random((4, 2, 2, 3), "float32")


@pytest.fixture
def asked(tmp_path):
    """Return a function that asks for a step, and the steps that were computed."""
    computed = []

    def ask(step, about=None, folder=tmp_path, images=IMAGES):
        def compute(given):
            assert given is images
            computed.append(step)
            return ANSWERS[step]

        store = StoredAnswers(folder, about or {"teacher": "a"}, (4, 3))
        answers = store.answers(step, images, compute)
        np.testing.assert_array_equal(answers, ANSWERS[step])
        return store

    ask.computed = computed
    return ask


def test_each_step_is_computed_once_in_any_order(asked):
    for step in [5, 0, 5, 3, 0, 6]:
        asked(step)
    assert asked.computed == [5, 0, 3, 6]


def test_others_have_folders_of_their_own(asked):
    one, two = asked(2), asked(2, {"teacher": "b"})
    assert one.folder != two.folder
    assert asked.computed == [2, 2]
    assert '"teacher": "b"' in (two.folder / "about.json").read_text()


@pytest.mark.parametrize("left", [0, 3, 4, 17])
def test_a_record_that_was_not_finished_is_computed_anew(asked, left):
    store = asked(0)
    asked(1)
    record = 4 + ANSWERS[0].nbytes
    assert store.path.stat().st_size == 2 * record
    content = bytearray(store.path.read_bytes())
    content[record + left :] = bytes(record - left)  # written, but not all
    store.path.write_bytes(content)
    asked(1)
    asked(0)
    assert asked.computed == [0, 1, 1]


def test_a_disk_that_takes_nothing_is_told_once_and_training_goes_on(
    asked, tmp_path, caplog
):
    (tmp_path / "file").write_text("no folder")
    asked(0, folder=tmp_path / "file" / "below")
    assert "no longer stored" in caplog.text


def test_images_that_changed_under_their_names_are_asked_about_anew(asked):
    """As when a BMP is painted over: its name and size stay."""
    other = IMAGES.copy()
    other[3, 1, 1, 2] += 1e-3
    asked(0)
    asked(0, images=other)
    asked(0, images=other)
    assert asked.computed == [0, 0]


def test_many_threads_may_begin_at_once(tmp_path, caplog):
    steps = range(7)
    compute = [partial(_answers_of, step) for step in steps]
    for attempt in range(20):
        store = StoredAnswers(tmp_path / str(attempt), {}, (4, 3))
        with ThreadPoolExecutor(7) as threads:
            list(threads.map(store.answers, steps, [IMAGES] * 7, compute))
        for step in steps:
            stored = store.answers(step, IMAGES, None)
            np.testing.assert_array_equal(stored, ANSWERS[step])
    assert not caplog.text


def _answers_of(step, images):
    return ANSWERS[step]


def test_the_size_is_known_beforehand():
    assert bytes_needed(rows=60_000 * 30, classes=10) == 36_000_000


def test_a_tilde_is_the_home_folder(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store = asked(0, folder="~/answers")
    assert store.folder.parent == tmp_path / "home" / "answers"
    assert store.path.is_file()

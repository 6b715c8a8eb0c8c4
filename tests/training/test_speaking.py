"""What is said in a program that has no logging, and in one that has."""

import logging

import pytest

from swin_keras.training.speaking import logged_by, spoken

log = logging.getLogger("swin_keras.test")


def test_lines_are_shown_where_nobody_listens(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])  # pytest's
    log.info("before")
    with spoken():
        log.info("epoch 1")
    log.info("after")
    with spoken(verbose=False):
        log.info("silence")
    assert capsys.readouterr().err == "epoch 1\n"


def test_lines_are_shown_once_where_tensorflow_sets_up_logging(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [])
    with spoken():
        logging.basicConfig()
        log.info("epoch 1")
    assert capsys.readouterr().err == "epoch 1\n"


def test_a_program_with_handlers_decides_itself(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])
    with spoken():
        log.info("epoch 1")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_a_quiet_run_tells_a_program_no_more_than_its_level(level, caplog, tmp_path):
    caplog.set_level(level)
    path = tmp_path / "log.txt"
    with spoken(verbose=False), logged_by(logging.FileHandler(path)):
        log.info("epoch 1")
        log.warning("best.keras is lost")
    said = ["epoch 1", "best.keras is lost"]
    assert path.read_text().splitlines() == said
    assert caplog.messages == (said if level == "INFO" else said[1:])
    log.warning("after")
    assert caplog.messages[-1] == "after"

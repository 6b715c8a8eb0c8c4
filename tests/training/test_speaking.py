"""What is said in a program that has no logging, and in one that has."""

import logging

from swin_keras.training.speaking import spoken

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


def test_a_program_with_handlers_decides_itself(monkeypatch, capsys):
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])
    with spoken():
        log.info("epoch 1")
    assert capsys.readouterr().err == ""

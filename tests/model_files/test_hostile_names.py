"""Names of files and classes are shown as they are, and obeyed by nobody."""

import io
import logging
import re

import pytest
from PIL import Image
from rich.text import Text

from swin_keras.cli import main
from swin_keras.cli.console import PlainConsole, command, make_table
from swin_keras.screen import ScreenHandler, plain

COLOURS = {"photo [copy]": "red", "x[": "blue"}
TOY = [
    "--sizes",
    "{embed_dim: 8, depths: [1], num_heads: [1]}",
    "--image-size",
    "16",
    "--epochs",
    "1",
    "--batch-size",
    "4",
    "--jit-compile",
    "false",
    "--tensorboard",
    "false",
    "--name",
    "toy",
    "--on-bad",
    "skip",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return photos whose paths read as markup, and one that cannot be read."""
    root = tmp_path_factory.mktemp("photos")
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for number in range(10):
            file = f"b{number}].png"  # x[/b0].png
            Image.new("RGB", (16, 16), colour).save(root / name / file)
    (root / "x[" / "gone\x1b[2J.png").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    assert main(["train", str(folder), "--runs-dir", str(runs), *TOY]) == 0
    return runs / "toy"


def says(capsys, *words):
    """Run a command; return its exit code and all that it says."""
    code = main([str(word) for word in words])
    output = capsys.readouterr()
    assert "\x1b" not in output.out + output.err
    return code, output.out, output.err


def test_data_check_shows_them(folder, capsys):
    code, out, _ = says(capsys, "data", "check", folder)
    assert code == 3
    assert "photo [copy]" in out
    assert r"gone\x1b[2J.png" in out


def test_training_shows_them(run):
    said = (run / "log.txt").read_text("utf-8")
    assert r"x[/gone\x1b[2J.png" in said
    assert "\x1b" not in said


def test_predict_shows_them(folder, run, capsys):
    code, out, err = says(capsys, "predict", run, folder)
    assert code == 3
    assert "x[/b0].png" in out
    assert "photo [copy]" in out
    assert r"x[/gone\x1b[2J.png: not an image" in err


def test_evaluate_shows_them_and_leaves_out_what_training_left_out(run, capsys, caplog):
    code, out, _ = says(capsys, "evaluate", run)
    assert code == 0
    assert "photo [copy]" in out
    assert "among the best five" not in out
    assert "nan" not in out
    assert re.search(r"judging the test images of photos\d*: 2 \(of", caplog.text)


def test_what_python_says_of_an_option_is_said_of_the_command_line(folder, capsys):
    code, _, err = says(capsys, "train", folder, *TOY[:-2], "--dry-run")
    assert code == 3
    assert "leave them out with --on-bad skip" in err
    assert r"gone\x1b[2J.png" in err


def test_tables_and_texts_are_no_markup():
    console = PlainConsole(file=io.StringIO(), force_terminal=True, width=80)
    table = make_table("a[b]")
    table.add_row("[red]x[/red] :smile: \x1b[31m")
    console.print(table)
    console.print("[/b] \x1b]0;title\x07")
    shown = Text.from_ansi(console.file.getvalue()).plain
    for text in ("a[b]", r"[red]x[/red] :smile: \x1b[31m", r"[/b] \x1b]0;title\x07"):
        assert text in shown
    assert "\x1b]" not in console.file.getvalue()


def test_a_command_to_paste_is_not_broken_into_lines():
    console = PlainConsole(file=io.StringIO(), width=20)
    console.print(f"next: {command('export', 'a b' * 30)}")
    assert console.file.getvalue().count("\n") == 1


def test_log_lines_keep_their_lines_and_nothing_else(capsys):
    record = logging.makeLogRecord({"msg": "a\n%s", "args": ("\x1b[2Jb\r\udce9",)})
    ScreenHandler().emit(record)
    assert capsys.readouterr().err == "a\n\\x1b[2Jb\\r\\udce9\n"
    assert plain("été\n猫") == "été\n猫"

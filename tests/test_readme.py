"""What the README says is so."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_both_commands_are_marked_for_the_run_in_a_fresh_environment():
    for mark in ("main-job", "test"):
        block = re.search(rf"<!-- {mark} -->\n```bash\n(.*?)\n```", README, re.S)
        assert block, mark
        assert "venv" in block[1]


def test_the_list_of_files_is_that_of_the_files():
    spec = importlib.util.spec_from_file_location("_", ROOT / "docs" / "list_files.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.PAGE.read_text("utf-8") == script.page(), "run docs/list_files.py"


def test_the_shipped_model_is_small_and_answers():
    from swin_keras.inference.predictor import Predictor

    folder = ROOT / "saved_models" / "digits"
    shipped = [path for path in folder.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) < 2e6
    predictor = Predictor(folder / "model.tflite")
    samples = sorted((ROOT / "tests" / "samples").glob("*.png"))
    answers = [p.scores[0][0] for p in predictor.predict(samples)]
    assert answers == [path.name[0] for path in samples]
    assert len(samples) == 10

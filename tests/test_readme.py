"""What the README says is so."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_both_commands_are_marked_for_the_run_in_a_fresh_environment():
    for mark in ("main-job", "test"):
        block = re.search(rf"<!-- {mark} -->\n```bash\n(.*?)\n```", README, re.S)
        assert block, mark
        assert "venv" in block[1]


def test_the_tree_names_every_module_once_and_no_other():
    tree = README.split("## Files")[1].split("```")[1]
    named = re.findall(r"([a-z_0-9]+\.py)", tree)
    modules = [
        path.name
        for path in (ROOT / "swin_keras").rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "swin_keras"
    ]
    assert sorted(named) == sorted(modules)


def test_the_shipped_model_is_small_and_answers():
    from swin_keras.inference import Predictor

    folder = ROOT / "saved_models" / "digits"
    shipped = [path for path in folder.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in shipped) < 2e6
    predictor = Predictor(folder / "model.tflite")
    samples = sorted((ROOT / "tests" / "samples").glob("*.png"))
    answers = [p.scores[0][0] for p in predictor.predict(samples)]
    assert answers == [path.name[0] for path in samples]
    assert len(samples) == 10

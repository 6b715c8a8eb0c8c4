"""What the pages of docs/ say is so, and their code runs."""

import ast
import contextlib
import dataclasses
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

DOCS = Path(__file__).parents[1] / "docs"
ONLY_ON_THE_SITE = {"commands.md", "errors.md", "models.md"}  # made of the code
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


@pytest.fixture(autouse=True)
def docs_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))


def code_of(page, first_words):
    """Return the block of code of a page that begins with these words."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)
    (block,) = (block for block in blocks if block.startswith(first_words))
    return block


def test_each_message_that_the_guide_explains_is_one_of_ours():
    from list_errors import PACKAGE, text_of

    said = "\n".join(
        text_of(node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant | ast.JoinedStr)
    )
    guide = " ".join((DOCS / "troubleshooting.md").read_text("utf-8").split())
    quoted = re.findall(r'\*\*"(.*?)"', guide)
    assert len(quoted) > 20
    for part in (part for quote in quoted for part in quote.split(" ... ")):
        assert part in said, part


def test_every_kind_of_error_has_messages_on_its_page():
    import list_errors

    found = list_errors.messages()
    assert all(found.values())
    page = list_errors.page()
    assert "must hold one folder of images for each class" in page


def test_the_reference_of_commands_lists_every_option():
    import list_commands

    from swin_keras.training.config import TrainConfig

    page = list_commands.page()
    section = page.split("## swin-keras train\n")[1].split("\n## ")[0]
    for field in dataclasses.fields(TrainConfig):
        name = field.name.replace("_", "-")
        assert f"`--{name}`" in section
    assert "## swin-keras data check\n" in page


def test_the_reference_of_python_lists_every_public_name():
    import list_names

    import swin_keras

    listed = {name for names in list_names.public_names().values() for name in names}
    assert listed == set(swin_keras.__all__) - {"__version__"}
    text = "\n".join(list_names.pages().values())
    assert all(f"swin_keras.{name}\n" in text or f"`{name}`" in text for name in listed)


def test_every_published_checkpoint_has_its_accuracy():
    import list_models

    from swin_keras.weights.source import IMAGENET

    assert list(list_models.ACCURACY) == list(IMAGENET)


def test_the_table_of_models_has_the_parameters_that_models_have():
    import list_models

    from swin_keras import create_model

    figures = json.loads(list_models.FIGURES.read_text("utf-8"))
    nano = create_model("swin_nano").count_params()
    assert figures["swin_nano"]["parameters"] == nano
    assert figures["swinv2_tiny"]["parameters"] == 28_347_154
    assert "28,288,354 | 4.49 G" in list_models.page()


@pytest.mark.parametrize(
    "name",
    [
        *("README.md", "CONTRIBUTING.md", "tuning/README.md"),
        *(f"docs/{path.name}" for path in sorted(DOCS.glob("*.md"))),
    ],
)
def test_links_to_files_of_the_repository_lead_somewhere(name):
    page = DOCS.parent / name
    links = re.findall(r"\]\(([^)#:=]+)[)#]", page.read_text("utf-8"))
    missing = {link for link in links if not (page.parent / link).exists()}
    assert missing <= ONLY_ON_THE_SITE
    assert links or name != "README.md"


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", tmp_path]
    done = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    fetched = re.compile(r'<(?:script|img|link rel="stylesheet")[^>]*"(?:https?:)?//')
    for page in tmp_path.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not fetched.findall(text), page
        assert "unpkg" not in text, page


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_notebooks_run(path, monkeypatch):
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    import run_notebooks

    monkeypatch.setenv("PYTHONPATH", str(DOCS.parent), prepend=":")
    for cell in run_notebooks.run(path).cells:
        assert cell.cell_type != "code" or cell.execution_count


@pytest.mark.slow
def test_the_server_and_the_client_of_the_serving_page_say_what_predict_says(
    exported, tmp_path
):
    from swin_keras import Predictor

    (tmp_path / "ask.py").write_text(code_of("serving.md", "# ask.py"), "utf-8")
    photo = Path(__file__).parent / "samples" / "3.png"
    with serving(exported / "saved_model" / "1", tmp_path) as address:
        ask = [sys.executable, tmp_path / "ask.py", address, "toy", exported, photo]
        done = subprocess.run(ask, capture_output=True, text=True, check=True)
    name, score = done.stdout.removeprefix(f"{photo}: ").split()
    (expected,) = Predictor(exported / "model.keras").predict([photo])
    assert name == expected.scores[0][0]
    assert float(score[:-1]) == pytest.approx(100 * expected.scores[0][1], abs=0.06)


@pytest.mark.slow
def test_the_server_of_the_serving_page_answers_with_several_outputs_by_name(
    trained_run, tmp_path
):
    from swin_keras import Predictor, export
    from swin_keras.exporting.config import ExportConfig

    config = ExportConfig(
        saved_models_dir=str(tmp_path), formats=("saved_model",), explain=True
    )
    folder = export(trained_run.path, config)
    shape = Predictor(folder / "model.keras").input_shape
    images = np.random.default_rng(0).integers(0, 256, (2, *shape))
    with serving(folder / "saved_model" / "1", tmp_path) as address:
        said = predictions_of(address, images)
        logits = predictions_of(address, images, signature_name="logits")
    assert [row.keys() for row in said] == [{"probabilities", "class_maps"}] * 2
    expected = Predictor(folder / "model.keras").probabilities(images)
    given = [row["probabilities"] for row in said]
    np.testing.assert_allclose(given, expected, atol=1e-5)
    maps = np.array([row["class_maps"] for row in said])
    np.testing.assert_allclose(maps.mean((1, 2)), logits, atol=1e-4)


def predictions_of(address, images, **options):
    """Return what a server answers about images."""
    body = json.dumps({"instances": images.tolist(), **options}).encode()
    request = urllib.request.Request(f"{address}/v1/models/toy:predict", body)  # noqa: S310  our own
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310
        return json.load(reply)["predictions"]


def test_a_prediction_of_the_serving_page_is_a_value_or_several_by_name():
    tree = ast.parse(code_of("serving.md", "# serve.py"))
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    space = {}
    exec(compile(tree, "serving.md", "exec"), space)  # noqa: S102  our own page
    predictions = space["predictions"]
    scores = tf.constant([[0.25, 0.75], [1, 0]])
    assert predictions({"output_0": scores}) == [[0.25, 0.75], [1, 0]]
    assert predictions({"scores": scores, "count": tf.constant([2, 1])}) == [
        {"scores": [0.25, 0.75], "count": 2},
        {"scores": [1, 0], "count": 1},
    ]


MODES = ("RGB", "RGBA", "LA", "P", "CMYK", "1", "L", "I;16", "I", "F")


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("mode", MODES)
def test_the_client_of_the_serving_page_prepares_pictures_as_the_package(
    mode, channels, tmp_path
):
    from swin_keras.data import load_image

    path = tmp_path / "picture.tif"
    values = np.random.default_rng(0).integers(-500, 70_000, (70, 90))
    if mode == "I;16":
        Image.fromarray(values.clip(0, 65_535).astype("uint16")).save(path)
    elif mode in "IF":
        values = values.astype({"I": "int32", "F": "float32"}[mode])
        if mode == "F":
            values[:5] = np.nan
        Image.fromarray(values).save(path)
    else:
        rgb = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
        path = path.with_suffix(".jpg" if mode == "CMYK" else ".png")
        Image.fromarray(rgb).convert(mode).save(path)
    with Image.open(path) as image:
        assert image.mode == mode
    for grey_range in (None, [0, 4095]):
        prepare = client_of((16, 24), channels, grey_range)
        if mode == "F" and not grey_range:
            with pytest.raises(ValueError, match="must be trained with a grey_range"):
                prepare(path)
            continue
        expected = load_image(path, (16, 24), channels, 0.875, grey_range)
        np.testing.assert_array_equal(prepare(path), expected)


def client_of(size, channels, grey_range):
    """Return the function of the serving page that prepares a picture."""
    tree = ast.parse(code_of("serving.md", "# ask.py"))
    used = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    tree.body = [node for node in tree.body if isinstance(node, used)]
    space = {"height": size[0], "width": size[1], "channels": channels}
    space["card"] = {"grey_range": grey_range, "crop_fraction": 0.875}
    exec(compile(tree, "serving.md", "exec"), space)  # noqa: S102  our own page
    return space["prepare"]


@contextlib.contextmanager
def serving(model, folder):
    """Give the address of the serving page's server, which runs a SavedModel."""
    code = folder / "serve.py"
    code.write_text(code_of("serving.md", "# serve.py"), "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    server = subprocess.Popen([sys.executable, code, model, str(port)])
    try:
        wait_for(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(port, server, seconds=120):
    """Wait until a server listens."""
    for _ in range(seconds * 5):
        assert server.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"nothing listens on {port}")

"""One model and many callers: threads and forks get their own answer, or a sentence."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx_file import write_onnx

from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import open_model

FORMS = ["model.keras", "saved_model/1", "model.tflite", "model.onnx"]
CALLERS, QUESTIONS = 8, 400


@pytest.fixture(scope="session")
def model_of(exported, tmp_path_factory):
    """Return a function from a form to a model file of it."""
    folder = tmp_path_factory.mktemp("onnx")

    def find(form):
        onnx = form.endswith(".onnx")
        return write_onnx(folder / form) if onnx else exported / form

    return find


@pytest.mark.parametrize("form", FORMS)
def test_no_thread_gets_the_answer_of_another(model_of, form):
    model = open_model(model_of(form))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 1, *model.input_shape)).astype("float32")
    (name,) = model.outputs
    expected = np.concatenate([model(image)[name] for image in images])
    asked = rng.integers(len(images), size=QUESTIONS)
    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(lambda index: model(images[index])[name], asked))
    nearest = [np.abs(expected - answer).sum(-1).argmin() for answer in answers]
    swapped = sum(index != near for index, near in zip(asked, nearest, strict=True))
    assert swapped == 0


FORK = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
from swin_keras.errors import UsageError
from swin_keras.inference.runtimes import open_model

path = Path(sys.argv[1])
model = open_model(path)
image = np.random.default_rng(0).integers(0, 256, (1, *model.input_shape))
image = image.astype("float32")
expected = {name: value.tolist() for name, value in model(image).items()}

def answers(model_or_path):
    try:
        if model_or_path is path:
            model_or_path = open_model(path)
        given = model_or_path(image)
        return {name: value.tolist() for name, value in given.items()} == expected
    except UsageError as error:
        return str(error)

reading, writing = os.pipe()
child = os.fork()
if not child:
    signal.alarm(60)  # a child that hangs is killed, and says nothing
    said = json.dumps([answers(model), answers(path)])
    os.write(writing, said.encode())
    os._exit(0)  # as multiprocessing ends a fork; ONNX Runtime hangs in any other way
os.close(writing)
while_child_lives = answers(model)
said = os.read(reading, 10_000).decode()
code = os.waitpid(child, 0)[1]
print(json.dumps([code, json.loads(said or "null"), while_child_lives, answers(model)]))
"""


@pytest.mark.parametrize(
    "form",
    [*(pytest.param(form, marks=pytest.mark.slow) for form in FORMS[:2]), *FORMS[2:]],
)
def test_a_fork_answers_or_refuses_and_its_parent_goes_on(model_of, form):
    done = subprocess.run(
        [sys.executable, "-c", FORK, str(model_of(form))],
        capture_output=True,
        text=True,
        check=True,
    )
    code, child, *parent = json.loads(done.stdout)
    assert code == 0
    assert parent == [True, True]
    if form == "model.tflite":
        assert child == [True, True]
    else:
        library = "ONNX Runtime" if form == "model.onnx" else "TensorFlow"
        for said in child:
            assert library in said
            assert "runs in one process and not in forks of it" in said
            assert "spawn" in said


@pytest.mark.parametrize("form", ["model.keras", "model.tflite"])
def test_a_pickled_predictor_opens_its_file_anew(model_of, form, monkeypatch, tmp_path):
    """As `multiprocessing` sends it to a process that it spawns, elsewhere too."""
    path = model_of(form)
    monkeypatch.chdir(path.parent)
    predictor = Predictor(form, threads=1)
    image = np.zeros((1, *predictor.input_shape), "uint8")
    sent = pickle.dumps(predictor)
    assert len(sent) < 2000  # and not the model
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(sent)  # noqa: S301  our own
    assert again.class_names == predictor.class_names
    np.testing.assert_array_equal(
        again.probabilities(image), predictor.probabilities(image)
    )

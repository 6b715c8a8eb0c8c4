"""What is private of other libraries lies in one file each, and is still there."""

import ast
import importlib
import inspect
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner

import swin_keras
from swin_keras.training.keras_internals import OpenAdamW, OpenModel
from swin_keras.training.tensorflow_internals import once_for_all_replicas
from swin_keras.training.training_model import TrainingModel
from swin_keras.tuning.keras_tuner_internals import OpenBayesian, OpenOracle

PACKAGE = Path(swin_keras.__file__).parent
INTERNALS = [
    "models/keras_internals.py",
    "training/keras_internals.py",
    "training/tensorflow_internals.py",
    "tuning/keras_tuner_internals.py",
]
LIBRARIES = ("keras", "keras_tuner", "tensorflow")
# Each is the only one of its kind, and stands with its reason where it is used.
ALONE = {
    "_actions": "cli/command_parser.py",  # of the standard library's argparse
    "_typehint": "cli/command_parser.py",  # of jsonargparse's actions
    "_asdict": "scores/classification.py",  # public, of any named tuple
    "_replace": "data/garments.py",  # likewise
    "_exit": "processes.py",  # public, of `os`
    "_get_ops_details": "litert/coverage.py",  # of LiteRT's interpreter
}


def private_names(text):
    """Yield each private name that is read of an object, and that is defined."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            is_read = isinstance(node.ctx, ast.Load)
            yield node.attr, is_read
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, False
        elif isinstance(node, ast.Name | ast.arg):
            yield getattr(node, "id", None) or node.arg, False


def is_private(name):
    return (name.startswith("_") and not name.endswith("__")) or name == "__internal__"


def foreign_names(path):
    """Return the private names in a file that nothing in it defines."""
    found = [pair for pair in private_names(path.read_text("utf-8"))]
    ours = {name for name, is_read in found if not is_read}
    return {name for name, is_read in found if is_read and is_private(name)} - ours


def test_only_the_files_of_internals_touch_what_is_private():
    files = PACKAGE.rglob("*.py")
    others = [p for p in files if str(p.relative_to(PACKAGE)) not in INTERNALS]
    ours = {
        name
        for path in others
        for name, is_read in private_names(path.read_text("utf-8"))
        if not is_read
    }
    touched = {
        name: str(path.relative_to(PACKAGE))
        for path in others
        for name in foreign_names(path) - ours
    }
    assert touched == ALONE


def classes():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = str(path.relative_to(PACKAGE))
        text = path.read_text("utf-8")
        if name in INTERNALS or path.name == "__main__.py" or "class " not in text:
            continue
        module = ".".join(["swin_keras", *Path(name).with_suffix("").parts])
        for _, kind in inspect.getmembers(importlib.import_module(module)):
            if inspect.isclass(kind) and kind.__module__ == module:
                yield kind


def test_no_class_of_ours_replaces_what_is_private_of_its_base():
    for kind in classes():
        foreign = [b for b in kind.__mro__ if b.__module__.split(".")[0] in LIBRARIES]
        for name in filter(is_private, vars(kind)):
            if name.startswith(("_abc_", "_tf_", "_keras_api", "_auto", "_self_")):
                continue  # what Python and TensorFlow set for every class
            assert not any(name in vars(base) for base in foreign), (kind, name)


def trained_model():
    inputs = keras.Input((2,))
    model = TrainingModel(inputs, keras.layers.Dense(1)(inputs))
    optimizer = keras.optimizers.AdamW(weight_decay=0.1, use_ema=True)
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    return model


def bayesian_search():
    space = keras_tuner.HyperParameters()
    space.Float("rate", 0, 1)
    return keras_tuner.oracles.BayesianOptimizationOracle(
        keras_tuner.Objective("score", "max"), hyperparameters=space
    )


@pytest.mark.parametrize(
    ("file", "make"),
    [
        ("models/keras_internals.py", lambda: (keras.layers.Layer,)),
        ("training/keras_internals.py", lambda: (m := trained_model(), m.optimizer)),
        (
            "tuning/keras_tuner_internals.py",
            lambda: (bayesian_search(), BaseTuner),
        ),
    ],
)
def test_what_is_private_is_still_there(file, make):
    text = (PACKAGE / file).read_text("utf-8")
    names = {name for name, _ in private_names(text) if is_private(name)}
    foreign = make()
    gone = {name for name in names if not any(hasattr(x, name) for x in foreign)}
    assert names
    assert not gone, f"this version has no {gone}: see {file}"


def test_keras_asks_for_the_gradients_and_the_rate_of_each_variable():
    class Halved(OpenAdamW):
        def change_gradients(self, gradients):
            seen.extend(np.asarray(g) for g in gradients)
            return gradients

        def rate_factor(self, variable):
            return 0.5

    seen = []
    weights = [keras.Variable(np.full((2, 2), 8.0)) for _ in range(2)]
    optimizer = Halved(learning_rate=0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_list=weights[1:])
    optimizer.apply([np.zeros((2, 2), "float32")] * 2, weights)
    assert len(seen) == 2
    np.testing.assert_allclose(weights[0], 8 - 8 * 0.5 * 0.5 * 0.5)
    np.testing.assert_allclose(weights[1], 8)


def test_keras_asks_whether_to_build_before_it_takes_a_batch(monkeypatch):
    asked = []
    real = OpenModel._maybe_symbolic_build
    monkeypatch.setattr(
        OpenModel,
        "_maybe_symbolic_build",
        lambda *args, **options: asked.append(1) or real(*args, **options),
    )
    trained_model()
    assert asked


def test_metrics_are_built_without_a_batch_that_counts():
    inputs = keras.Input((2,))
    model = TrainingModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse", metrics=["mae"])
    before = len(model.metrics_variables)
    model.build_metrics(np.ones((2, 2)), np.ones((2, 1)))
    assert len(model.metrics_variables) > before
    assert not any(np.any(v.numpy()) for v in model.metrics_variables)


def test_a_function_is_called_once_for_all_replicas():
    calls = []
    strategy = tf.distribute.get_strategy()
    once_for_all_replicas(lambda s, x: calls.append((s, x)), strategy, 3)
    assert calls == [(strategy, 3)]


class Search(OpenOracle, OpenBayesian):
    pass


def search(folder):
    space = keras_tuner.HyperParameters()
    space.Float("rate", 0, 1)
    objective = keras_tuner.Objective("score", "max")
    oracle = Search(objective, hyperparameters=space, seed=7)
    oracle._set_project_dir(str(folder), "search")
    return oracle


@pytest.mark.filterwarnings("ignore:.*deprecated")  # of KerasTuner itself
def test_trials_are_given_out_again_in_the_order_asked_for(tmp_path):
    oracle = search(tmp_path)
    names = [oracle.create_trial(f"tuner{i}").trial_id for i in range(3)]
    oracle.ongoing_trials.clear()
    oracle.try_first(names[1:])
    again = [oracle.create_trial(f"tuner{i}").trial_id for i in range(2)]
    assert again == names[1:]
    assert not list(tmp_path.rglob("trial.json"))


def test_what_is_drawn_depends_on_the_number_of_the_trial_alone(tmp_path):
    def drawn(*numbers):
        oracle = search(tmp_path)
        for number in numbers:
            oracle.begin_draws(number)
            values = oracle.draw()["values"]
        return values

    assert drawn(5) == drawn(3, 4, 5) != drawn(4)

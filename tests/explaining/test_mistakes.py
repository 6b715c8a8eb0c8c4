"""The worst mistakes of a trained model, explained."""

import numpy as np

from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.mistakes import mistakes_explained
from swin_keras.explaining.overlay import overlay
from swin_keras.inference.evaluation import evaluate


def test_a_mistake_is_explained_for_the_class_said_and_for_the_true_one(trained_run):
    from swin_keras.data import load_trained
    from swin_keras.model_files import read_card

    model = trained_run.best_model
    mistakes = evaluate(trained_run.path).answers.mistakes()[:3]
    split = load_trained(read_card(model).train).split("test")
    found = mistakes_explained(model, split, mistakes)
    assert list(found) == [mistake.index for mistake in mistakes]
    explainer = Explainer(model)
    size = explainer.input_shape[0]
    for mistake in mistakes:
        picture = split.image(mistake.index, 1).resize((size, size), 3)
        image = np.array(picture)[..., None]
        for drawn, number in zip(
            found[mistake.index], (mistake.predicted, mistake.true), strict=True
        ):
            (values,) = explainer.maps(image[None], [number])
            np.testing.assert_array_equal(drawn, overlay(image, values))
    report = (trained_run.path / "report.html").read_text("utf-8")
    assert report.count('alt="What spoke for') == 2 * report.count('class="evidence"')
    assert report.count('class="evidence"') >= 3
    assert mistakes_explained(model, split, []) == {}

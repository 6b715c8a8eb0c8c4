"""Multi-label classification: an image may have several classes, or none."""

import numpy as np

from swin_keras.data import BatchLoader, batches
from swin_keras.scores.multi_label import THRESHOLD, MultiLabelResult
from swin_keras.tasks.classify import Classify
from swin_keras.tasks.compared_logits import of_sigmoid, same_classes
from swin_keras.tasks.prediction import LabelsPrediction
from swin_keras.tasks.task import unit_of
from swin_keras.tasks.validation_labels import ValidationLabels


class MultiLabel(Classify):
    """Each class for itself: probabilities `(B, classes)` that need not add up to 1."""

    name = "multi-label"
    data_options = {"multi_label": True}
    figure = "pr_auc"
    title = "mAP"
    without = (*Classify.without, "class_weights")
    teaching = ("features",)
    min_score = THRESHOLD
    monitors = {
        "val_loss": Classify.monitors["val_loss"],
        "val_pr_auc": "the highest mean average precision on the validation images",
    }

    def build(self, model_config, dataset, config):
        from swin_keras.models import SwinClassifier

        model = SwinClassifier(
            model_config,
            classes=dataset.classes,
            classifier_activation="sigmoid",
            name=config.model,
        )
        return model, model.get_layer("head").output

    def loss(self, model_config, dataset, config):
        import keras

        return keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing, name="loss"
        )

    def metrics(self, dataset):
        return []

    def validation_score(self, model_config, dataset):
        return ValidationLabels(dataset.class_names)

    def target_map(self, dataset, config, training):
        return lambda images, shares: (images, shares)

    def evaluate(self, predictor, dataset, split, batch_size, workers=None):
        places = [predictor.class_names.index(name) for name in dataset.class_names]
        height, width, channels = predictor.input_shape
        loader = BatchLoader(
            dataset.split(split),
            batch_size,
            (height, width),
            channels,
            crop_fraction=predictor.crop_fraction,
        )
        truth, said = [], []
        for images, vectors in batches(loader, workers=workers).as_numpy_iterator():
            rows = np.zeros((len(vectors), len(predictor.class_names)), bool)
            rows[:, places] = vectors > 0
            truth.append(rows)
            said.append(_shares(predictor, predictor.probabilities(images)))
        return MultiLabelResult(
            np.concatenate(truth),
            np.concatenate(said),
            predictor.class_names,
            dataset.notes,
            split,
        )

    def predictions(self, outputs, seen, predictor, wanted):
        (rows,) = outputs.values()
        for (name, _), row in zip(seen, _shares(predictor, rows), strict=True):
            order = np.argsort(-row, kind="stable")
            pairs = [(predictor.class_names[i], float(row[i])) for i in order]
            labels = tuple(pair for pair in pairs if pair[1] >= wanted.min_score)
            yield LabelsPrediction(name, tuple(pairs[: wanted.top]), labels=labels)

    def compared(self, outputs, are_logits=False):
        (rows,) = outputs.values()
        logits = rows if are_logits else of_sigmoid(rows)
        return logits, unit_of(logits)

    def agreement(self, expected, given):
        return same_classes(expected, given)

    def about_outputs(self, card):
        if "outputs" in card.outputs:
            return super().about_outputs(card)
        return (
            f"{super().about_outputs(card)}. Probabilities do not add up to 1, and a "
            f"class is there from {THRESHOLD} on"
        )


def _shares(predictor, rows):
    """Return probabilities `(B, classes)`, also where a model gives their logits."""
    return (1 + np.tanh(rows / 2)) / 2 if predictor.gives_logits else rows


TASK = MultiLabel()

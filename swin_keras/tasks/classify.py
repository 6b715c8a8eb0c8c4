"""Classification: each image has one class."""

import numpy as np

from swin_keras.data import Augmentation, BatchLoader, Mixing, RandAugment, batches
from swin_keras.errors import UsageError
from swin_keras.litert.metadata import classifier_metadata
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.scores.classification import Answers, Evaluation
from swin_keras.tasks import ANSWERS
from swin_keras.tasks.compared_logits import (
    of_sigmoid,
    of_softmax,
    same_best_class,
    same_classes,
)
from swin_keras.tasks.explained import class_target
from swin_keras.tasks.prediction import OutputsPrediction, Prediction
from swin_keras.tasks.task import Task, unit_of


class Classify(Task):
    """One class an image: probabilities `(B, classes)`."""

    name = "classify"
    figure = "accuracy"
    title = "accuracy"
    gives_probabilities = True
    without = (
        "head",
        "head_sizes",
        "auxiliary",
        "dice",
        "mosaic",
        "copy_paste",
        "photometric",
        "letter_box",
        "reduce_zero_label",
        "box_format",
    )
    unread = ("scale_range",)
    teaching = ("soft", "dist", "features")
    monitors = {
        **Task.monitors,
        "val_accuracy": "the highest accuracy on the validation images",
    }
    explained_by = ("cam", "grad-cam", "hires-cam", "gradient-rollout")

    def build(self, model_config, dataset, config):
        from swin_keras.models import SwinClassifier

        model = SwinClassifier(model_config, classes=dataset.classes, name=config.model)
        return model, model.get_layer("head").output

    def loss(self, model_config, dataset, config):
        import keras

        if config.distillation in ANSWERS:
            from swin_keras.tasks.distillation_loss import DistillationLoss
            from swin_keras.tasks.partly_labelled_loss import PartlyLabelledLoss

            how = (
                config.distillation,
                config.teacher_weight,
                config.temperature,
                config.label_smoothing,
            )
            if dataset.unlabelled is None:
                return DistillationLoss(*how)
            return PartlyLabelledLoss(*how, class_weights(config, dataset))
        return keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing, name="loss"
        )

    def metrics(self, dataset):
        if dataset.unlabelled is None:
            return ["accuracy"]
        from swin_keras.tasks.partly_labelled_loss import LabelledAccuracy

        return [LabelledAccuracy(name="accuracy")]

    def loader_options(self, dataset, config):
        return {
            "augmentation": make_augmentation(config, dataset),
            "mixing": make_mixing(config),
            "classes": dataset.classes,
        }

    def target_map(self, dataset, config, training):
        import tensorflow as tf

        weights = None
        if training and dataset.unlabelled is None:  # else the loss has them
            weights = class_weights(config, dataset)

        def as_soft_labels(images, labels):
            shares = labels
            if labels.dtype.is_integer:
                shares = tf.one_hot(labels, dataset.classes)
            if weights is None:
                return images, shares
            return images, shares, tf.linalg.matvec(shares, weights)

        return as_soft_labels

    def example_targets(self, dataset, input_shape):
        return np.zeros((1, dataset.classes), "float32")

    def evaluate(self, predictor, dataset, split, batch_size, workers=None):
        _require_a_choice(predictor)
        index_of = {name: index for index, name in enumerate(predictor.class_names)}
        true_index = np.array([index_of[name] for name in dataset.class_names])
        height, width, channels = predictor.input_shape
        confusion = np.zeros((len(index_of),) * 2, int)
        right_in_5, answers = 0, []
        loader = BatchLoader(
            dataset.split(split),
            batch_size,
            (height, width),
            channels,
            crop_fraction=predictor.crop_fraction,
        )
        for images, labels in batches(loader, workers=workers).as_numpy_iterator():
            scores = predictor.probabilities(images)
            if predictor.gives_logits:
                scores = softmax(scores)
            true = true_index[labels]
            answers.append(Answers.from_probabilities(true, scores))
            np.add.at(confusion, (true, answers[-1].predicted), 1)
            best = np.argsort(-scores, axis=-1, kind="stable")[:, :5]
            right_in_5 += (best == true[:, None]).any(-1).sum()
        total = confusion.sum()
        return Evaluation(
            accuracy=float(np.trace(confusion) / total),
            top5_accuracy=float(right_in_5 / total) if len(index_of) > 5 else None,
            confusion=confusion,
            class_names=predictor.class_names,
            notes=dataset.notes,
            answers=Answers.joined(answers),
            split=split,
        )

    def class_count(self, outputs):
        shapes = list(outputs.values())
        if len(shapes) != 1 or len(shapes[0]) != 1:
            raise ValueError("A classifier must give one row of numbers for each image")
        return shapes[0][0]

    def predictions(self, outputs, seen, predictor, wanted):
        (probabilities,) = outputs.values()
        kind = OutputsPrediction if predictor.gives_logits else Prediction
        for (name, _), row in zip(seen, probabilities, strict=True):
            best = np.argsort(-row, kind="stable")[: wanted.top]
            scores = tuple((predictor.class_names[i], float(row[i])) for i in best)
            yield kind(name, scores)

    def explanation_targets(self, outputs, explainer, question):
        (row,) = outputs.values()
        classes = np.argsort(-row, kind="stable")[: question.top]
        if question.class_index is not None:
            classes = [question.class_index]
        names = explainer.class_names
        return [class_target(i, names[i], float(row[i])) for i in classes]

    def compared(self, outputs, are_logits=False):
        (rows,) = outputs.values()
        if not are_logits:  # a softmax over one class, always 1, is nobody's
            rows = of_sigmoid(rows) if rows.shape[-1] == 1 else of_softmax(rows)
        return rows, unit_of(rows)

    def agreement(self, expected, given):
        same = same_classes if expected.shape[-1] == 1 else same_best_class
        return same(expected, given)

    def suits_mediapipe(self, card):
        return super().suits_mediapipe(card) and "outputs" not in card.outputs

    def litert_metadata(self, card, outputs):
        return classifier_metadata(card)

    def about_outputs(self, card):
        if "outputs" in card.outputs:
            return (
                "`outputs`, a number for each class in the order of `labels.txt`, such "
                "as a logit: the model ends in no softmax or sigmoid"
            )
        maps = card.outputs.get(CLASS_MAPS)
        if maps:
            return (
                f"`probabilities` in the order of `labels.txt` and `{CLASS_MAPS}` "
                f"{' x '.join(map(str, maps))}, what each place says of each class: "
                "the mean of a map is the logit"
            )
        return "probabilities in the order of `labels.txt`"


TASK = Classify()


def _require_a_choice(predictor):
    """Refuse to judge the best class of one."""
    if len(predictor.class_names) < 2:
        raise UsageError(
            "A classifier that is evaluated must have two classes or more: of one, "
            "every answer would be right. Received: "
            f"{predictor.path}, which knows {predictor.class_names[0]!r} alone. See "
            "what `swin-keras predict` says of pictures with it, and of others."
        )


def make_augmentation(config, dataset) -> Augmentation:
    """Return the random changes to training images that a run makes."""
    flip = dataset.mirror_safe if config.flip is None else config.flip
    rand_augment = None
    if config.rand_augment:
        rand_augment = RandAugment(magnitude=config.rand_augment)
    return Augmentation(
        crop_scale=(config.min_crop_area, 1.0),
        crop_ratio=(1 / config.crop_ratio, config.crop_ratio),
        rotate=config.rotate,
        shift=config.shift,
        flip=flip,
        quarter_turns=config.quarter_turns,
        blur=config.blur,
        white_balance=config.white_balance,
        rand_augment=rand_augment,
        erase=config.erase,
    )


def make_mixing(config) -> Mixing | None:
    """Return how a run mixes its training images, or `None`."""
    if not (config.mixup or config.cutmix):
        return None
    return Mixing(mixup=config.mixup, cutmix=config.cutmix)


def class_weights(config, dataset):
    """Return the weight of each class in the loss, or `None` for equal ones.

    Balanced weights are inverse to the images of a class; they average to 1 over
    the training images.
    """
    if config.class_weights == "none":
        return None
    counts = np.bincount(dataset.splits["train"].labels, minlength=dataset.classes)
    return (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype("float32")


def softmax(logits) -> np.ndarray:
    """Return the probabilities of logits `(B, classes)`."""
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)

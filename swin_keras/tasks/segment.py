"""Semantic segmentation: each pixel has one class."""

import numpy as np

from swin_keras.data import BatchLoader, DenseAugmentation, batches
from swin_keras.data.copy_paste import background_of
from swin_keras.litert.segmenter_metadata import segmenter_metadata
from swin_keras.masks import IGNORED
from swin_keras.scores.class_maps import class_map
from swin_keras.scores.segmentation import SegmentationScore
from swin_keras.scores.segmentation_result import SegmentationResult
from swin_keras.tasks.dense import DenseTask
from swin_keras.tasks.explained import LAST, ExplanationTarget, cells_in
from swin_keras.tasks.masks_in_views import class_map_in_views
from swin_keras.tasks.prediction import MaskPrediction

COUNTED = 500  # training masks whose pixels weigh the classes


class Segment(DenseTask):
    """One class a pixel: probabilities `(B, H/s, W/s, classes)`, resized when shown."""

    name = "segment"
    data_options = {"targets": "masks"}
    figure = "mean_iou"
    title = "mean IoU"
    without = (*DenseTask.without, "mosaic", "letter_box", "box_format")
    monitors = {
        **DenseTask.monitors,
        "val_mean_iou": "the highest mean IoU on the validation images",
    }
    asked_by = ("region",)

    def check_model(self, model_config, config):
        from swin_keras.models.segmentation.segmenter import check_segmenter

        check_segmenter(model_config, _head_of(config), config.auxiliary)

    def build(self, model_config, dataset, config):
        from swin_keras.models import end_in_probabilities, segmentation_model

        trained = segmentation_model(
            model_config,
            _head_of(config),
            auxiliary=config.auxiliary,
            classes=dataset.classes,
            name=config.model,
        )
        return end_in_probabilities(trained), trained.output

    def loss(self, model_config, dataset, config):
        from swin_keras.tasks.pixel_loss import PixelLoss

        return PixelLoss(class_weights(config, dataset), config.dice)

    def metrics(self, dataset):
        from swin_keras.tasks.pixel_loss import MeanIoU

        return [MeanIoU(dataset.classes)]

    def loader_options(self, dataset, config):
        augmentation = DenseAugmentation(
            scale=config.scale_range,
            flip=self.flips(dataset, config),
            quarter_turns=config.quarter_turns,
            blur=config.blur,
            white_balance=config.white_balance,
            photometric=config.photometric is not False,
            copy_paste=config.copy_paste,
            background=background_of(dataset.class_names) if config.copy_paste else 0,
        )
        return {"augmentation": augmentation}

    def example_targets(self, dataset, input_shape):
        return np.zeros((1, *input_shape[:2]), "uint8")

    def evaluate(self, predictor, dataset, split, batch_size, workers=None):
        judged, index_of, result = self._judging(predictor, dataset, split)
        height, width, channels = predictor.input_shape
        loader = BatchLoader(judged, batch_size, (height, width), channels)
        for pictures, _ in batches(loader, workers=workers).as_numpy_iterator():
            for probabilities in predictor.probabilities(pictures):
                truth = index_of[judged.targets.load(result.images)]
                result.add(truth, class_map(probabilities, truth.shape))
        return result

    def evaluate_views(self, predictor, dataset, split, batch_size, views):
        judged, index_of, result = self._judging(predictor, dataset, split)
        for index in range(len(judged)):
            image = judged.image(index, predictor.input_shape[2])
            truth = index_of[judged.targets.load(index)]
            result.add(truth, _mask_in_views(image, predictor, views, batch_size))
        return result

    def predict_views(self, picture, predictor, views, wanted, batch_size):
        image = picture.image(predictor.input_shape[2], predictor.grey_range)
        mask = _mask_in_views(image, predictor, views, batch_size)
        return MaskPrediction.of(picture.name, mask, predictor.class_names, wanted.top)

    @staticmethod
    def _judging(predictor, dataset, split):
        """Return a split, the model's class of each of the data's, and a result."""
        names = predictor.class_names
        index_of = np.full(256, IGNORED, np.uint8)
        for index, name in enumerate(dataset.class_names):
            index_of[index] = names.index(name)
        score = SegmentationScore(len(names))
        result = SegmentationResult(score, names, dataset.notes, split)
        return dataset.split(split), index_of, result

    def class_count(self, outputs):
        shapes = list(outputs.values())
        if len(shapes) != 1 or len(shapes[0]) != 3:
            raise ValueError("A segmenter must give one map of class probabilities")
        if shapes[0][-1] > IGNORED:
            raise ValueError(f"Masks have 8 bits: {IGNORED} classes at most")
        return shapes[0][-1]

    def predictions(self, outputs, seen, predictor, wanted):
        (maps,) = outputs.values()
        for (name, size), probabilities in zip(seen, maps, strict=True):
            mask = class_map(probabilities, size)
            yield MaskPrediction.of(name, mask, predictor.class_names, wanted.top)

    def explanation_targets(self, outputs, explainer, question):
        """Ask for the mean logit over the pixels of a class, or over a region."""
        (maps,) = outputs.values()
        said, names = maps.argmax(-1), explainer.class_names
        region = question.region and cells_in(question.region, said.shape)
        pixels = np.bincount(said.ravel() if region is None else said[region])
        found = np.nonzero(pixels)[0]
        classes = sorted(found, key=lambda c: (names[c] == LAST, -pixels[c]))
        classes = classes[: question.top]
        if question.class_index is not None:
            classes = [question.class_index]
        masks = [said == index if region is None else region for index in classes]
        return [
            ExplanationTarget(
                names[index],
                names[index],
                score=float((said == index).mean()),
                class_index=int(index),
                places=(mask / mask.sum()).astype("float32"),
                mask=mask,
            )
            for index, mask in zip(classes, masks, strict=True)
            if mask.any()
        ]

    def owns(self, model):
        from swin_keras.models import is_segmenter

        return is_segmenter(model)

    def export_model(self, model):
        from swin_keras.models import end_in_probabilities

        return end_in_probabilities(model)

    def compared(self, outputs, are_logits=False):
        (maps,) = outputs.values()
        return maps.reshape(len(maps), -1), 1.0

    def litert_metadata(self, card, outputs):
        return segmenter_metadata(card)

    def about_outputs(self, card):
        ((height, width, classes),) = card.outputs.values()
        return (
            f"probabilities `(batch, {height}, {width}, {classes})` in the order of "
            "`labels.txt`: resize them bilinearly to the picture, and take the largest "
            "at each pixel"
        )


def _head_of(config):
    """Return the `SegmentationHead` of a run; it refuses what there is not."""
    from swin_keras.models import SegmentationHead

    return SegmentationHead(**{"kind": config.head or "mlp", **config.head_sizes})


def _mask_in_views(image, predictor, views, batch_size):
    """Return the class of each pixel of a picture, by all views."""

    def ask(pictures):
        for start in range(0, len(pictures), batch_size):
            yield from predictor.probabilities(pictures[start : start + batch_size])

    size, classes = tuple(predictor.input_shape[:2]), len(predictor.class_names)
    return class_map_in_views(image, views, size, ask, classes)


def class_weights(config, dataset):
    """Return the weight of each class in the loss, or `None` for equal ones.

    Balanced weights are inverse to the root of a class's share of the pixels, counted
    on up to 500 training masks; over these they average to 1. A class that none of
    them shows has the largest weight of the others.
    """
    if config.class_weights == "none":
        return None
    targets = dataset.splits["train"].targets
    chosen = np.linspace(0, len(targets) - 1, min(COUNTED, len(targets))).astype(int)
    counts = np.zeros(256)
    for index in chosen:
        counts += np.bincount(targets.load(index).ravel(), minlength=256)
    counts = counts[: dataset.classes]
    if not counts.any():  # all ignored
        return None
    weights = 1 / np.sqrt(np.where(counts > 0, counts, counts[counts > 0].min()))
    return weights * counts.sum() / (weights * counts).sum()


TASK = Segment()

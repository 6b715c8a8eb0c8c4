"""Detection: boxes around objects, each with a class."""

import numpy as np

from swin_keras.data import BatchLoader, ImageBoxes, batches
from swin_keras.data.boxes.augmentation import BoxAugmentation
from swin_keras.data.boxes.mosaic import PICTURES
from swin_keras.litert.detector_metadata import detector_metadata
from swin_keras.scores.detection_result import DetectionResult
from swin_keras.tasks.dense import DenseTask
from swin_keras.tasks.explained import ExplanationTarget
from swin_keras.tasks.found_in_views import found_in_views, most_boxes
from swin_keras.tasks.found_objects import FINAL, MAX_DETECTIONS, found_in, head_of
from swin_keras.tasks.prediction import BoxPrediction
from swin_keras.tasks.validation_map import ValidationMAP

SHOWN = 0.3  # score from which on a box is shown, if nobody says otherwise
BYTES_OF_PAIR = 32  # of a point and a box while they are matched: measured 33
TAIL = "CAST FLOOR_DIV FLOOR_MOD GATHER GREATER LESS SELECT SELECT_V2 TOPK_V2"
RAW = {"many_scores", "boxes", "centerness", "one_scores"}


class Detect(DenseTask):
    """Boxes with a class and a score, found without suppression of overlaps."""

    name = "detect"
    data_options = {"targets": "boxes"}
    figure = "map"
    title = "mAP"
    without = (
        *DenseTask.without,
        *("dice", "auxiliary", "class_weights", "copy_paste", "reduce_zero_label"),
    )
    tail = frozenset(TAIL.split())
    finds_boxes = True
    min_score = SHOWN
    monitors = {
        **DenseTask.monitors,
        "val_map": "the highest mAP on the validation images",
    }
    asked_by = ("box",)

    def check_model(self, model_config, config):
        from swin_keras.models.detection.detector import check_detector

        check_detector(model_config, head_of(config.head, config.head_sizes))

    def build(self, model_config, dataset, config):
        from swin_keras.models import detection_model

        model = detection_model(
            model_config,
            head_of(config.head, config.head_sizes),
            classes=dataset.classes,
            name=config.model,
        )
        return model, model.output

    def loss(self, model_config, dataset, config):
        from swin_keras.models import strides_of
        from swin_keras.tasks.detection_loss import DetectionLoss

        strides = strides_of(model_config, head_of(config.head, config.head_sizes))
        return DetectionLoss(model_config.input_shape, strides)

    def validation_score(self, model_config, dataset):
        return ValidationMAP(dataset.class_names, model_config.input_shape)

    def loader_options(self, dataset, config):
        augmentation = BoxAugmentation(
            scale=config.scale_range,
            flip=self.flips(dataset, config),
            quarter_turns=config.quarter_turns,
            blur=config.blur,
            white_balance=config.white_balance,
            photometric=bool(config.photometric),
            mosaic=config.mosaic,
            letter_box=config.letter_box,
        )
        return {"augmentation": augmentation}

    def target_bytes(self, dataset, model_config, config):
        from swin_keras.layers.points import points_of
        from swin_keras.models import strides_of

        strides = strides_of(model_config, head_of(config.head, config.head_sizes))
        points, _ = points_of(model_config.input_shape, strides)
        boxes = dataset.training.targets.capacity * (PICTURES if config.mosaic else 1)
        return BYTES_OF_PAIR * len(points) * boxes

    def example_targets(self, dataset, input_shape):
        capacity = dataset.splits["train"].targets.capacity
        return np.full((1, capacity, 5), -1, "float32")

    def evaluate(self, predictor, dataset, split, batch_size, workers=None):
        judged, index_of = _judging(predictor, dataset, split)
        height, width, channels = predictor.input_shape
        loader = BatchLoader(
            judged,
            batch_size,
            (height, width),
            channels,
            letter_box=predictor.letter_box,
        )
        result = DetectionResult(predictor.class_names, dataset.notes, split)
        for pictures, _ in batches(loader, workers=workers).as_numpy_iterator():
            outputs = predictor.outputs(pictures)
            for row in range(len(pictures)):
                one = {name: values[row] for name, values in outputs.items()}
                index = result.images
                truth = _truth(judged, index, index_of)
                size = judged.size(index)[::-1]
                result.add(truth, *found_in(one, predictor, size))
        return result

    def evaluate_views(self, predictor, dataset, split, batch_size, views):
        judged, index_of = _judging(predictor, dataset, split)
        names, most = predictor.class_names, most_boxes(views)
        result = DetectionResult(names, dataset.notes, split, max_detections=most)
        for index in range(len(judged)):
            image = judged.image(index, predictor.input_shape[2])
            found = found_in_views(image, predictor, views, batch_size)
            result.add(_truth(judged, index, index_of), *found)
        return result

    def predict_views(self, picture, predictor, views, wanted, batch_size):
        image = picture.image(predictor.input_shape[2], predictor.grey_range)
        found, _ = found_in_views(image, predictor, views, batch_size)
        names, size = predictor.class_names, image.size[::-1]
        return BoxPrediction.of(picture.name, size, found, names, wanted.min_score)

    def class_count(self, outputs):
        if outputs.keys() >= RAW:
            return outputs["one_scores"][-1]
        if outputs.keys() != FINAL:
            raise ValueError("A detector must give boxes, classes, scores and a count")
        return None  # which its card states

    def predictions(self, outputs, seen, predictor, wanted):
        for row, (name, size) in enumerate(seen):
            one = {key: values[row] for key, values in outputs.items()}
            found, _ = found_in(one, predictor, size)
            yield BoxPrediction.of(
                name, size, found, predictor.class_names, wanted.min_score
            )

    def answering_model(self, model):
        from swin_keras.models import without_detections

        return without_detections(model)

    def explanation_targets(self, outputs, explainer, question):
        """Ask for the logit of a box's class at the point that found the box."""
        from swin_keras.detection.decoding import best_points
        from swin_keras.models import model_strides
        from swin_keras.models.layer_names import PATCH_EMBEDDING

        scores, strides = outputs["one_scores"], model_strides(explainer.model)
        # As the stages see the image, which may be resized first.
        size = explainer.model.get_layer(PATCH_EMBEDDING).input.shape[1:3]
        found = best_points(scores, outputs["boxes"], size, strides)
        asked = question.class_index
        is_asked = np.full(len(found.boxes), True)
        if asked is not None:
            is_asked = found.classes == asked
        chosen = np.nonzero(is_asked)[0]
        if question.box is None:
            chosen = chosen[found.scores[chosen] >= SHOWN][: question.top]
        else:
            chosen = chosen[question.box - 1 : question.box]
        names = explainer.class_names
        return [self._box_target(found, row, scores, names, size) for row in chosen]

    @staticmethod
    def _box_target(found, row, scores, names, size):
        index = int(found.classes[row])
        name, (height, width) = names[index], size
        return ExplanationTarget(
            f"box {row + 1}: {name}",
            name,
            score=float(found.scores[row]),
            class_index=index,
            places=(np.arange(len(scores)) == found.points[row]).astype("float32"),
            output="one_scores",
            box=tuple((found.boxes[row] / (width, height, width, height)).tolist()),
        )

    def owns(self, model):
        names = model.output.keys() if isinstance(model.output, dict) else set()
        return names == FINAL or names >= RAW

    def export_model(self, model):
        from swin_keras.models import end_in_detections

        if model.output.keys() == FINAL:
            return model
        return end_in_detections(model, MAX_DETECTIONS)

    def compared(self, outputs, are_logits=False):
        # Of boxes whose scores are equal within rounding, any may come first. Scores
        # from the highest, and means weighted by them, are the same in any order. What
        # stands at the end of the list, which an equal may replace, weighs nothing.
        scores = np.asarray(outputs["scores"], float)
        weights = scores - scores[:, -1:]
        weights /= np.maximum(scores.sum(-1, keepdims=True), 1e-9)
        boxes = np.einsum("bn,bnc->bc", weights, outputs["boxes"])
        classes = (weights * outputs["classes"]).sum(-1, keepdims=True)
        return np.concatenate([scores, boxes, classes], axis=-1), 1.0

    def litert_metadata(self, card, outputs):
        return detector_metadata(card, outputs)

    def about_outputs(self, card):
        boxes = card.outputs["boxes"][0]
        return (
            f"float32 `boxes` `(batch, {boxes}, 4)`, which are top, left, bottom and "
            f"right as shares of the picture; `classes` `(batch, {boxes})`, rows of "
            f"`labels.txt` counted from 0; `scores` `(batch, {boxes})`, the highest "
            "first; and `count` `(batch,)`, how many of them to look at"
        )


def _judging(predictor, dataset, split):
    """Return a split, and the model's class of each of the data's."""
    names = predictor.class_names
    index_of = np.array([names.index(name) for name in dataset.class_names])
    return dataset.split(split), index_of


def _truth(judged, index, index_of):
    truth = judged.targets.load(index)
    classes = index_of[truth.classes]
    return ImageBoxes(truth.boxes, classes, truth.crowd, truth.areas)


TASK = Detect()

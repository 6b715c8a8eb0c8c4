"""Mean average precision of boxes, as COCO measures it."""

from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError


@dataclass(frozen=True)
class DetectionFigures:
    """How well objects were found, from 0 to 1; `None` where there were none.

    Args:
        mean_average_precision: Mean over classes and over the overlaps .5, .55 to .95
            that make a box right.
        at_50: Average precision where half of the union must overlap.
        at_75: The same at three quarters.
        small: Mean average precision of objects below 32 x 32 pixels.
        medium: Of those up to 96 x 96.
        large: Of the others.
        recall: Share of the objects that were found, with up to `max_detections` boxes
            of each class in a picture, mean over the same overlaps and classes.
        by_class: Mean average precision of each class, by its name.
        curves: Of each class that occurs, the precision at the recalls 0, .01 to 1,
            where half of the union must overlap.
        images: Pictures that were judged.
        objects: Objects in them, without crowds.
    """

    mean_average_precision: float | None
    at_50: float | None
    at_75: float | None
    small: float | None
    medium: float | None
    large: float | None
    recall: float | None
    by_class: dict[str, float | None]
    curves: dict[str, tuple[float, ...]]
    images: int
    objects: int


class DetectionScore:
    """Collect pictures with their true and found boxes; then judge them all.

    The figures are those of COCO: boxes of a crowd are neither missed nor false.
    They are computed by the package `faster-coco-eval`.

    Args:
        class_names: Name of each class.
        max_detections: Boxes of each class in a picture that count, the most certain;
            COCO's are 100.

    Example:

    >>> score = DetectionScore(["cat", "dog"])
    >>> score.add(
    ...     boxes=[[0, 0, 10, 10]], scores=[0.9], classes=[0],
    ...     true_boxes=[[0, 0, 10, 10]], true_classes=[0],
    ... )
    >>> score.figures().at_50
    1.0
    """

    def __init__(self, class_names, max_detections: int = 100):
        self.class_names = list(class_names)
        self.max_detections = max_detections
        self._images, self._truth, self._found = [], [], []

    def add(
        self,
        boxes,
        scores,
        classes,
        true_boxes,
        true_classes,
        crowd=None,
        areas=None,
    ):
        """Add a picture.

        Args:
            boxes: `(N, 4)` found, x1, y1, x2, y2 in pixels of the original picture:
                sizes of objects are told apart in them.
            scores: `(N,)`.
            classes: `(N,)` numbers of classes.
            true_boxes: `(M, 4)`, likewise.
            true_classes: `(M,)`.
            crowd: `(M,)`, whether a box holds many; `None` for no.
            areas: `(M,)`, areas of the objects in pixels, where outlines are
                known; `None` for those of the boxes.

        Raises:
            UsageError: If there are not as many of one as of the other, or a class
                has no name.
        """
        boxes, scores, classes = _columns(boxes, scores, classes)
        if crowd is None:
            crowd = np.zeros(len(true_boxes), bool)
        true_boxes, true_classes, crowd = _columns(true_boxes, true_classes, crowd)
        sides = true_boxes[:, 2:] - true_boxes[:, :2]
        areas = sides.prod(axis=1) if areas is None else np.asarray(areas, "float64")
        if len(areas) != len(true_boxes):
            raise UsageError(
                "There must be an area for each true box. Received: "
                f"{len(areas)} for {len(true_boxes)}."
            )
        for numbers in (classes, true_classes):
            if len(numbers) and not 0 <= numbers.min() <= numbers.max() < self._count:
                raise UsageError(
                    f"Classes must be numbers from 0 to {self._count - 1}. "
                    f"Received: {sorted(set(numbers.tolist()))}."
                )

        image = len(self._images) + 1  # 0 would be taken for none
        self._images.append({"id": image})
        for box, kind, is_crowd, area in zip(
            true_boxes, true_classes, crowd, areas, strict=True
        ):
            self._truth.append(
                {
                    "id": len(self._truth) + 1,
                    "image_id": image,
                    "category_id": int(kind),
                    "bbox": _as_coco(box),
                    "area": float(area),
                    "iscrowd": int(is_crowd),
                }
            )
        for box, score, kind in zip(boxes, scores, classes, strict=True):
            self._found.append(
                {
                    "image_id": image,
                    "category_id": int(kind),
                    "bbox": _as_coco(box),
                    "score": float(score),
                }
            )

    def figures(self) -> DetectionFigures:
        """Judge what was added so far."""
        objects = sum(not truth["iscrowd"] for truth in self._truth)
        counts = {"images": len(self._images), "objects": objects}
        if not objects or not self._found:
            return DetectionFigures(**self._nothing_found(), **counts)
        precision, recall = self._evaluate()
        curves = {
            name: tuple(precision[0, :, number, 0].tolist())
            for number, name in enumerate(self.class_names)
            if precision[0, 0, number, 0] > -1
        }
        return DetectionFigures(
            mean_average_precision=_mean(precision[..., 0]),
            at_50=_mean(precision[0, ..., 0]),
            at_75=_mean(precision[5, ..., 0]),
            small=_mean(precision[..., 1]),
            medium=_mean(precision[..., 2]),
            large=_mean(precision[..., 3]),
            recall=_mean(recall[..., 0]),
            by_class={
                name: _mean(precision[:, :, number, 0])
                for number, name in enumerate(self.class_names)
            },
            curves=curves,
            **counts,
        )

    def at_50_without_classes(self) -> float | None:
        """Return the average precision of finding objects, whatever they are called.

        Half of the union must overlap. Of boxes that are the same but for the class,
        the most certain counts. Far above the mean of the classes, it says that these
        are confused; else objects are missed.
        """
        alone = DetectionScore(["object"], self.max_detections)
        alone._images = self._images
        alone._truth = [truth | {"category_id": 0} for truth in self._truth]
        best = {}
        for found in sorted(self._found, key=lambda found: -found["score"]):
            key = found["image_id"], *found["bbox"]
            best.setdefault(key, found | {"category_id": 0})
        alone._found = list(best.values())
        return alone.figures().at_50

    @property
    def _count(self):
        return len(self.class_names)

    def _evaluate(self):
        """Return precision by overlap, recall, class, size; recall without its own."""
        from faster_coco_eval import COCO, COCOeval_faster

        # Copies: the package writes into what it is given.
        truth = COCO(
            {
                "images": [dict(image) for image in self._images],
                "annotations": [dict(truth) for truth in self._truth],
                "categories": [
                    {"id": number, "name": name}
                    for number, name in enumerate(self.class_names)
                ],
            }
        )
        found = truth.loadRes([dict(found) for found in self._found])
        judge = COCOeval_faster(truth, found, iouType="bbox")
        fewer = (min(count, self.max_detections) for count in (1, 10))
        judge.params.maxDets = [*fewer, self.max_detections]
        judge.evaluate()
        judge.accumulate()
        return (judge.eval[name][..., -1] for name in ("precision", "recall"))

    def _nothing_found(self) -> dict:
        """Return the figures of no boxes: 0 where there are objects."""
        objects = [truth for truth in self._truth if not truth["iscrowd"]]
        present = {truth["category_id"] for truth in objects}
        value = 0.0 if objects else None
        names = ("mean_average_precision", "at_50", "at_75", "recall")
        sizes = dict.fromkeys(("small", "medium", "large"))
        sizes |= {_size(truth["area"]): value for truth in objects}
        by_class = {
            name: 0.0 if number in present else None
            for number, name in enumerate(self.class_names)
        }
        curves = {self.class_names[number]: (0.0,) * 101 for number in sorted(present)}
        figures = {**dict.fromkeys(names, value), **sizes, "by_class": by_class}
        return {**figures, "curves": curves}


def _columns(boxes, *columns):
    """Return boxes and what belongs to them as arrays, of one length."""
    boxes = np.asarray(boxes, "float64").reshape(-1, 4)
    columns = [np.asarray(column).reshape(-1) for column in columns]
    if any(len(column) != len(boxes) for column in columns):
        raise UsageError(
            "There must be a class, and a score or crowd, for each box. Received: "
            f"{len(boxes)} boxes with {[len(column) for column in columns]}."
        )
    return boxes, *columns


def _as_coco(box) -> list[float]:
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2 - x1, y2 - y1]


def _mean(values):
    """Return the mean of what could be measured; -1 marks what could not."""
    values = values[values > -1]
    return float(values.mean()) if len(values) else None


def _size(area):
    return "small" if area < 32**2 else "medium" if area < 96**2 else "large"

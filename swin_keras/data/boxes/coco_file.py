"""Write boxes as COCO's json, which pycocotools and faster-coco-eval read."""

import json
from pathlib import Path

import numpy as np

from swin_keras.data.boxes.records import BoxRecord, BoxSet
from swin_keras.errors import ResourceError, UsageError

DIGITS = 3  # after the point, of pixels


def image_ids(records) -> list[int]:
    """Return a number for each picture: that of its file, or its place from 1 on."""
    given = [record.image_id for record in records]
    is_numbered = all(isinstance(one, int) for one in given)
    if is_numbered and len(set(given)) == len(given):
        return given
    return list(range(1, len(given) + 1))


def coco_truth(boxes: BoxSet, records) -> dict:
    """Return pictures and their objects in COCO's form.

    Difficult objects stand there as crowds, since COCO knows nothing else that
    counts neither as found nor as missed.

    Args:
        boxes: The set.
        records: Its pictures, in the order of the predictions.
    """
    images, annotations = [], []
    for image_id, record in zip(image_ids(records), records, strict=True):
        images.append(
            {
                "id": image_id,
                "file_name": record.path,
                "width": record.width,
                "height": record.height,
            }
        )
        for place in range(record.count):
            annotations.append(
                {
                    "id": len(annotations) + 1,  # 0 would count as no match
                    "image_id": image_id,
                    "category_id": boxes.category_ids[record.classes[place]],
                    "bbox": _x_y_width_height(record.boxes[place]),
                    "area": float(record.areas[place]),
                    "iscrowd": int(record.ignored[place]),
                }
            )
    categories = [
        {"id": category_id, "name": name}
        for category_id, name in zip(boxes.category_ids, boxes.class_names, strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco_predictions(boxes: BoxSet, records: list[BoxRecord], found) -> list[dict]:
    """Return what a model found in COCO's form: one entry a box.

    Args:
        boxes: The set, whose ids of categories are used.
        records: The pictures.
        found: For each picture `(boxes, classes, scores)`: `(N, 4)` in its pixels,
            `(N,)` and `(N,)`.

    Raises:
        UsageError: If there is not one entry a picture, or a number is none.
    """
    found = list(found)
    if len(found) != len(records):
        raise UsageError(
            "There must be one list of boxes for each picture. "
            f"Received: {len(found)} for {len(records)} pictures."
        )
    return [
        entry
        for image_id, of_image in zip(image_ids(records), found, strict=True)
        for entry in predictions_of(image_id, boxes.category_ids, *of_image)
    ]


def predictions_of(image_id, category_ids, boxes, classes, scores) -> list[dict]:
    """Return the boxes of one picture in COCO's form.

    Args:
        image_id: What the picture is called.
        category_ids: What each class is called.
        boxes: `x1, y1, x2, y2` in pixels of the picture, `(N, 4)`.
        classes: Class of each, `(N,)`.
        scores: How sure the model is of each, `(N,)`.

    Raises:
        UsageError: If a number is none.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise UsageError(
            f"Boxes and scores must be finite numbers. Received: those of {image_id!r}."
        )
    return [
        {
            "image_id": image_id,
            "category_id": int(category_ids[int(class_id)]),
            "bbox": _x_y_width_height(box),
            "score": float(score),
        }
        for box, class_id, score in zip(boxes, classes, scores, strict=True)
    ]


def coco_set(class_names, pictures) -> dict:
    """Return pictures and what was found in them in COCO's form, with scores.

    That is a whole set: programs that show or correct boxes open it beside the
    pictures, and its "annotations" are what programs that judge boxes read. Ids count
    from 1, those of categories in the order of the classes.

    Args:
        class_names: Names of the classes.
        pictures: `(path, (height, width), boxes, classes, scores)` of each picture.
    """
    images, annotations = [], []
    category_ids = range(1, len(class_names) + 1)
    for image_id, (path, size, *found) in enumerate(pictures, start=1):
        height, width = size
        images.append(
            {"id": image_id, "file_name": path, "width": width, "height": height}
        )
        for entry in predictions_of(image_id, category_ids, *found):
            *_, across, down = entry["bbox"]
            more = {"area": round(across * down, DIGITS), "iscrowd": 0}
            annotations.append({"id": len(annotations) + 1, **entry, **more})
    categories = [
        {"id": category_id, "name": name}
        for category_id, name in zip(category_ids, class_names, strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def save_coco(content, path) -> Path:
    """Write COCO's json.

    Raises:
        ResourceError: If it cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(json.dumps(content, allow_nan=False) + "\n", "utf-8")
    except OSError as error:
        reason = error.strerror or error
        raise ResourceError(f"{path} cannot be written: {reason}.") from error
    return path


def _x_y_width_height(box) -> list[float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return [round(value, DIGITS) for value in (x1, y1, x2 - x1, y2 - y1)]

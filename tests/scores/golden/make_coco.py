"""Make coco.npz: what pycocotools says of 50 pictures with crowds.

    python make_coco.py

Needs `pycocotools`.
"""

from pathlib import Path

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

IMAGES, CLASSES = 50, 3


def main():
    truth, found = pictures()
    coco = COCO()
    coco.dataset = {
        "images": [{"id": index + 1} for index in range(IMAGES)],
        "categories": [{"id": number} for number in range(CLASSES)],
        "annotations": [
            {
                "id": number + 1,
                "image_id": int(row[0]) + 1,
                "bbox": [*row[1:3], *(row[3:5] - row[1:3])],
                "area": float(np.prod(row[3:5] - row[1:3])),
                "category_id": int(row[5]),
                "iscrowd": int(row[6]),
            }
            for number, row in enumerate(truth)
        ],
    }
    coco.createIndex()
    results = coco.loadRes(
        [
            {
                "image_id": int(row[0]) + 1,
                "bbox": [*row[1:3], *(row[3:5] - row[1:3])],
                "category_id": int(row[5]),
                "score": row[6],
            }
            for row in found
        ]
    )
    judge = COCOeval(coco, results, "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    precision = judge.eval["precision"][..., 0, -1]  # of all sizes
    path = Path(__file__).with_name("coco.npz")
    np.savez_compressed(
        path,
        truth=truth,
        found=found,
        stats=judge.stats,
        by_class=precision.mean(axis=(0, 1)),
        curves=precision[0].T,
    )
    print(f"{path}: {path.stat().st_size} bytes")


def pictures():
    """Return rows: picture, box, class, and crowd or score."""
    rng = np.random.default_rng(0)
    truth, found = [], []
    for image in range(IMAGES):
        count = rng.integers(0, 8)
        start = rng.uniform(0, 200, (count, 2))
        boxes = np.concatenate([start, start + rng.uniform(5, 150, (count, 2))], 1)
        classes = rng.integers(0, CLASSES, count)
        crowd = rng.random(count) < 0.2
        truth += [
            (image, *box, kind, is_crowd)
            for box, kind, is_crowd in zip(boxes, classes, crowd, strict=True)
        ]
        for box, kind in zip(boxes, classes, strict=True):
            for _ in range(rng.integers(0, 3)):
                moved = box + rng.normal(0, 4, 4)
                moved[2:] = np.maximum(moved[2:], moved[:2] + 1)
                seen = kind if rng.random() < 0.8 else rng.integers(0, CLASSES)
                found.append((image, *moved, seen, round(rng.random(), 2)))
        if rng.random() < 0.3:  # where nothing is
            found.append((image, 0, 0, 20, 20, 0, rng.random()))
    return np.array(truth, "float32").astype("float64"), np.array(
        found, "float32"
    ).astype("float64")


if __name__ == "__main__":
    main()

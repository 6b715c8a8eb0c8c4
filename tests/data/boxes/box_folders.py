"""The same pictures and boxes, written in each format, for the tests of boxes."""

import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

NAMES = ("cat", "dog", "owl")
# picture -> (width, height), and (class, x1, y1, x2, y2) of each object
SCENES = {
    "a.png": ((64, 48), [(0, 4, 6, 20, 30), (1, 30, 10, 60, 40)]),
    "b.png": ((50, 60), [(2, 1, 1, 49, 59)]),
    "c.png": ((40, 40), []),
    "d.png": ((64, 64), [(1, 8, 8, 24, 24), (1, 32, 32, 64, 64), (0, 1, 40, 9, 50)]),
    "e.png": ((48, 32), [(2, 10, 5, 30, 25)]),
    "f.png": ((80, 40), [(0, 40, 20, 80, 40)]),
}
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255))


def paint(size, objects) -> Image.Image:
    """A picture whose objects are rectangles of their class's colour."""
    image = Image.new("RGB", size, (90, 90, 90))
    for class_id, *box in objects:
        image.paste(COLOURS[class_id], tuple(box))
    return image


def write_pictures(folder: Path, names=SCENES, **options) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        paint(*SCENES[name]).save(folder / name, **options)
    return folder


def write_coco(root: Path, names=SCENES, file="annotations.json", folder="images"):
    """COCO's json with ids that have gaps; returns what stands in it."""
    write_pictures(root / folder, names)
    content = coco_of(names)
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return content


def coco_of(names=SCENES) -> dict:
    category_ids = (3, 7, 90)
    images = [
        {"id": 100 + place, "file_name": name, "width": size[0], "height": size[1]}
        for place, (name, (size, _)) in enumerate(SCENES.items())
        if name in names
    ]
    annotations = [
        {
            "id": 10 * image["id"] + place,
            "image_id": image["id"],
            "category_id": category_ids[class_id],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
        }
        for image in images
        for place, (class_id, x1, y1, x2, y2) in enumerate(
            SCENES[image["file_name"]][1]
        )
    ]
    categories = [
        {"id": one, "name": name, "supercategory": "animal"}
        for one, name in zip(category_ids, NAMES, strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def yolo_lines(name) -> str:
    (width, height), objects = SCENES[name]
    return "".join(
        f"{class_id} {(x1 + x2) / 2 / width:.8f} {(y1 + y2) / 2 / height:.8f} "
        f"{(x2 - x1) / width:.8f} {(y2 - y1) / height:.8f}\n"
        for class_id, x1, y1, x2, y2 in objects
    )


def write_yolo(root: Path, splits=None, **options) -> Path:
    """images/ and labels/ in parallel, and data.yaml; c.png has no file."""
    splits = splits or {"": list(SCENES)}
    for title, names in splits.items():
        write_pictures(root / "images" / title, names)
        labels = root / "labels" / title
        labels.mkdir(parents=True, exist_ok=True)
        for name in names:
            if SCENES[name][1]:
                (labels / name).with_suffix(".txt").write_text(yolo_lines(name))
    content = {"names": dict(enumerate(NAMES)), "nc": len(NAMES)}
    content |= {title: f"images/{title}" for title in splits if title}
    (root / "data.yaml").write_text(yaml.safe_dump(content | options))
    return root


def voc_xml(name, origin=1, more="") -> str:
    (width, height), objects = SCENES[name]
    parts = "".join(
        f"<object><name>{NAMES[class_id]}</name><difficult>0</difficult><bndbox>"
        f"<xmin>{x1 + origin}</xmin><ymin>{y1 + origin}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for class_id, x1, y1, x2, y2 in objects
    )
    return (
        f"<annotation><filename>{name}</filename><size><width>{width}</width>"
        f"<height>{height}</height><depth>3</depth></size>{parts}{more}</annotation>"
    )


def write_voc(root: Path, lists=None) -> Path:
    write_pictures(root / "JPEGImages")
    (root / "Annotations").mkdir(parents=True)
    for name in SCENES:
        (root / "Annotations" / name).with_suffix(".xml").write_text(voc_xml(name))
    for title, names in (lists or {}).items():
        path = root / "ImageSets" / "Main" / f"{title}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{Path(name).stem}\n" for name in names))
    return root


def labelme_of(name) -> dict:
    (width, height), objects = SCENES[name]
    shapes = [
        {
            "label": NAMES[class_id],
            "points": [[x2, y1], [x1, y2]],  # any two opposite corners will do
            "group_id": None,
            "shape_type": "rectangle",
            "flags": {},
        }
        for class_id, x1, y1, x2, y2 in objects
    ]
    return {
        "version": "5.4.1",
        "flags": {},
        "shapes": shapes,
        "imagePath": name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def write_labelme(root: Path) -> Path:
    write_pictures(root)
    for name in SCENES:
        (root / name).with_suffix(".json").write_text(json.dumps(labelme_of(name)))
    return root


def objects_of(boxes) -> dict[str, list]:
    """Picture's name -> its objects as `SCENES` has them, sorted."""
    return {
        Path(record.path).name: sorted(
            (NAMES.index(boxes.class_names[c]), *np.round(box, 3).tolist())
            for c, box in zip(record.classes, record.boxes, strict=True)
        )
        for record in boxes.records
    }


def expected(names=SCENES) -> dict[str, list]:
    return {name: sorted(map(tuple, SCENES[name][1])) for name in names}


def kinds(boxes) -> dict[str, int]:
    """Kind of finding -> how many."""
    counts = {}
    for finding in boxes.findings:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
    return counts

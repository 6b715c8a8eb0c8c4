"""How a segmenter's report looks: classes, and masks beside their pictures."""

import numpy as np
from PIL import Image

from swin_keras.drawing import draw_mask
from swin_keras.masks import IGNORED
from swin_keras.report.embedding import image_uri
from swin_keras.report.gallery import SHOWN, best_median_worst, table_of_classes
from swin_keras.report.plots import plot_confusion_matrix, plot_images

TEMPLATE = "pictures.html"
SIDE = 320  # pixels of a picture on the page
WRONG, RIGHT = (214, 39, 40), (240, 240, 240)


def plot(evaluation, folder):
    """Draw the confusion of pixels into a run's folder of plots."""
    path = folder / "confusion_matrix.png"
    confusion = evaluation.score_of_pixels.confusion
    plot_confusion_matrix(confusion, evaluation.class_names, path)


def plot_training_images(images, targets, dataset, path):
    """Draw a sheet of training images under their masks."""
    drawn = [
        draw_mask(picture_of(image), mask, dataset.class_names, legend=False)
        for image, mask in zip(images, targets, strict=True)
    ]
    plot_images(np.stack([np.asarray(one) for one in drawn]), [""] * len(drawn), path)


def values(report) -> dict:
    """Return what the template shows of a `RunReport`."""
    return {
        "layout": "rows",
        **table_of_classes(report.evaluation, report.evaluation.score_of_pixels.iou),
        "galleries": [
            (
                title,
                "Picture, truth, what the model says, and where it is wrong (red).",
                [_shown(report, index) for index in indices],
            )
            for title, indices in best_median_worst(
                report.evaluation.pixel_accuracies, SHOWN
            )
        ],
    }


def _shown(report, index):
    split = report.dataset.split(report.split)
    picture = split.image(index, 3)
    truth, said = split.targets.load(index), report.evaluation.mask(index)
    names = report.dataset.class_names
    picture.thumbnail((SIDE, SIDE))
    parts = [
        picture,
        draw_mask(picture, truth, names, legend=False),
        draw_mask(picture, said, report.evaluation.class_names, legend=False),
        _errors(truth, said, picture.size),
    ]
    width, height = picture.size
    row = Image.new("RGB", (4 * width + 12, height), "white")
    for place, part in enumerate(parts):
        row.paste(part, (place * (width + 4), 0))
    accuracy = report.evaluation.pixel_accuracies[index]
    return {
        "uri": image_uri(row, largest=4 * SIDE + 12),
        "name": split.name(index),
        "caption": f"{split.name(index)}: {accuracy:.1%} of the pixels right",
    }


def _errors(truth, said, size):
    shown = np.empty((*truth.shape, 3), np.uint8)
    shown[:] = RIGHT
    shown[(truth != said) & (truth != IGNORED)] = WRONG
    return Image.fromarray(shown).resize(size, Image.Resampling.NEAREST)


def picture_of(image: np.ndarray) -> Image.Image:
    """Return an array `(H, W, C)` as an RGB picture."""
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    return Image.fromarray(pixels).convert("RGB")

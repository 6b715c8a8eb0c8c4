"""Objects of a picture, found in several views of it and put together."""

from itertools import product

import numpy as np
from PIL import Image

from swin_keras.data.boxes import whole_picture
from swin_keras.data.geometry import Geometry
from swin_keras.scores.detection_result import FoundObjects
from swin_keras.tasks.found_objects import MAX_DETECTIONS, found_through
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.tiles import MAX_BOXES, found_in_tiles
from swin_keras.tasks.views import UPRIGHT, Views


def most_boxes(views: Views) -> int:
    """Return how many boxes of a picture count, at most."""
    return MAX_BOXES if views.window == "slide" else MAX_DETECTIONS


def found_in_views(image: Image.Image, predictor, views: Views, batch_size: int):
    """Return what both branches found in a picture, in its own pixels.

    The boxes that several views have of an object become one by `fuse_boxes`.

    Args:
        image: The upright picture.
        predictor: The `Predictor` of the model.
        views: How the picture is shown.
        batch_size: Tiles that are run together.

    Returns:
        As `found_in`.
    """
    found = [
        _found_in_view(image, predictor, views.window, scale, turn, batch_size)
        for scale, turn in product(views.scales, views.turns)
    ]
    branches = zip(*found, strict=True)
    return tuple(
        None if b[0] is None else _fused(b, most_boxes(views)) for b in branches
    )


def _found_in_view(image, predictor, window, scale, turn, batch_size):
    """Return what is found in one view, in pixels of the upright picture."""
    shown = Shown(image, scale, turn)
    if window == "slide":
        found = found_in_tiles(shown, predictor, batch_size)
    else:
        found = _found_in_the_whole(shown, predictor)
    if (scale, turn) == (1, UPRIGHT):
        return found
    # A turn back is a turn of the picture that was shown.
    height, width = shown.size
    back = Geometry(
        (width, height),
        (0, 0, width, height),
        image.size[::-1],
        mirrored=turn.back.mirrored,
        turns=turn.back.quarters,
    )
    return tuple(None if branch is None else _moved(branch, back) for branch in found)


def _found_in_the_whole(shown, predictor):
    """Return what is found in the whole picture, turned and resized to the input."""
    pixels = shown.window(0, 0, shown.size)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    whole = whole_picture(
        image.size, predictor.input_shape[:2], letter_box=predictor.letter_box
    )
    outputs = predictor.outputs(whole.image(image)[None])
    one = {name: values[0] for name, values in outputs.items()}
    return found_through(one, predictor, whole)


def _moved(found, geometry):
    boxes, _ = geometry.boxes(found.boxes)
    return FoundObjects(boxes, found.classes, found.scores)


def _fused(found, most):
    """Return the objects of all views, each once, the most certain first."""
    if len(found) == 1:
        return found[0]
    from swin_keras.detection.fusion import fuse_boxes

    boxes, classes, scores = (
        np.concatenate([getattr(view, name) for view in found])
        for name in ("boxes", "classes", "scores")
    )
    fused = fuse_boxes(boxes, classes, scores, views=len(found))
    return FoundObjects(*(column[:most] for column in fused))

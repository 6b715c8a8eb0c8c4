"""Why a model was wrong: the worst mistakes, each with two maps."""

import numpy as np

from swin_keras.data.image_io import prepare_image, useful_side
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.overlay import overlay


def mistakes_explained(path, split, mistakes) -> dict:
    """Draw what spoke for the class that was said, and for the true one.

    Args:
        path: The model's `.keras` file, with its card.
        split: The images, as they were judged.
        mistakes: Of the answers, each a `Mistake`.

    Returns:
        Two Pillow images, class maps over the picture, by `mistake.index`.
    """
    if not mistakes:
        return {}
    explainer = Explainer(path)
    *size, channels = explainer.input_shape
    share = explainer.card.crop_fraction
    images = np.stack(
        [
            prepare_image(
                split.image(mistake.index, channels, at_least=useful_side(size, share)),
                size,
                share,
            )
            for mistake in mistakes
        ]
    )
    said, true = (
        explainer.maps(images, [getattr(mistake, name) for mistake in mistakes])
        for name in ("predicted", "true")
    )
    return {
        mistake.index: tuple(
            overlay(image, values, reached=explainer.reach(values.shape))
            for values in (one, other)
        )
        for mistake, image, one, other in zip(mistakes, images, said, true, strict=True)
    }

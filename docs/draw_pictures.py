"""Draw the pictures of the site with the package's own functions.

    python docs/draw_pictures.py

What is drawn is what `layers/windows.py` computes: it cuts, shifts and masks the
pixels of the photograph as it does the tokens of a model. The photograph is
scikit-learn's flower.jpg, by vultilion, CC BY 2.0.
"""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import matplotlib

matplotlib.use("Agg")

import numpy as np
from keras import ops
from matplotlib import pyplot
from PIL import Image
from sklearn.datasets import load_sample_image

from swin_keras.layers import (
    cyclic_shift,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

PICTURES = Path(__file__).with_name("pictures")
TOKENS, WINDOW, SHIFT, PIXELS = 8, 4, 2, 28  # a token is drawn as 28 x 28 pixels
LINE, GREY = "#ff9800", "#808080"  # both can be read on white and on black

pyplot.rcParams.update({"font.size": 11, "text.color": GREY})


def photo(side: int) -> np.ndarray:
    """Return the photograph as a square of `side` pixels, `(side, side, 3)`."""
    pixels = load_sample_image("flower.jpg")
    height, width, _ = pixels.shape
    left = (width - height) // 2
    square = Image.fromarray(pixels[:, left : left + height])
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))


def new_picture(count: int, height: float = 3.2):
    """Return a figure and its axes, side by side."""
    figure, axes = pyplot.subplots(1, count, figsize=(2.6 * count, height))
    for axis in np.atleast_1d(axes):
        axis.axis("off")
    return figure, np.atleast_1d(axes)


def write(figure, name: str):
    """Write a picture with few colours, which the eye does not miss."""
    figure.tight_layout()
    path = PICTURES / name
    figure.savefig(path, dpi=130, transparent=True, bbox_inches="tight")
    pyplot.close(figure)
    Image.open(path).quantize(128).save(path, optimize=True)
    print(f"written: {path}")


def grid(axis, side, step, first=0, **style):
    """Draw the borders of windows of `step` pixels over `side` pixels."""
    places = sorted({0, *range(first, side, step), side})
    style = {"color": LINE, "linewidth": 2, **style}
    for place in places:
        axis.plot([place - 0.5] * 2, [-0.5, side - 0.5], **style)
        axis.plot([-0.5, side - 0.5], [place - 0.5] * 2, **style)


def show(axis, pixels, title):
    axis.imshow(pixels)
    axis.set_title(title, fontsize=11, color=GREY)


def draw_path():
    """Draw the data's path: patches, then four maps, each with its windows."""
    figure, axes = new_picture(5)
    image = photo(224)
    show(axes[0], image, "image\n224 x 224 pixels")
    stages = ((56, 96), (28, 192), (14, 384), (7, 768))
    for stage, (axis, (side, channels)) in enumerate(
        zip(axes[1:], stages, strict=True), 1
    ):
        tokens = np.asarray(
            Image.fromarray(image).resize((side, side), Image.Resampling.BOX)
        )
        title = f"stage {stage}, C{stage + 1}\n{side} x {side} tokens of {channels}"
        show(axis, tokens, title)
        grid(axis, side, 7, linewidth=1.2)
    write(figure, "path.png")


def draw_shift():
    """Draw the two kinds of windows, and how the second is computed as the first."""
    side, window, shift = TOKENS * PIXELS, WINDOW * PIXELS, SHIFT * PIXELS
    image = photo(side)
    shifted = ops.convert_to_numpy(cyclic_shift(image[None], shift))[0]
    figure, axes = new_picture(4)
    show(axes[0], image, "W-MSA:\n4 windows")
    grid(axes[0], side, window)
    show(axes[1], image, "SW-MSA: moved by half,\n9 windows of four sizes")
    grid(axes[1], side, window, first=shift)
    show(axes[2], shifted, "cyclic shift:\n4 windows again")
    grid(axes[2], side, window)
    show(axes[3], shifted, "the mask keeps apart\nwhat was not adjacent")
    grid(axes[3], side, side, first=side - shift, color="white", linestyle="--")
    grid(axes[3], side, window)
    write(figure, "shift.png")


def draw_partition():
    """Draw a map's windows as they lie in the batch of windows."""
    image = photo(TOKENS * PIXELS)
    windows = ops.convert_to_numpy(window_partition(image[None], WINDOW * PIXELS))
    figure, axes = new_picture(6)
    show(axes[0], image, "(1, 8, 8, C)")
    grid(axes[0], TOKENS * PIXELS, WINDOW * PIXELS)
    for number, (axis, window) in enumerate(zip(axes[1:5], windows, strict=True)):
        side = WINDOW * PIXELS
        show(axis, window.reshape(side, side, 3), f"windows[{number}]\n(16, C)")
        grid(axis, side, PIXELS, linewidth=0.5)
    back = window_reverse(windows, WINDOW * PIXELS, (TOKENS * PIXELS,) * 2)
    show(axes[5], ops.convert_to_numpy(back)[0], "window_reverse\n(1, 8, 8, C)")
    write(figure, "partition.png")


def draw_mask():
    """Draw who may attend to whom in each of the four shifted windows."""
    mask = shifted_window_mask((TOKENS, TOKENS), WINDOW, SHIFT)
    figure, axes = new_picture(4)
    for number, (axis, one) in enumerate(zip(axes, mask, strict=True)):
        colours = np.where(one[..., None] == 0, [255, 152, 0], [96, 96, 96])
        show(axis, colours, f"window {number}:\n16 queries x 16 keys")
    write(figure, "mask.png")


def draw_padding():
    """Draw a map that windows do not divide, and what one of its tokens sees."""
    tokens, first = 6, (slice(0, WINDOW), slice(WINDOW, TOKENS))  # window 1
    query = 2  # in its first row, the first token that the shift brought round
    pixels = np.full((TOKENS, TOKENS, 3), 96, np.uint8)
    pixels[:tokens, :tokens] = Image.fromarray(photo(tokens * 8)).resize(
        (tokens, tokens), Image.Resampling.BOX
    )
    shifted = ops.convert_to_numpy(cyclic_shift(pixels[None], SHIFT))[0]
    figure, axes = new_picture(4)
    show(axes[0], pixels, "6 x 6 tokens,\npadded to 8 x 8")
    show(axes[1], shifted, "after the shift: padding\nlies in the middle")
    show(axes[2], shifted[first], "window 1")
    for axis in axes[:2]:
        grid(axis, TOKENS, WINDOW)
    titles = ("window 1:\npadding in its middle", "what the framed token\nattends to")
    mask = shifted_window_mask((tokens, tokens), WINDOW, SHIFT)[1, query]
    is_seen = np.array([np.ones_like(mask), mask == 0]).reshape(2, WINDOW, WINDOW, 1)
    for axis, title, seen in zip(axes[2:], titles, is_seen, strict=True):
        alpha = np.uint8(255 * seen)
        show(axis, np.concatenate([shifted[first], alpha], axis=-1), title)
        grid(axis, WINDOW, 1, linewidth=0.5)
        frame = {"fill": False, "edgecolor": "#e91e63", "linewidth": 4}
        axis.add_patch(pyplot.Rectangle((query - 0.5, -0.5), 1, 1, **frame))
    write(figure, "padding.png")


def draw_merging():
    """Draw how patch merging gathers four neighbours."""
    side = 16
    pixels = photo(side)
    groups = ops.convert_to_numpy(window_partition(pixels[None], 2))
    figure, axes = new_picture(5)
    show(axes[0], pixels, f"({side}, {side}, C)\nin groups of 2 x 2")
    grid(axes[0], side, 2, linewidth=1)
    places = ("top left", "top right", "bottom left", "bottom right")
    for number, (axis, place) in enumerate(zip(axes[1:], places, strict=True)):
        half = side // 2
        show(
            axis,
            groups[:, number].reshape(half, half, 3),
            f"the {place} ones:\nC of 4C",
        )
    write(figure, "merging.png")


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for draw in (
        draw_path,
        draw_partition,
        draw_shift,
        draw_mask,
        draw_padding,
        draw_merging,
    ):
        draw()

"""The attention of every block of a model, for given images."""

import numpy as np
import tensorflow as tf
from keras import ops

from swin_keras.errors import UsageError
from swin_keras.explaining.gradient_map import require_tape, stage_blocks
from swin_keras.explaining.logit_model import RecordedBlock, RecordedV2Block
from swin_keras.explaining.regions import cell_at, patches_of, reach
from swin_keras.explaining.row_vectors import BlockAttention, MergedTokens
from swin_keras.layers import PatchMerging


def attention_steps(model, images, target=None) -> list:
    """Return what `roll_out` goes through: each block's attention, each merging.

    Without a target, a block's attention is the mean over its heads: the same for
    every class. With one, it is the mean over heads of the positive part of
    `gradient * attention`, each row scaled to sum 1: where a token looked that
    raised the score.

    Args:
        model: What `logit_model` returns.
        images: `(B, H, W, channels)`, as the model takes them.
        target: A function from the model's outputs to `(B,)`, or `None`.

    Raises:
        UsageError: If the model has blocks of another kind, or there is a target and
            Keras is not on TensorFlow.

    Reference:
        Chefer et al., 2021: https://arxiv.org/abs/2103.15679
    """
    blocks = recorded_blocks(model)
    images = ops.convert_to_tensor(np.asarray(images, "float32"))
    if target is None:
        model(images, training=False)
        weights = {name: _mean(b.attention.seen) for name, b in blocks.items()}
    else:
        weights = _raising(model, images, target, blocks)
    steps = []
    for layer in model.layers:
        if layer.name in blocks:
            steps.append(block_attention(layer, weights[layer.name]))
        elif isinstance(layer, PatchMerging):
            steps.append(MergedTokens(layer.input.shape[1:3]))
    return steps


def _raising(model, images, target, blocks):
    require_tape()
    with tf.GradientTape() as tape:
        tape.watch(images)  # frozen weights are on no tape
        score = target(model(images, training=False))
    seen = {name: block.attention.seen for name, block in blocks.items()}
    gradients = tape.gradient(score, seen)
    return {
        name: _mean(ops.relu(gradients[name] * weights))
        for name, weights in seen.items()
    }


def _mean(weights):
    return ops.convert_to_numpy(ops.mean(weights, axis=1))


def block_attention(block, weights) -> BlockAttention:
    """Return the attention of a block from weights `(B * num_windows, N, N)`."""
    map_size = block.input.shape[1:3]
    return BlockAttention(weights, map_size, block._window, block._shift)


def recorded_blocks(model) -> dict:
    """Return the blocks of a model by name, in the order of the data.

    Raises:
        UsageError: If their attention cannot be recorded.
    """
    blocks = {b.name: b for stage in stage_blocks(model).values() for b in stage}
    for block in blocks.values():
        if not isinstance(block, RecordedBlock | RecordedV2Block):
            raise UsageError(
                "Attention is recorded in blocks of the kind SwinTransformerBlock or "
                f"SwinTransformerV2Block. Received: {block.name}, a "
                f"{type(block).__name__}. Give the model as it was trained."
            )
    return blocks


def query_attention(model, images, at, stage=None) -> dict[str, np.ndarray]:
    """Show where one token looks: in its window, and through a pair of blocks.

    Of the last two blocks of a stage, windows and shifted windows. `window`: where
    the token looks in the first of them, whose windows are not shifted;
    `neighbourhood`: where those look that it looks at in the second one, which is
    over the borders of windows; `head 1`, ...: `window` head by head.

    Args:
        model: What `logit_model` returns.
        images: `(B, H, W, channels)`, as the model takes them.
        at: `(x, y)` of the query, each from 0 to 1: left to right, top to bottom.
        stage: Stage, from 1; `None` for the last whose map has several windows.

    Returns:
        Maps `(B, h, w)` by name; each sums to 1 for each image.

    Raises:
        UsageError: If there is no such stage or place, or the model has blocks of
            another kind.
    """
    recorded_blocks(model)
    pair = _pair(stage_blocks(model), stage)
    height, width = pair[0].input.shape[1:3]
    model(ops.convert_to_tensor(np.asarray(images, "float32")), training=False)
    row = np.zeros((len(images), height, width))
    reached = reach((height, width), *patches_of(model))
    row[(slice(None), *cell_at(check_place(at), (height, width), reached))] = 1
    seen = ops.convert_to_numpy(pair[0].attention.seen)
    first, *second = (block_attention(b, _mean(b.attention.seen)) for b in pair)
    maps = {"window": first.pull(row, residual=0.0)}
    for shifted in second:
        looked_at = shifted.pull(row, residual=0.0)
        maps["neighbourhood"] = first.pull(looked_at, residual=0.0)
    for head in range(seen.shape[1]):
        of_head = block_attention(pair[0], seen[:, head])
        maps[f"head {head + 1}"] = of_head.pull(row, residual=0.0)
    return maps


def _pair(stages, stage):
    """Return the last block with plain windows of a stage and the one after it."""
    if stage is None:
        several = [number for number, b in stages.items() if _has_windows(b[0])]
        stage = max(several, default=max(stages))
    if stage not in stages:
        raise UsageError(
            f"`stage` must be one of the model's: {', '.join(map(str, stages))}. "
            f"Received: {stage!r}."
        )
    first = (len(stages[stage]) - 1) // 2 * 2
    if first and first == len(stages[stage]) - 1:
        first -= 2  # the last one has no partner
    return stages[stage][first : first + 2]


def _has_windows(block):
    return tuple(block._window) != tuple(block.input.shape[1:3])


def check_place(at) -> tuple[float, float]:
    """Return `(x, y)` as numbers from 0 to 1.

    Raises:
        UsageError: If it is no such pair.
    """
    try:
        x, y = map(float, at)
    except (TypeError, ValueError):
        x = y = -1.0
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise UsageError(
            "`at` must be (x, y), each from 0 to 1: left to right, top to bottom. "
            f"Received: {at!r:.100}."
        )
    return x, y

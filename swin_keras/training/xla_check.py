"""Whether a compiled step computes what the graph does: compilers have faults, too."""

import math

import tensorflow as tf

LIMIT = 0.05  # of loss and gradients; half precision rounds otherwise by about 0.01


def xla_difference(model, batch) -> float:
    """Return how much XLA changes the loss and the gradients of a batch.

    Nothing is drawn and nothing is trained.

    Args:
        model: A compiled `TrainingModel`.
        batch: Images, targets and perhaps weights, as `fit` takes them.

    Returns:
        The larger of the differences of the loss and of the gradients' norm, as a
        share of what the graph gives; infinite if one is not finite.
    """

    def figures(x, y, sample_weight=None):
        with tf.GradientTape() as tape:
            y_pred = model(x, training=False)
            loss = model.compute_loss(x, y, y_pred, sample_weight, training=False)
        gradients = tape.gradient(loss, model.trainable_weights)
        return tf.stack([loss, tf.linalg.global_norm(gradients)])

    found, expected = (
        tf.function(figures, jit_compile=compiled)(*batch).numpy()
        for compiled in (True, False)
    )
    difference = max(abs(found - expected) / abs(expected))
    return float(difference) if math.isfinite(difference) else math.inf


def in_words(difference: float) -> str:
    """Return what a dry run says of the difference."""
    if difference <= LIMIT:
        return f"loss and gradients as in the graph, within {difference:.0e}"
    how = f"by {difference:.0%}" if math.isfinite(difference) else "and are not finite"
    return f"WRONG: loss or gradients differ {how}; use --jit-compile false"

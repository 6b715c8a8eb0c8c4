"""How two forms of a classifier are compared: by their logits, and what these say."""

import numpy as np

from swin_keras.scores.multi_label import THRESHOLD

NEAR_TIE = 4  # see `clear_images`
SMALLEST_OF_SOFTMAX = 1e-30
SMALLEST_OF_SIGMOID = 1e-7
# Above, logits cannot be told from probabilities: runtimes round these otherwise by
# some 1e-7, which a logit of 8 turns into more than the tolerance.
CERTAIN = 1 - 2**-8


def of_softmax(rows) -> np.ndarray:
    """Return rows `(B, classes)` as logits with mean zero, if they are probabilities.

    Logits are known up to a constant for each image.
    """
    sums = rows.sum(-1)
    if rows.min() < 0 or np.abs(sums - 1).max() > 1e-2:
        return rows
    logits = np.log(np.maximum(rows, SMALLEST_OF_SOFTMAX))
    return logits - logits.mean(-1, keepdims=True)


def of_sigmoid(rows) -> np.ndarray:
    """Return rows `(B, classes)` as logits, if all are probabilities, each for itself.

    >>> of_sigmoid(np.array([[0.5], [0.0]])).round(2)
    array([[  0.  ],
           [-16.12]])
    """
    if rows.min() < 0 or rows.max() > 1:
        return rows
    shares = np.clip(rows.astype(float), SMALLEST_OF_SIGMOID, CERTAIN)
    return np.log(shares / (1 - shares))


def same_best_class(expected, given) -> dict:
    """Count the images whose best class is the same, near ties left out.

    Args:
        expected: The Keras model's logits, `(B, classes)`.
        given: A form's.

    Returns:
        `agreement`, `compared` and `near_ties` of a `Check`.
    """
    same = given.argmax(-1) == expected.argmax(-1)
    return _counted(same, clear_images(expected, given))


def same_classes(expected, given) -> dict:
    """Count the images of which the same classes are there, near ties left out.

    Args:
        expected: The Keras model's logits, `(B, classes)`, each for itself.
        given: A form's.

    Returns:
        `agreement`, `compared` and `near_ties` of a `Check`.
    """
    border = np.log(THRESHOLD / (1 - THRESHOLD))
    clear = np.abs(expected - border) > NEAR_TIE * _rounding(expected, given)
    same = (expected >= border) == (given >= border)
    return _counted(same.all(-1), clear.all(-1))


def clear_images(expected, given) -> np.ndarray:
    """Mark the images whose best class rounding does not decide, `(B,)`.

    Of each image, take the largest difference of a logit. The median over the
    images is what the form's rounding comes to: one wrong answer, or a few, do
    not move it. A rounded logit may well be twice as far off, and so may the
    second best: up to `NEAR_TIE` medians between the two, the answer is a near
    tie, which says nothing about the form.
    """
    second, best = np.partition(expected, -2)[:, -2:].T
    return best - second > NEAR_TIE * _rounding(expected, given)


def _rounding(expected, given) -> float:
    return np.median(np.abs(given - expected).max(-1))


def _counted(same, clear) -> dict:
    """Count the images that are the same, of those that are clear, both `(B,)`."""
    same = same[clear]
    return {
        "agreement": float(same.mean()) if len(same) else None,
        "compared": len(same),
        "near_ties": int(len(clear) - len(same)),
    }

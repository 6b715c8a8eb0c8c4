"""The words of other libraries for ours, so that a wrong one is answered well."""

import os

import numpy as np

from swin_keras.errors import UsageError, nearest_name

OTHERS = {
    "num_classes": "`classes`",
    "num_labels": "`classes`",
    "nb_classes": "`classes`",
    "class_num": "`classes`",
    "pretrained": '`weights="imagenet"`, or `weights=` and the path of a file',
    "checkpoint_path": "`weights`",
    "img_size": "`input_shape=(height, width, channels)`",
    "image_size": "`input_shape=(height, width, channels)`",
    "image_shape": "`input_shape=(height, width, channels)`",
    "in_chans": "`input_shape=(height, width, channels)`",
    "in_channels": "`input_shape=(height, width, channels)`",
    "num_channels": "`input_shape=(height, width, channels)`",
    "global_pool": "`pooling`, with `include_top=False`",
    "activation": "`classifier_activation`",
    "dim": "`embed_dim`",
    "drop_path": "`drop_path_rate`",
    "drop_path_prob": "`drop_path_rate`",
    "stochastic_depth_prob": "`drop_path_rate`",
    "drop_rate": "`dropout_rate`",
    "dropout": "`dropout_rate`",
    "hidden_dropout_prob": "`dropout_rate`",
    "attn_drop_rate": "`attention_dropout_rate`",
    "attn_drop": "`attention_dropout_rate`",
    "attention_dropout": "`attention_dropout_rate`",
    "attention_probs_dropout_prob": "`attention_dropout_rate`",
    "ape": "`position_embedding`",
    "use_absolute_embeddings": "`position_embedding`",
    "use_checkpoint": "`remat`",
    "initializer": "`kernel_initializer`",
}


def check_words(given, sizes, arguments=()):
    """Check the names of what a model is asked to be.

    Args:
        given: Names that were given.
        sizes: Names of the sizes that there are.
        arguments: Names of the function's other arguments.

    Raises:
        UsageError: If one is unknown; the message names what was meant.
    """
    for name in given:
        if name in sizes:
            continue
        meant = OTHERS.get(name)
        hint = f" Pass {meant}." if meant else nearest_name(name, [*arguments, *sizes])
        raise UsageError(
            f"A Swin model has no size {name!r}.{hint} Sizes: {', '.join(sizes)}."
        )


def check_classes(classes) -> int:
    """Return how many classes a model is to have, as a number of Python's.

    Raises:
        UsageError: If they are no number, or none.
    """
    is_whole = isinstance(classes, int | np.integer) and not isinstance(classes, bool)
    if not is_whole or classes < 1:
        raise UsageError(
            f"`classes` must be a whole number, at least 1. Received: {classes!r}."
        )
    return int(classes)


def check_weights(weights):
    """Check that weights are named as they can be, before a model is built."""
    if weights is None or weights == "imagenet":
        return
    address = os.fspath(weights) if isinstance(weights, str | os.PathLike) else None
    if address is None or not (
        address.startswith("hf://") or os.path.exists(os.path.expanduser(address))
    ):
        raise UsageError(
            "`weights` must be None, 'imagenet', the path of a file or folder that is "
            f"there, or 'hf://ORG/NAME'. Received: {weights!r}."
        )

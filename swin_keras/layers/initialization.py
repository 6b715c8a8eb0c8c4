"""Kernel initialization."""

import keras


def make_initializer(given):
    """Return a new initializer of kernels, so that no two kernels begin alike.

    Those of one size do if an initializer with a seed is given.

    Args:
        given: Anything that `keras.initializers.get` takes; `None` is the
            published one, see `published_normal`. Narrow models learn faster from
            `"glorot_normal"`, whose deviation grows as the channels become fewer.
    """
    if given is None:
        return published_normal()
    found = keras.initializers.get(given)  # a function comes back as it is
    return found.clone() if hasattr(found, "clone") else found


def published_normal():
    """Return how the published code begins dense kernels, tables and embeddings.

    It names a truncated normal distribution of deviation 0.02, but cuts at -2 and 2,
    a hundred deviations away: nothing is cut.
    """
    return keras.initializers.RandomNormal(stddev=0.02)


def make_patch_initializers(given, values: int):
    """Return how kernel and bias of the patch embedding begin.

    The published code leaves them as torch begins a convolution: both uniform,
    within one over the square root of the values that a token sees.

    Args:
        given: As in `make_initializer`; with one given, the bias begins at zero.
        values: Values that a token sees.
    """
    if given is not None:
        return make_initializer(given), keras.initializers.Zeros()
    bound = values**-0.5
    return tuple(keras.initializers.RandomUniform(-bound, bound) for _ in range(2))


def initializer_config(given):
    """Return an initializer as `get_config` keeps it."""
    named = given is None or isinstance(given, (str, dict))
    return given if named else keras.initializers.serialize(given)

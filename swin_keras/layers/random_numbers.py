"""Random numbers that are the same bits everywhere.

What TensorFlow draws depends on whether XLA compiles it, and every backend of
Keras draws in its own way. Here a number is a function of its place: (seed, draw,
row, value), computed with integer additions, rotations and exclusive ors only. So
eager and graph, XLA or not, CPU and GPU, TensorFlow, JAX and torch agree, and a
replica computes its own rows of the global batch without the others.

The function is Threefry-2x32 of 20 rounds, which passes the statistical tests of
BigCrush from 13 rounds on. It is a keyed bijection of 64 bits: draws of two seeds,
or of one seed at two steps, have different keys, and none repeats within a key.

Reference:
    Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3":
    https://doi.org/10.1145/2063384.2063405
"""

import math

import keras
import numpy as np
from keras import ops

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_LOW_BITS = 0xFFFFFFFF


def uniform(seed_generator, shape):
    """Draw numbers in `[0, 1)` for this replica's rows of the global batch.

    Args:
        seed_generator: A `keras.random.SeedGenerator`; advances by one draw.
        shape: Shape of the result. The first axis may be a tensor: it counts the
            rows, as many on every replica.

    Returns:
        A float32 tensor, each value a multiple of `2**-24`.
    """
    return uniforms([seed_generator], shape)[0]


def uniforms(seed_generators, shape):
    """Draw as `uniform` from several generators, at about the cost of one.

    Args:
        seed_generators: `N` of them; each advances by one draw.
        shape: Shape of what is drawn from each.

    Returns:
        A float32 tensor `(N, *shape)`: what `uniform` returns of each.
    """
    keys = ops.stack([generator.next() for generator in seed_generators])
    keys = _low_bits(ops.cast(keys, _word_type()))[:, :, None, None]
    replica = _replica()
    values = math.prod(shape[1:])
    # Each evaluation gives two words: those of the first half and of the second.
    half = -(-values // 2)
    words = threefry(
        (keys[:, 0], keys[:, 1]),
        (
            ops.expand_dims(_count(shape[0], first=replica * shape[0]), 1),
            ops.expand_dims(_count(half), 0),
        ),
    )
    words = ops.concatenate(words, axis=2)[:, :, :values]
    # A float32 holds the upper 24 bits exactly.
    fractions = ops.cast(ops.right_shift(words, _word(8)), "float32") * 2**-24
    return ops.reshape(fractions, (len(seed_generators), -1, *shape[1:]))


def threefry(key, counter):
    """Scramble a counter with a key: Threefry-2x32, 20 rounds.

    The rounds are a loop, four at a time. Written out, each uses the words of the
    one before it several times, and XLA, which computes anew what it fuses, would
    compile without end.

    Args:
        key: Two tensors of 32-bit words.
        counter: Two tensors of 32-bit words, which broadcast.

    Returns:
        Two tensors of 32-bit words.
    """
    schedule = (*key, key[0] ^ key[1] ^ _word(_PARITY))
    x, y = (_low_bits(word + add) for word, add in zip(counter, key, strict=True))
    x, y = x + ops.zeros_like(y), y + ops.zeros_like(x)
    rotations = [_word(bits) for bits in _ROTATIONS]

    def four_rounds(group, state):
        x, y, these, others, *schedule = state
        for index in range(4):
            x = _low_bits(x + y)
            y = _rotate_left(y, these[index]) ^ x
        first, second, third = schedule
        x = _low_bits(x + second)
        y = _low_bits(y + third + ops.cast(group + 1, _word_type()))
        return x, y, others, these, second, third, first

    x, y, *_ = ops.fori_loop(0, 5, four_rounds, (x, y, *rotations, *schedule))
    return x, y


def _rotate_left(word, bits):
    left = _low_bits(ops.left_shift(word, bits))
    return left | ops.right_shift(word, _word(32) - bits)


def _count(stop, first=0):
    """Return the words `first`, `first + 1`, ..., `stop` of them."""
    return _low_bits(ops.cast(ops.arange(stop, dtype="int32") + first, _word_type()))


def _word(value):
    return ops.convert_to_tensor(np.array(value, _word_type()))


def _word_type():
    """Return what holds 32 bits: torch has no arithmetic of unsigned words."""
    return "int64" if keras.backend.backend() == "torch" else "uint32"


def _low_bits(word):
    return word & _LOW_BITS if _word_type() == "int64" else word


def _replica():
    """Return this replica's number."""
    if keras.backend.backend() != "tensorflow":
        return 0
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group

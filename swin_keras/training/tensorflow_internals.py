"""Everything private of TensorFlow that this package touches."""

import tensorflow as tf

_distribute = tf.__internal__.distribute.interim


def once_for_all_replicas(function, strategy, *args):
    """Call `function(strategy, *args)` from within a replica, once for all of them.

    A strategy that needs no such call, as most since TensorFlow 2.5, has it at once
    in each replica. Keras' optimizers do the same; there is no public way to ask a
    strategy which kind it is.
    """
    _distribute.maybe_merge_call(function, strategy, *args)

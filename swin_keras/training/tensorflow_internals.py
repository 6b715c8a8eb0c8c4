"""Everything private of TensorFlow that this package touches."""

import tensorflow as tf
from tensorflow.python.framework import ops

NUMBERS = 1_000_000  # more than are given out between two compiled functions

_distribute = tf.__internal__.distribute.interim


def once_for_all_replicas(function, strategy, *args):
    """Call `function(strategy, *args)` from within a replica, once for all of them.

    A strategy that needs no such call, as most since TensorFlow 2.5, has it at once
    in each replica. Keras' optimizers do the same; there is no public way to ask a
    strategy which kind it is.
    """
    _distribute.maybe_merge_call(function, strategy, *args)


@tf.autograph.experimental.do_not_convert  # a loop takes a hundred times as long
def begin_at_a_round_number():
    """Let what is traced next have a name that does not depend on what came before.

    TensorFlow numbers all that it makes in a process, and the cache of what XLA
    compiled asks for a function by its name and number. A run that resumes has made
    other things than one that begins, and would find nothing.
    """
    while ops.uid() % NUMBERS:  # a fifth of a second; the counter cannot be set
        pass

"""A step of many variables as one program, which XLA compiles."""

import tensorflow as tf

from swin_keras.training.tensorflow_internals import begin_at_a_round_number


def as_one_program(function, strategy, variables, *args):
    """Call `function(variables, *args)` for each replica, compiled by XLA.

    From where all replicas are at hand, in a graph; each call sees the variables and
    the arguments of its own replica, and may change any variable.
    """

    def of_replica(_, variables, *args):
        # Variables that are arguments of a program would be other objects in it.
        args = tf.nest.map_structure(tf.convert_to_tensor, args)
        begin_at_a_round_number()
        program = tf.function(
            lambda *args: function(variables, *args), jit_compile=True
        )
        program(*args)

    strategy.extended.update(
        variables[0], of_replica, args=(variables, *args), group=False
    )

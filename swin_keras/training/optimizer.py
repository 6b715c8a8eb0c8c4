"""AdamW as Swin Transformers are trained with it."""

import warnings

import keras
import tensorflow as tf

from swin_keras.backend import TO_LOAD, require_tensorflow
from swin_keras.errors import UsageError
from swin_keras.models.layer_names import (
    block_name,
    is_known,
    layer_name,
    stage_of,
    stage_part,
)
from swin_keras.training.keras_internals import OpenAdamW


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinAdamW(OpenAdamW):
    """AdamW that chooses by variable what decays and how fast it learns.

    Five differences from Keras' own, each of which long runs need:

    - Matrices decay; biases, norms, relative position bias and V2's logit scale
      do not. The choice comes from the variables, so it survives saving;
      `exclude_from_weight_decay` takes others out, too, until the model is saved:
      as Keras' own optimizers, one that is loaded must be told them again.
    - `layer_decay` lets layers near the image learn more slowly.
    - Gradients are clipped by their global norm after they are summed over the
      replicas; Keras clips each replica's own, which trains otherwise.
    - The gradient of a table (relative position bias) is summed by row before it
      is squared; Keras adds the squares of its parts.
    - A run that ends keeps its weights; averaged ones (`use_ema`) stay beside
      them, for `average_of`.

    Stages are known by the names of layers. Name those of a model of your own as this
    package does: "patch_embedding", "position_embedding", "stage_1_block_1",
    "stage_1_merging". In a `Sequential` or sub-classed model they count, too.

    Args:
        learning_rate: A number or a schedule.
        weight_decay: Share of a matrix taken away, times the learning rate.
        clip_norm: Largest global norm of the gradients; `None` is no limit.
        layer_decay: Factor of the learning rate from each layer to the one
            before it; 1 for none.
        depths: Blocks in each stage of the model; needed for `layer_decay`.
        **kwargs: Other arguments of `keras.optimizers.AdamW`.

    Raises:
        UsageError: If Keras is not on TensorFlow, or, when it is built, if there is
            `layer_decay` and `depths` leaves out a block of the model.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        weight_decay=0.05,
        clip_norm=None,
        layer_decay=1.0,
        depths=(),
        name="swin_adamw",
        **kwargs,
    ):
        require_tensorflow(f"`{type(self).__name__}`", TO_LOAD)
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        self.clip_norm = clip_norm
        self.layer_decay = layer_decay
        self.depths = tuple(depths)

    def build(self, variables):
        if self.layer_decay != 1:
            check_depths(self.depths, variables)
        self.exclude_from_weight_decay(  # what was excluded before among them
            var_list=[v for v in variables if not (decays(v) and self.is_decayed(v))]
        )
        super().build(variables)
        self._rate_factors = [self._rate_factor(variable) for variable in variables]
        if self.layer_decay != 1 and set(self._rate_factors) == {1.0}:
            warn_of_names("`layer_decay`", variables)

    def rate_factor(self, variable) -> float:
        return self._rate_factors[self.index_of(variable)]

    def _rate_factor(self, variable):
        if self.layer_decay == 1:  # then the depths need not be known
            return 1.0
        layers = sum(self.depths) + 1
        return self.layer_decay ** (layers - layer_of(variable, self.depths))

    def update_step(self, gradient, variable, learning_rate):
        """Move a variable: one operation, where Keras has a dozen to compile."""
        learning_rate = learning_rate * self.rate_factor(variable)
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum, velocity = self.moments_of(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, variable.dtype),
        )

    def change_gradients(self, gradients):
        if self.clip_norm is None:
            return gradients
        return tf.clip_by_global_norm(gradients, self.clip_norm)[0]

    def finalize_variable_values(self, var_list):
        """Leave the weights as they are; Keras would replace them by averages."""

    def get_config(self):
        return {
            **super().get_config(),
            "clip_norm": self.clip_norm,
            "layer_decay": self.layer_decay,
            "depths": self.depths,
        }


def decays(variable) -> bool:
    """Return whether weight decay applies to a variable of a Swin model."""
    for_position = getattr(variable, "for_position", False)
    is_matrix = len(variable.shape) > 1
    is_scale_or_bias = variable.name in ("logit_scale", "bias")
    return is_matrix and not for_position and not is_scale_or_bias


def layer_of(variable, depths) -> int:
    """Return the layer of a variable, counted as in the published code.

    0 for the patches, then block by block; a patch merging belongs to the block
    before it; norms after the stages and the head are one more than the last block.
    """
    name = layer_name(variable)
    if stage_of(name) == 0:
        return 0
    part = stage_part(name)
    if part is None or part.kind == "norm":
        return sum(depths) + 1
    before = sum(depths[: part.stage - 1])
    return before + (part.block or depths[part.stage - 1])


def check_depths(depths, variables):
    """Refuse depths that leave out a block of a model.

    More than the variables show may be right: those of frozen stages are not there.

    Raises:
        UsageError: That names the layer.
    """
    for name in map(layer_name, variables):
        stage, part = stage_of(name), stage_part(name)
        if stage is None:
            continue
        if max(stage, 1) > len(depths) or (part and part.block > depths[stage - 1]):
            raise UsageError(
                "With `layer_decay`, `depths` must be the number of blocks in each "
                f"stage of the model, which has {name!r}. Received: depths={depths}. "
                "Give those of the model, such as depths=(2, 2, 6, 2) for swin_tiny; "
                "a file with other ones loads with `compile=False`."
            )


def warn_of_names(what: str, variables):
    """Warn that something found no stage, in a model whose layers have other names.

    Heads alone are what learns where all stages are frozen: no reason to warn.
    """
    others = {name for name in map(layer_name, variables) if not is_known(name)}
    if others:
        warnings.warn(
            f"{what} goes by the names of layers, such as {block_name(1, 1)!r}, and "
            "has no effect here: none that learns has such a name. Name the layers of "
            f"the model so. Received, among others: {min(others)!r}.",
            stacklevel=3,
        )

"""Muon: steps whose every direction is as large as the largest."""

import keras
from keras import ops

from swin_keras.models.layer_names import layer_name, stage_part
from swin_keras.training.optimizer import SwinAdamW, decays, warn_of_names

# The quintic of the Newton-Schulz iteration, and how much larger a step of Muon
# is made to equal one of Adam, as published.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5
_RMS_OF_ADAM = 0.2


@keras.saving.register_keras_serializable(package="swin_keras")
class SwinMuon(SwinAdamW):
    """Muon for the matrices of blocks and patch mergings, AdamW for the rest.

    The momentum of a matrix is made orthogonal before it is taken as a step, so
    that rare directions are learned as fast as common ones: a model trained from
    scratch can need fewer steps. Query, key and value are three matrices. Steps
    have the size of Adam's, so learning rates and weight decay mean the same.

    Blocks and patch mergings are known by the names of layers, as in `SwinAdamW`:
    "stage_1_block_1", "stage_1_merging".

    Args:
        learning_rate: A number or a schedule.
        momentum: Share of the gradients' sum that stays after each step.
        **kwargs: Other arguments of `SwinAdamW`.

    References:
        Jordan et al., 2024: https://kellerjordan.github.io/posts/muon
        Liu et al., 2025, section 2.2: https://arxiv.org/abs/2502.16982
    """

    def __init__(self, learning_rate=1e-3, momentum=0.95, name="swin_muon", **kwargs):
        super().__init__(learning_rate, name=name, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        super().build(variables)
        self._matrices = [matrices_in(variable) for variable in variables]
        if not any(self._matrices):
            warn_of_names("Muon", variables)

    def update_step(self, gradient, variable, learning_rate):
        matrices = self._matrices[self.index_of(variable)]
        if not matrices:
            super().update_step(gradient, variable, learning_rate)
            return
        momentum, _ = self.moments_of(variable)
        self.assign(momentum, self.momentum * momentum + gradient)
        parts = ops.split(gradient + self.momentum * momentum, matrices, axis=-1)
        size = _RMS_OF_ADAM * max(parts[0].shape) ** 0.5
        rate = ops.cast(learning_rate, variable.dtype) * self.rate_factor(variable)
        step = ops.concatenate([orthogonalize(part) for part in parts], axis=-1)
        self.assign_sub(variable, rate * size * step)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


def matrices_in(variable) -> int:
    """Return how many matrices lie side by side in a variable that Muon moves.

    0 for a variable of a Swin model that AdamW moves.
    """
    is_matrix = len(variable.shape) == 2 and decays(variable)
    if not (is_matrix and stage_part(layer_name(variable))):
        return 0
    ends_in_qkv = "/qkv/" in variable.path and variable.name != "lora_kernel_a"
    return 3 if ends_in_qkv else 1


def orthogonalize(matrix):
    """Return `(rows, columns)` with all singular values moved to about 1.

    Between 0.7 and 1.2, which trains as well as 1: five Newton-Schulz
    iterations, matrix products alone.
    """
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if tall else matrix
    x = x / (ops.norm(x) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.transpose(x) if tall else x

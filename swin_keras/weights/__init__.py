"""Published checkpoints: into a model, out of it, and from one layout to another."""

from swin_keras.weights.checkpoint import Checkpoint, open_checkpoint
from swin_keras.weights.loading import LoadReport, from_pretrained, load_weights
from swin_keras.weights.resize import resize_table

__all__ = [
    "Checkpoint",
    "LoadReport",
    "from_pretrained",
    "load_weights",
    "open_checkpoint",
    "resize_table",
]

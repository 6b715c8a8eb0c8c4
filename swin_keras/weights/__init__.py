"""Published checkpoints: into a model, out of it, and from one layout to another."""

from swin_keras.weights.checkpoint import (
    Checkpoint,
    open_checkpoint,
    tensor_shapes,
)
from swin_keras.weights.convert import convert, info
from swin_keras.weights.loading import LoadReport, load_weights
from swin_keras.weights.pretrained import from_pretrained
from swin_keras.weights.resize import resize_table
from swin_keras.weights.saving import save_huggingface, save_timm

__all__ = [
    "Checkpoint",
    "LoadReport",
    "convert",
    "from_pretrained",
    "info",
    "load_weights",
    "open_checkpoint",
    "resize_table",
    "save_huggingface",
    "save_timm",
    "tensor_shapes",
]

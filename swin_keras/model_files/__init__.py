"""Model files and their cards: what a file must say about the model in it."""

from swin_keras.model_files.card import ModelCard, installed_versions
from swin_keras.model_files.card_in_file import (
    CARD,
    CARD_IN_ONNX,
    CARD_IN_ZIP,
    card_beside,
    embed_card,
    read_card,
)
from swin_keras.model_files.keras_file import (
    as_functional,
    load_keras,
    require_file,
    require_whole,
    save_keras,
)

__all__ = [
    "CARD",
    "CARD_IN_ONNX",
    "CARD_IN_ZIP",
    "ModelCard",
    "as_functional",
    "card_beside",
    "embed_card",
    "installed_versions",
    "load_keras",
    "read_card",
    "require_file",
    "require_whole",
    "save_keras",
]

"""Our own: `keras_file.py` gives tensors the names of ours, each one whole."""

from swin_keras.weights.formats.layout import Format, Slot

KERAS = Format(
    "keras",
    anchor="patch_embed.proj.weight",
    locate=Slot,
    recognize=lambda names: "layers.0.blocks.0.attn.q.weight" in names,
)

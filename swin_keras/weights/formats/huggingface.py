"""Hugging Face's layout: query, key and value apart, names of its own.

The newest transformers renames some of these in memory, but writes the names of
old; `MODERN_NAMES` reads files in which the new ones stand.
"""

from swin_keras.weights.formats.layout import DENSE_HEADS, Format, Slot, rename

_ANCHOR = "embeddings.patch_embeddings.projection.weight"
_NAMES = {
    r"^patch_embed\.proj": "embeddings.patch_embeddings.projection",
    r"^patch_embed\.norm": "embeddings.norm",
    r"^absolute_pos_embed": "embeddings.position_embeddings",
    r"^layers": "encoder.layers",
    r"\.norm1\.": ".layernorm_before.",
    r"\.norm2\.": ".layernorm_after.",
    r"\.attn\.proj\.": ".attention.output.dense.",
    r"\.attn\.q(?:\.|_(?=bias))": ".attention.self.query.",
    r"\.attn\.k\.": ".attention.self.key.",
    r"\.attn\.v(?:\.|_(?=bias))": ".attention.self.value.",
    r"\.attn\.cpb_mlp\.": ".attention.self.continuous_position_bias_mlp.",
    r"\.attn\.": ".attention.self.",
    r"\.mlp\.fc1\.": ".intermediate.dense.",
    r"\.mlp\.fc2\.": ".output.dense.",
    r"^norm\.": "layernorm.",
    r"^head\.": "classifier.",
    r"^norm(\d)\.": lambda match: f"hidden_states_norms.stage{int(match[1]) + 1}.",
    r"^(decode_head|auxiliary_head)\.conv_seg\.": r"\1.classifier.",
    r"^(decode_head|auxiliary_head)\.(.*)\.bn\.": r"\1.\2.batch_norm.",
}
MODERN_NAMES = {
    r"\.attention\.q_proj\.": ".attention.self.query.",
    r"\.attention\.k_proj\.": ".attention.self.key.",
    r"\.attention\.v_proj\.": ".attention.self.value.",
    r"\.attention\.o_proj\.": ".attention.output.dense.",
    r"\.attention\.relative_position_bias\.relative": ".attention.self.relative",
    r"\.mlp\.fc1\.": ".intermediate.dense.",
    r"\.mlp\.fc2\.": ".output.dense.",
}


def locate(name: str) -> Slot:
    """Find a tensor.

    >>> locate("layers.0.blocks.0.attn.q_bias").name
    'encoder.layers.0.blocks.0.attention.self.query.bias'
    """
    return Slot(rename(name, _NAMES))


HUGGINGFACE = Format(
    "huggingface",
    _ANCHOR,
    locate,
    recognize=lambda names: _ANCHOR in names,
    outside=("classifier.", *DENSE_HEADS),
)

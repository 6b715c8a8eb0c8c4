"""Networks of Swin's family that are not Swin: each is told by a name it alone has."""

import re

_RELATIVES = {
    r"\.attn\.meta_mlp\.": "timm's swinv2_cr, an early form of Swin V2",
    r"residual_group\.|swin2sr|first_convolution\.": "SwinIR or Swin2SR, which "
    "restores images",
    r"(?:^|\.)stage\d\.\d+\.attns\.|stage1_conv_embed": "CSwin, with windows like "
    "crosses",
    r"\.modulation\.": "FocalNet, which has no attention",
    r"swinViT\.": "Swin UNETR, for volumes",
    r"\.mlp\._moe_layer\.": "Swin-MoE, with a mixture of experts",
    r"blocks\.\d+\.norm3\.weight$": "a huge Swin V2, with a third "
    "normalization in some blocks",
    r"levels\.\d+\.blocks\.\d+\.attn\.rpb": "NAT or DiNAT, with neighborhood attention",
}
_INSTEAD = (
    "Swin and Swin V2 are what this package has; `swin_keras.list_models()` names them"
)


def relative_in_words(tensors) -> str | None:
    """Describe what tensors are, if they are of a relative that this package lacks.

    Args:
        tensors: What a file has, by name.

    Returns:
        The rest of a sentence that begins with the file's name, or `None`.
    """
    for pattern, words in _RELATIVES.items():
        if any(re.search(pattern, name) for name in tensors):
            return f"is {words}. {_INSTEAD}."
    if any(
        name.endswith("patch_embed.proj.weight") and len(tensor.shape) == 5
        for name, tensor in tensors.items()
    ):
        return f"is a Video Swin, whose patches have a length. {_INSTEAD}."
    return None

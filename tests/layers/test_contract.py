"""The layer contract, on every layer."""

import pytest
from layer_contract import check_layer, check_training_and_saving

from swin_keras.layers import (
    AdaptivePooling,
    BilinearResizing,
    ChannelDropout,
    ContinuousPositionBias,
    CosineWindowAttention,
    Dropout,
    DropPath,
    EdgeDistances,
    LayerNormalization,
    NearestUpsampling,
    PatchEmbedding,
    PatchExpanding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    RelativePositionBias,
    StopGradient,
    SubPixelConvolution,
    SwinTransformerBlock,
    SwinTransformerV2Block,
    SyncBatchNormalization,
    WindowAttention,
)
from swin_keras.layers.padded_block import PaddedSwinTransformerBlock
from swin_keras.layers.pointwise import PointwiseDense

BLOCK = {
    "num_heads": 2,
    "window_size": 4,
    "shift_size": 2,
    "mlp_ratio": 2.0,
    "drop_path_rate": 0.0,
}


@pytest.mark.parametrize(
    ("layer_class", "arguments", "input_shape"),
    [
        (RelativePositionBias, {"window_size": 3}, (2, 9, 9)),
        (RelativePositionBias, {"window_size": (2, 4)}, (2, 8, 8)),
        (ContinuousPositionBias, {"window_size": (1, 4)}, (2, 4, 4)),
        (
            ContinuousPositionBias,
            {"window_size": 3, "pretrained_window_size": 2},
            (2, 9, 9),
        ),
        (EdgeDistances, {"stride": 8}, (3, 2, 4)),
        (LayerNormalization, {}, (3, 4, 5)),
        (LayerNormalization, {"epsilon": 1e-3, "center": False}, (4, 5)),
        (NearestUpsampling, {"size": (6, 8)}, (3, 4, 5)),
        (NearestUpsampling, {"size": (5, 7)}, (3, 4, 5)),
        (StopGradient, {}, (3, 4, 5)),
        (WindowAttention, {"window_size": 3, "num_heads": 2}, (9, 8)),
        (
            WindowAttention,
            {
                "window_size": (1, 4),
                "num_heads": 4,
                "qkv_bias": False,
                "attention_dropout_rate": 0.1,
                "dropout_rate": 0.1,
            },
            (4, 8),
        ),
        (CosineWindowAttention, {"window_size": 3, "num_heads": 2}, (9, 8)),
        (
            CosineWindowAttention,
            {
                "window_size": (2, 4),
                "num_heads": 4,
                "qkv_bias": False,
                "pretrained_window_size": 2,
            },
            (8, 8),
        ),
        (DropPath, {"rate": 0.5, "seed": 1}, (3, 4)),
        (DropPath, {"rate": 0.0, "seed": None}, (3, 4)),
        (Dropout, {"rate": 0.5, "seed": 1}, (3, 4)),
        (PatchEmbedding, {"patch_size": 4, "embed_dim": 8}, (8, 8, 3)),
        (PatchEmbedding, {"patch_size": 4, "embed_dim": 8, "overlap": 2}, (8, 8, 3)),
        (
            PatchEmbedding,
            {"patch_size": 2, "embed_dim": 8, "use_norm": False},
            (7, 9, 1),
        ),
        (PatchMerging, {}, (4, 6, 4)),
        (PatchMerging, {}, (5, 3, 4)),
        (PatchMergingV2, {}, (5, 4, 4)),
        (PointwiseDense, {"units": 5, "use_bias": False}, (3, 4, 8)),
        (PointwiseDense, {"units": 5}, (4, 8)),
        (PositionEmbedding, {}, (3, 4, 8)),
        (SwinTransformerBlock, BLOCK, (8, 8, 8)),
        (SwinTransformerBlock, {**BLOCK, "shift_size": 0}, (6, 9, 8)),
        (SwinTransformerBlock, {**BLOCK, "dropout_rate": 0.1}, (2, 6, 8)),
        (SwinTransformerBlock, {**BLOCK, "remat": True}, (6, 8, 8)),
        (SwinTransformerBlock, {**BLOCK, "window_fit": "map"}, (2, 8, 8)),
        (SwinTransformerV2Block, BLOCK, (6, 9, 8)),
        (SwinTransformerV2Block, {**BLOCK, "pretrained_window_size": 3}, (8, 2, 8)),
        (PaddedSwinTransformerBlock, BLOCK, (6, 8, 8)),
        (PatchExpanding, {"units": 4}, (3, 5, 8)),
        (PatchExpanding, {"units": 6, "factor": 4}, (2, 3, 6)),
        (SubPixelConvolution, {"filters": 3, "factor": 2, "size": (5, 8)}, (3, 4, 8)),
        (AdaptivePooling, {"size": 6}, (7, 5, 4)),
        (AdaptivePooling, {"size": (1, 3)}, (4, 4, 4)),
        (BilinearResizing, {"size": (7, 5)}, (3, 4, 4)),
        (SyncBatchNormalization, {}, (3, 4, 4)),
        (ChannelDropout, {"rate": 0.5, "seed": 1}, (3, 4, 4)),
    ],
)
def test_layer_keeps_the_contract(layer_class, arguments, input_shape, tmp_path):
    check_layer(layer_class, arguments, input_shape, tmp_path)


@pytest.mark.parametrize("layer_class", [SwinTransformerBlock, SwinTransformerV2Block])
def test_a_block_learns_and_is_saved_in_graphs_too(layer_class, tmp_path):
    layer = layer_class(**BLOCK)
    check_training_and_saving(layer, (8, 8, 8), tmp_path, in_graph=True)

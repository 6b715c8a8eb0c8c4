"""How a stage works: tensor in, tensor out, `keras.ops` only.

Letters in docstrings and comments: `B` batch; `H`, `W` height and width of a
feature map in tokens; `C` channels; `N` tokens in a window.
"""

from swin_keras.layers.adaptive_pooling import AdaptivePooling
from swin_keras.layers.batch_normalization import SyncBatchNormalization
from swin_keras.layers.channel_dropout import ChannelDropout
from swin_keras.layers.drop_path import DropPath
from swin_keras.layers.dropout import Dropout
from swin_keras.layers.edge_distances import EdgeDistances
from swin_keras.layers.layer_normalization import LayerNormalization
from swin_keras.layers.map_mixing import MapMixing
from swin_keras.layers.nearest_upsampling import NearestUpsampling
from swin_keras.layers.patch_embedding import PatchEmbedding
from swin_keras.layers.patch_expanding import PatchExpanding
from swin_keras.layers.patch_merging import PatchMerging, PatchMergingV2
from swin_keras.layers.points import level_sizes, points_of
from swin_keras.layers.position_bias import (
    ContinuousPositionBias,
    RelativePositionBias,
)
from swin_keras.layers.position_embedding import PositionEmbedding
from swin_keras.layers.resizing import BilinearResizing
from swin_keras.layers.stop_gradient import StopGradient
from swin_keras.layers.sub_pixel_convolution import SubPixelConvolution
from swin_keras.layers.top_detections import TopDetections
from swin_keras.layers.transformer_block import SwinTransformerBlock
from swin_keras.layers.transformer_block_v2 import SwinTransformerV2Block
from swin_keras.layers.window_attention import CosineWindowAttention, WindowAttention
from swin_keras.layers.windows import (
    cyclic_shift,
    fit_window,
    relative_position_index,
    shifted_window_mask,
    window_partition,
    window_reverse,
)

__all__ = [
    "AdaptivePooling",
    "BilinearResizing",
    "ChannelDropout",
    "ContinuousPositionBias",
    "CosineWindowAttention",
    "DropPath",
    "Dropout",
    "EdgeDistances",
    "LayerNormalization",
    "MapMixing",
    "NearestUpsampling",
    "PatchEmbedding",
    "PatchExpanding",
    "PatchMerging",
    "PatchMergingV2",
    "PositionEmbedding",
    "RelativePositionBias",
    "StopGradient",
    "SubPixelConvolution",
    "SwinTransformerBlock",
    "SwinTransformerV2Block",
    "SyncBatchNormalization",
    "TopDetections",
    "WindowAttention",
    "cyclic_shift",
    "fit_window",
    "level_sizes",
    "points_of",
    "relative_position_index",
    "shifted_window_mask",
    "window_partition",
    "window_reverse",
]

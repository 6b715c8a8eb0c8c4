"""SegmentationHead: what decides a head, in one flat dataclass."""

from dataclasses import dataclass

from swin_keras.errors import UsageError, nearest_name
from swin_keras.options import named

# Each kind, with the channels that it has unless others are asked for; the decoder
# of a U-Net has those of the encoder.
SEGMENTATION_HEADS = {"mlp": 256, "upernet": 128, "unet": None}


@named
@dataclass(frozen=True)
class SegmentationHead:
    """What kind of head a segmenter has, and its sizes.

    Args:
        kind: `"mlp"`: each feature map through one linear layer, then all of them
            through another, as in SegFormer: the lightest. `"upernet"`: pyramid
            pooling and a feature pyramid, as in the Swin paper. `"unet"`: the
            mirrored encoder with skip connections, as in Swin-Unet; its output is as
            large as the image.
        channels: Channels of the head; `None` is 256 for `"mlp"` and 128 for
            `"upernet"`. The published UPerNet has 512, at fifteen times the
            multiply-adds. A U-Net has those of the encoder.
        dropout_rate: Dropout of whole channels before the last layer; not in a
            U-Net.
        pool_sizes: Cells along each side, for each map of pyramid pooling.
        auxiliary_channels: Channels of the auxiliary head.
        sub_pixel: Whether the last layer gives each token the logits of all pixels of
            its patch (a sub-pixel convolution): the output is as large as the image,
            outlines are finer and small things are found. Without it the output has
            a quarter of the image's sides; that of a U-Net is as large by itself.

    Raises:
        UsageError: If there is no such head.
    """

    kind: str = "mlp"
    channels: int | None = None
    dropout_rate: float = 0.1
    pool_sizes: tuple[int, ...] = (1, 2, 3, 6)
    auxiliary_channels: int = 256
    sub_pixel: bool = False

    def __post_init__(self):
        if isinstance(self.pool_sizes, list):  # as YAML and JSON have them
            object.__setattr__(self, "pool_sizes", tuple(self.pool_sizes))
        if self.kind not in SEGMENTATION_HEADS:
            raise UsageError(
                f"A head must be one of {', '.join(map(repr, SEGMENTATION_HEADS))}. "
                f"Received: {self.kind!r}.{nearest_name(self.kind, SEGMENTATION_HEADS)}"
            )
        if self.kind == "unet" and self.channels is not None:
            raise UsageError(
                "A U-Net has the channels of its encoder: change `embed_dim`. "
                f"Received: channels={self.channels}."
            )
        if not isinstance(self.sub_pixel, bool) or (
            self.sub_pixel and self.kind == "unet"
        ):
            raise UsageError(
                "`sub_pixel` must be true or false, and a U-Net's output is as large "
                f"as the image without it. Received: sub_pixel={self.sub_pixel!r}, "
                f"kind={self.kind!r}."
            )
        channels = 1 if self.channels is None else self.channels
        if not isinstance(self.pool_sizes, tuple) or not all(
            isinstance(size, int) and size >= 1
            for size in (channels, self.auxiliary_channels, *self.pool_sizes)
        ):
            raise UsageError(
                "`channels`, `pool_sizes` and `auxiliary_channels` must be whole "
                f"numbers, at least 1. Received: channels={self.channels}, pool_sizes="
                f"{self.pool_sizes}, auxiliary_channels={self.auxiliary_channels}."
            )
        if not 0 <= self.dropout_rate < 1:
            raise UsageError(
                f"`dropout_rate` must be in [0, 1). Received: {self.dropout_rate}."
            )

    @property
    def width(self) -> int | None:
        """The channels, or those of the kind if none are given."""
        return self.channels or SEGMENTATION_HEADS[self.kind]


def as_head(head: SegmentationHead | str) -> SegmentationHead:
    """Return a head; a name is that of its kind.

    Raises:
        UsageError: If it is neither.
    """
    if isinstance(head, SegmentationHead):
        return head
    if not isinstance(head, str):
        raise UsageError(
            "`head` must be a SegmentationHead or one of "
            f"{', '.join(map(repr, SEGMENTATION_HEADS))}. Received: {head!r}."
        )
    return SegmentationHead(head)

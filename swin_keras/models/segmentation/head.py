"""SegmentationHead: what decides a head, in one flat dataclass."""

from dataclasses import dataclass

from swin_keras.errors import UsageError, nearest_name
from swin_keras.options import named, settle_types

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
            outlines are finer and small things are found. Without it the output has a
            value for each patch; that of a U-Net is as large as the image by itself.
        detail_channels: Channels of a 3x3 convolution of the image itself, whose
            logits are added to those of a sub-pixel head, as a fully convolutional
            network adds those of its finer layers: outlines become as sharp as the
            image. 0: none.

    Raises:
        UsageError: If there is no such head.

    Reference:
        Long et al., 2015, section 4.2: https://arxiv.org/abs/1411.4038
    """

    kind: str = "mlp"
    channels: int | None = None
    dropout_rate: float = 0.1
    pool_sizes: tuple[int, ...] = (1, 2, 3, 6)
    auxiliary_channels: int = 256
    sub_pixel: bool = False
    detail_channels: int = 0

    def __post_init__(self):
        settle_types(self)
        if self.kind not in SEGMENTATION_HEADS:
            raise UsageError(
                f"A head must be one of {', '.join(map(repr, SEGMENTATION_HEADS))}. "
                f"Received: {self.kind!r}.{nearest_name(self.kind, SEGMENTATION_HEADS)}"
            )
        self._check_sizes()
        self._check_use()

    def _check_sizes(self):
        channels = 1 if self.channels is None else self.channels
        if min(channels, self.auxiliary_channels, *self.pool_sizes) < 1:
            raise UsageError(
                "`channels`, `pool_sizes` and `auxiliary_channels` must be at least 1. "
                f"Received: channels={self.channels}, pool_sizes={self.pool_sizes}, "
                f"auxiliary_channels={self.auxiliary_channels}."
            )
        if self.detail_channels < 0:
            raise UsageError(
                "`detail_channels` must be at least 1, or 0 for none. Received: "
                f"{self.detail_channels}."
            )
        if not 0 <= self.dropout_rate < 1:
            raise UsageError(
                f"`dropout_rate` must be in [0, 1). Received: {self.dropout_rate}."
            )

    def _check_use(self):
        """Refuse what this kind of head would do nothing with."""
        if self.kind == "unet":
            if self.channels is not None:
                raise UsageError(
                    "A U-Net has the channels of its encoder: change `embed_dim`. "
                    f"Received: channels={self.channels}."
                )
            if self.sub_pixel:
                raise UsageError(
                    "A U-Net's output is as large as the image without `sub_pixel`. "
                    "Received: sub_pixel=True."
                )
            if self.dropout_rate not in (0, SegmentationHead.dropout_rate):
                raise UsageError(
                    "A U-Net has no dropout before its last layer: change "
                    f"`drop_path_rate`. Received: dropout_rate={self.dropout_rate}."
                )
            if self.auxiliary_channels != SegmentationHead.auxiliary_channels:
                raise UsageError(
                    "A U-Net has no auxiliary head. Received: auxiliary_channels="
                    f"{self.auxiliary_channels}."
                )
        if self.kind != "upernet" and self.pool_sizes != SegmentationHead.pool_sizes:
            raise UsageError(
                "Only 'upernet' pools: leave `pool_sizes` out. Received: pool_sizes="
                f"{self.pool_sizes} for {self.kind!r}."
            )
        if self.detail_channels and not self.sub_pixel:
            raise UsageError(
                "`detail_channels` sharpens logits that are as large as the image: "
                "pass sub_pixel=True, too. Received: detail_channels="
                f"{self.detail_channels}, sub_pixel=False."
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

"""Mean and standard deviation of ImageNet's pixels, which published models expect."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # of red, green and blue, 0..255
IMAGENET_STD = (58.395, 57.12, 57.375)


def imagenet_scaling(channels: int) -> tuple[tuple, tuple]:
    """Return the mean and the standard deviation of each channel.

    Channels that are not red, green and blue have the average over these three.

    >>> imagenet_scaling(1)[0]
    (114.495,)
    """
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if channels != 3:
        mean, std = ((sum(values) / 3,) * channels for values in (mean, std))
    return mean, std

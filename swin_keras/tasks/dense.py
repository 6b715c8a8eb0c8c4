"""What tasks with places in the picture share: whole pictures, one geometry."""

from swin_keras.tasks.task import Task

SIDE = 512  # pixels, of pictures that have many sizes
MULTIPLE = 32  # of the sides, which four stages halve without padding


class DenseTask(Task):
    """A task whose answers have places: pictures are stretched to the input."""

    def image_size(self, own, variant):
        """Return the pictures' own size, or 512, in multiples of 32."""
        return tuple(-(-(side or SIDE) // MULTIPLE) * MULTIPLE for side in own)

    teaching = ("features",)
    without = ("mixup", "cutmix", "label_smoothing", "rand_augment", "erase", "rotate")

    def flips(self, dataset, config) -> bool:
        """Return whether training pictures are mirrored at random."""
        return dataset.mirror_safe if config.flip is None else config.flip

    def read(self, picture, predictor):
        *size, channels = predictor.input_shape
        return picture.whole(size, channels, predictor.grey_range)

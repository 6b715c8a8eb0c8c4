"""The augmentations of the tasks, each with no change of pixels but what is asked."""

from swin_keras.data import DenseAugmentation
from swin_keras.data.augmentation import Augmentation
from swin_keras.data.boxes.augmentation import BoxAugmentation

KINDS = {
    "classify": Augmentation,
    "segment": lambda **o: DenseAugmentation(photometric=False, **o),
    "detect": lambda **o: BoxAugmentation(colour=0, **o),
}

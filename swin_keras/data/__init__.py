"""A folder of images or a data set's name -> checked, shuffled, prepared batches."""

from swin_keras.data.augmentation import Augmentation
from swin_keras.data.batch_loader import BatchLoader, steps_per_epoch
from swin_keras.data.checking import check_folder
from swin_keras.data.dataset import ImageDataset
from swin_keras.data.dense_augmentation import DenseAugmentation
from swin_keras.data.extract import extract
from swin_keras.data.findings import Finding, Report
from swin_keras.data.geometry import Geometry
from swin_keras.data.image_file import ImageError
from swin_keras.data.image_io import (
    decode_image,
    load_image,
    prepare_image,
    scaling_message,
)
from swin_keras.data.kinds import targets_of_folder
from swin_keras.data.loading import load_dataset, load_trained
from swin_keras.data.mixing import Mixing
from swin_keras.data.pipeline import batches, data_errors
from swin_keras.data.rand_augment import RandAugment
from swin_keras.data.splits import Split
from swin_keras.data.targets import Boxes, Classes, ImageBoxes, Masks, MultiLabel
from swin_keras.data.workers import Workers
from swin_keras.masks import IGNORED

__all__ = [
    "IGNORED",
    "Augmentation",
    "BatchLoader",
    "Boxes",
    "Classes",
    "DenseAugmentation",
    "Finding",
    "Geometry",
    "ImageBoxes",
    "ImageDataset",
    "ImageError",
    "Masks",
    "Mixing",
    "MultiLabel",
    "RandAugment",
    "Report",
    "Split",
    "Workers",
    "batches",
    "check_folder",
    "data_errors",
    "decode_image",
    "extract",
    "load_dataset",
    "load_image",
    "load_trained",
    "prepare_image",
    "scaling_message",
    "steps_per_epoch",
    "targets_of_folder",
]

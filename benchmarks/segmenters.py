"""Segmenters from random weights: the same scenes, the same minutes.

    python benchmarks/segmenters.py --data-dir /usr/share/datasets/fashion-mnist

Of this package, a Swin Transformer with the all-MLP head and a Swin-Unet, beside
KerasHub's SegFormer-B0 and DeepLabV3+ on a ResNet-18 (`pip install keras-hub`), on the
`garments` scenes. Each trains in a subprocess, on the same batches, with the same
schedule, for as many steps as fit into the minutes: AdamW, or with `--optimizer muon`
the Muon of its own library.
Printed: mean IoU on the test scenes, parameters, and milliseconds of the float32 LiteRT
file on one thread.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops
from same_minutes import race, resnet_18, train_for, write_litert

import swin_keras
from swin_keras.applications import SwinSegmenter
from swin_keras.data import BatchLoader, batches, load_dataset
from swin_keras.exporting.inference_model import inference_model
from swin_keras.models import SegmentationHead, variant_config
from swin_keras.scores.segmentation import SegmentationScore
from swin_keras.tasks import task_named

SIDE = 96
BATCH = 32
SCALES = (0.9, 1.1)
OURS = {"patch_size": 4, "patch_overlap": 1, "window_size": 6}


def swin_mlp(classes):
    sizes = {"embed_dim": 32, "depths": (2,) * 4, "num_heads": (2, 4, 8, 16)}
    head = SegmentationHead("mlp", channels=128, sub_pixel=True, detail_channels=16)
    return _swin(head, classes, **sizes)


def swin_unet(classes):
    sizes = {"embed_dim": 48, "depths": (2, 4), "num_heads": (2, 4)}
    return _swin(SegmentationHead("unet"), classes, **sizes)


def _swin(head, classes, **sizes):
    config = variant_config("swin_nano")
    config = config.replace(input_shape=(SIDE, SIDE, 3), **OURS, **sizes)
    return SwinSegmenter(config, head, classes=classes)


def segformer(classes):
    from keras_hub.models import (
        MiTBackbone,
        SegFormerBackbone,
        SegFormerImageSegmenter,
    )

    encoder = MiTBackbone(  # B0
        layerwise_depths=[2, 2, 2, 2],
        num_layers=4,
        hidden_dims=[32, 64, 160, 256],
        layerwise_num_heads=[1, 2, 5, 8],
        layerwise_sr_ratios=[8, 4, 2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        image_shape=(SIDE, SIDE, 3),
    )
    backbone = SegFormerBackbone(image_encoder=encoder, projection_filters=256)
    return _of_bytes(SegFormerImageSegmenter(backbone=backbone, num_classes=classes))


def deeplab(classes):
    from keras_hub.models import (
        DeepLabV3Backbone,
        DeepLabV3ImageSegmenter,
    )

    backbone = DeepLabV3Backbone(
        image_encoder=resnet_18(SIDE),
        projection_filters=48,
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P5",
        upsampling_size=8,
        dilation_rates=[6, 12, 18],
        image_shape=(SIDE, SIDE, 3),
    )
    return _of_bytes(DeepLabV3ImageSegmenter(backbone=backbone, num_classes=classes))


CONTENDERS = {
    "Swin all-MLP": swin_mlp,
    "Swin-Unet": swin_unet,
    "SegFormer-B0": segformer,
    "DeepLabV3+ ResNet-18": deeplab,
}


def measure(name, folder, options) -> dict:
    """Train one of them, judge it, and write its LiteRT file."""
    dataset = load_dataset("garments", data_dir=options.data_dir, targets="masks")
    model = CONTENDERS[name](len(dataset.class_names))
    loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=255)
    steps = train_for(
        model,
        scenes(dataset),
        60 * options.minutes,
        options.optimizer,
        ours=name.startswith("Swin"),
        loss=loss,
    )
    score = judged(model, dataset, options.images)
    probabilities = keras.Model(model.inputs, ops.softmax(model.outputs[0]))
    write_litert(inference_model(probabilities), folder / f"{name}.tflite")
    return {
        "mIoU": score.mean_iou,
        "foreground IoU": score.foreground_iou(),
        "parameters": model.count_params(),
        "optimizer": options.optimizer,
        "steps": steps,
    }


def scenes(dataset):
    """Return an iterator of training batches."""
    config = swin_keras.TrainConfig(data="garments", task="segment", scale_range=SCALES)
    loader = BatchLoader(
        dataset.splits["train"],
        min(BATCH, len(dataset.splits["train"])),
        (SIDE, SIDE),
        3,
        training=True,
        seed=config.seed,
        **task_named("segment").loader_options(dataset, config),
    )
    return iter(batches(loader, epochs=1000))


def judged(model, dataset, images) -> SegmentationScore:
    """Return what a model says of the test scenes, counted pixel by pixel."""
    score = SegmentationScore(len(dataset.class_names))
    split = dataset.splits["test"]
    if images:
        split = split.subset(np.arange(images), "test")
    for pictures, truth in batches(BatchLoader(split, BATCH, (SIDE, SIDE), 3)):
        said = ops.argmax(model(pictures, training=False), axis=-1)
        score.update(truth.numpy(), ops.convert_to_numpy(said))
    return score


def _of_bytes(model):
    """Return a model of KerasHub that takes 0..255, as ours do."""
    inputs = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    return keras.Model(inputs, model(x))


if __name__ == "__main__":
    race(__file__, __doc__, CONTENDERS, measure)

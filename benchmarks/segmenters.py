"""Segmenters from random weights: the same scenes, the same minutes.

    python benchmarks/segmenters.py --data-dir /usr/share/datasets/fashion-mnist

A Swin-Unet of this package beside KerasHub's SegFormer-B0 and DeepLabV3+ on a ResNet-18
(`pip install keras-hub`), on the `garments` scenes. Each trains in a subprocess, on the
same batches, with the same AdamW and schedule, for as many steps as fit into the
minutes.
Printed: mean IoU on the test scenes, parameters, and milliseconds of the float32 LiteRT
file on one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from timing import write_json

import swin_keras
from swin_keras.applications import SwinSegmenter
from swin_keras.benchmarking.timing import time_files
from swin_keras.data import BatchLoader, batches, load_dataset
from swin_keras.models import SegmentationHead, SwinConfig
from swin_keras.scores.segmentation import SegmentationScore
from swin_keras.tasks import task_named

SIDE = 96
BATCH = 32
RATE = 1e-3
SCALES = (0.9, 1.1)
OURS = {"patch_size": 4, "patch_overlap": 1, "embed_dim": 48, "depths": (2, 4)}
OURS |= {"num_heads": (2, 4), "window_size": 6}


def swin_unet(classes):
    config = SwinConfig(input_shape=(SIDE, SIDE, 3), **OURS)
    model = SwinSegmenter(config, SegmentationHead("unet"), classes=classes)
    return keras.Model(model.inputs, model.get_layer("head_logits").output)


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
        ResNetBackbone,
    )

    encoder = ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(SIDE, SIDE, 3),
    )
    backbone = DeepLabV3Backbone(
        image_encoder=encoder,
        projection_filters=48,
        low_level_feature_key="P2",
        spatial_pyramid_pooling_key="P5",
        upsampling_size=8,
        dilation_rates=[6, 12, 18],
        image_shape=(SIDE, SIDE, 3),
    )
    return _of_bytes(DeepLabV3ImageSegmenter(backbone=backbone, num_classes=classes))


CONTENDERS = {
    "Swin-Unet": swin_unet,
    "SegFormer-B0": segformer,
    "DeepLabV3+ ResNet-18": deeplab,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="folder of the four files of Fashion-MNIST")
    parser.add_argument("--minutes", type=float, default=10, help="of each")
    parser.add_argument("--images", type=int, default=0, help="test scenes; 0: all")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, folder = options.one
        print(json.dumps(measure(name, Path(folder), options)))
        return
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            words = [sys.executable, __file__, *sys.argv[1:], "--one", name, folder]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
            rows[name] = json.loads(done.stdout.splitlines()[-1])
        files = [Path(folder) / f"{name}.tflite" for name in rows]
        timings = time_files(files, threads=1, seconds=5)
    for name, timing in zip(rows, timings, strict=True):
        rows[name]["milliseconds"] = 1e3 * timing.minimum
        print(name, json.dumps(rows[name]))
    if options.json:
        write_json(options.json, rows)


def measure(name, folder, options) -> dict:
    """Train one of them, judge it, and write its LiteRT file."""
    keras.utils.set_random_seed(0)
    dataset = load_dataset("garments", data_dir=options.data_dir, targets="masks")
    model = CONTENDERS[name](len(dataset.class_names))
    steps = trained(model, dataset, 60 * options.minutes)
    score = judged(model, dataset, options.images)
    probabilities = keras.Model(model.inputs, ops.softmax(model.outputs[0]))
    probabilities.export(
        folder / "saved_model", verbose=False, input_signature=[_signature()]
    )
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved_model"))
    (folder / f"{name}.tflite").write_bytes(converter.convert())
    return {
        "mIoU": score.mean_iou,
        "foreground IoU": score.foreground_iou(),
        "parameters": model.count_params(),
        "steps": steps,
    }


def trained(model, dataset, seconds) -> int:
    """Train for some seconds, the compilation left out; return the number of steps."""
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
    data = iter(batches(loader, epochs=1000))
    loss = keras.losses.SparseCategoricalCrossentropy(True, ignore_class=255)
    first = model.get_weights()
    model.compile(keras.optimizers.AdamW(1e-6), loss)
    model.train_on_batch(*next(data))
    start = time.perf_counter()
    for _ in range(10):
        model.train_on_batch(*next(data))
    steps = max(1, round(seconds / ((time.perf_counter() - start) / 10)))
    model.set_weights(first)
    rate = keras.optimizers.schedules.PolynomialDecay(RATE, steps, 0.0)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.05, global_clipnorm=5.0), loss
    )
    for _ in range(steps):
        model.train_on_batch(*next(data))
    return steps


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


def _signature():
    return keras.InputSpec(shape=(1, SIDE, SIDE, 3), dtype="float32")


if __name__ == "__main__":
    main()

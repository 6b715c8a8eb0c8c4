"""Detectors from random weights: the same scenes, the same minutes.

    python benchmarks/detectors.py --data-dir /usr/share/datasets/fashion-mnist

A detector of this package beside KerasHub's RetinaNet on a ResNet-18 and its D-FINE of
the nano size (`pip install keras-hub`), on the `garments` scenes with their boxes. Each
trains in a subprocess, with the same schedule, for as many steps as fit into the
minutes: AdamW, or with `--optimizer muon` this package's Muon for the first and Keras'
for the others. RetinaNet and ours see the same batches; KerasHub's D-FINE sees one
scene a step, as with more it gives every scene the objects of the first (in the code of
0.32, `hungarian_matcher` numbers them within a scene, and the losses over the batch).
Printed: mAP and AP50 on the test scenes, parameters, and milliseconds of the float32
LiteRT file on one thread, where the model converts: ours with its choice of boxes,
KerasHub's without.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops, tree
from same_minutes import race, resnet_18, train_for, write_litert

import swin_keras
from swin_keras.applications import SwinDetector
from swin_keras.data import BatchLoader, batches, load_dataset
from swin_keras.detection.decoding import best_points
from swin_keras.models import (
    DetectionHead,
    end_in_detections,
    model_strides,
    variant_config,
)
from swin_keras.scores.detection import DetectionScore
from swin_keras.tasks import task_named
from swin_keras.tasks.detection_loss import DetectionLoss

SIDE = 96
SCALES = (0.9, 1.1)
THRESHOLD, MOST = 0.05, 100  # of a box's score; boxes of a scene
OURS = {"patch_size": 4, "patch_overlap": 1, "embed_dim": 48, "depths": (2, 4)}
OURS |= {"num_heads": (2, 4), "window_size": 6}


class Swin:
    """Ours: the branch that is exported."""

    batch = 32

    def build(self, classes):
        config = variant_config("swin_nano").replace(
            input_shape=(SIDE, SIDE, 3), **OURS
        )
        model = SwinDetector(config, DetectionHead(extra_levels=0), classes=classes)
        return LearningDetector(model.inputs, model.output)

    def targets(self, boxes):
        return boxes

    def found(self, model, pictures):
        outputs = ops.convert_to_numpy
        said = {k: outputs(v) for k, v in model(pictures, training=False).items()}
        strides = model_strides(model)
        for scores, distances in zip(said["one_scores"], said["boxes"], strict=True):
            best = best_points(scores, distances, (SIDE, SIDE), strides)
            yield best.boxes, best.scores, best.classes

    def answering(self, model):
        return end_in_detections(model, MOST, THRESHOLD)


class LearningDetector(keras.Model):
    """A detector with its own loss."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **_):
        return DetectionLoss((SIDE, SIDE, 3), model_strides(self))(y, y_pred)


class RetinaNet:
    """KerasHub's, with its own anchors, heads and suppression of overlaps."""

    batch = 32

    def build(self, classes):
        from keras_hub.layers import NonMaxSuppression
        from keras_hub.models import (
            RetinaNetBackbone,
            RetinaNetObjectDetector,
        )

        backbone = RetinaNetBackbone(
            image_encoder=resnet_18(SIDE),
            min_level=3,
            max_level=5,
            use_p5=False,
            image_shape=(SIDE, SIDE, 3),
        )
        suppression = NonMaxSuppression(
            "xyxy",
            from_logits=True,
            confidence_threshold=THRESHOLD,
            max_detections=MOST,
        )
        return RetinaNetObjectDetector(
            backbone,
            num_classes=classes,
            bounding_box_format="xyxy",
            prediction_decoder=suppression,
        )

    def targets(self, boxes):
        return {"boxes": boxes[..., :4], "labels": np.maximum(boxes[..., 4], -1)}

    def found(self, model, pictures):
        outputs = model(pictures, training=False)
        found = model.decode_predictions(outputs, pictures)
        found = {name: ops.convert_to_numpy(values) for name, values in found.items()}
        for row, count in enumerate(found["num_detections"]):
            yield tuple(
                found[name][row, :count] for name in ("boxes", "confidence", "labels")
            )

    def answering(self, model):
        return model


class DFine:
    """KerasHub's, of the sizes of its smallest; each query is one box."""

    batch = 1

    def build(self, classes):
        from keras_hub.models import (
            DFineBackbone,
            DFineObjectDetector,
            HGNetV2Backbone,
        )

        stages = ["stage3", "stage4"]
        encoder = HGNetV2Backbone(
            stem_channels=[3, 16, 16],
            stackwise_stage_filters=[
                [16, 16, 64, 1, 3, 3],
                [64, 32, 256, 1, 3, 3],
                [256, 64, 512, 2, 3, 5],
                [512, 128, 1024, 1, 3, 5],
            ],
            apply_downsample=[False, True, True, True],
            use_lightweight_conv_block=[False, False, True, True],
            depths=[1, 1, 2, 1],
            hidden_sizes=[64, 256, 512, 1024],
            embedding_size=16,
            use_learnable_affine_block=True,
            hidden_act="relu",
            image_shape=(SIDE, SIDE, 3),
            out_features=stages,
        )
        backbone = DFineBackbone(
            backbone=encoder,
            decoder_in_channels=[128, 128],
            encoder_hidden_dim=128,
            num_denoising=0,
            num_labels=classes,
            hidden_dim=128,
            learn_initial_query=False,
            num_queries=30,
            anchor_image_size=(SIDE, SIDE),
            feat_strides=[16, 32],
            num_feature_levels=2,
            encoder_in_channels=[512, 1024],
            encode_proj_layers=[1],
            num_attention_heads=8,
            encoder_ffn_dim=512,
            num_encoder_layers=1,
            hidden_expansion=0.34,
            depth_multiplier=0.5,
            eval_idx=-1,
            num_decoder_layers=3,
            decoder_attention_heads=8,
            decoder_ffn_dim=512,
            decoder_n_points=[6, 6],
            lqe_hidden_dim=64,
            num_lqe_layers=2,
            out_features=stages,
            image_shape=(SIDE, SIDE, 3),
        )
        return DFineObjectDetector(backbone, num_classes=classes)

    def targets(self, boxes):
        boxes = boxes[:, boxes[0, :, 4] >= 0]  # of the one scene, without padding
        x1, y1, x2, y2 = np.moveaxis(boxes[..., :4], -1, 0) / SIDE
        sides = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]
        labels = boxes[..., 4].astype("int32")
        return {"boxes": np.stack(sides, axis=-1), "labels": labels}

    def found(self, model, pictures):
        outputs = model(pictures, training=False)
        scores = ops.convert_to_numpy(ops.sigmoid(outputs["logits"]))
        x, y, width, height = np.moveaxis(
            SIDE * ops.convert_to_numpy(outputs["pred_boxes"]), -1, 0
        )
        boxes = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        boxes = np.clip(np.stack(boxes, axis=-1), 0, SIDE)
        for of_queries, places in zip(scores, boxes, strict=True):
            queries, classes = np.divmod(
                np.argsort(-of_queries.ravel(), kind="stable")[:MOST],
                of_queries.shape[-1],
            )
            yield places[queries], of_queries[queries, classes], classes

    def answering(self, model):
        names = ("logits", "pred_boxes")
        return keras.Model(model.inputs, {name: model.output[name] for name in names})


CONTENDERS = {
    "Swin": Swin(),
    "RetinaNet ResNet-18": RetinaNet(),
    "D-FINE nano": DFine(),
}


def measure(name, folder, options) -> dict:
    """Train one of them, judge it, and write its LiteRT file."""
    contender = CONTENDERS[name]
    dataset = load_dataset("garments", data_dir=options.data_dir, targets="boxes")
    model = contender.build(len(dataset.class_names))
    data = scenes(dataset, contender)
    seconds = 60 * options.minutes
    steps = train_for(model, data, seconds, options.optimizer, ours=name == "Swin")
    figures = judged(contender, model, dataset, options.images)
    row = {
        "mAP": figures.mean_average_precision,
        "AP50": figures.at_50,
        "parameters": model.count_params(),
        "optimizer": options.optimizer,
        "steps": steps,
        "scenes a step": contender.batch,
    }
    try:
        write_litert(contender.answering(model), folder / f"{name}.tflite")
    except Exception as error:  # theirs may be of any kind
        row["LiteRT"] = f"{type(error).__name__}: {error}".splitlines()[0]
    return row


def scenes(dataset, contender):
    """Yield training batches."""
    config = swin_keras.TrainConfig(data="garments", task="detect", scale_range=SCALES)
    loader = BatchLoader(
        dataset.splits["train"],
        min(contender.batch, len(dataset.splits["train"])),
        (SIDE, SIDE),
        3,
        training=True,
        seed=config.seed,
        **task_named("detect").loader_options(dataset, config),
    )
    for pictures, boxes in batches(loader, epochs=1000):
        pictures, boxes = pictures.numpy(), boxes.numpy()
        if (boxes[..., 4] >= 0).any():
            yield (
                pictures,
                tree.map_structure(ops.convert_to_tensor, contender.targets(boxes)),
            )


def judged(contender, model, dataset, images):
    """Return the figures of a model on the test scenes."""
    score = DetectionScore(dataset.class_names)
    split = dataset.splits["test"]
    if images:
        split = split.subset(np.arange(images), "test")
    for pictures, truth in batches(BatchLoader(split, 32, (SIDE, SIDE), 3)):
        found = contender.found(model, pictures)
        for (boxes, scores, classes), true in zip(found, truth.numpy(), strict=True):
            true = true[true[:, 4] >= 0]
            score.add(boxes, scores, classes, true[:, :4], true[:, 4].astype(int))
    return score.figures()


if __name__ == "__main__":
    race(__file__, __doc__, CONTENDERS, measure)

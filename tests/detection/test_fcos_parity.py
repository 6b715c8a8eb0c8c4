"""Pyramid, head, targets, losses and decoding are those of torchvision's FCOS."""

import keras
import numpy as np
import pytest
from keras import ops

from swin_keras.detection.assignment import assign_many
from swin_keras.detection.boxes import boxes_at, generalized_overlaps
from swin_keras.detection.decoding import suppress_overlaps
from swin_keras.detection.losses import centerness_of, detection_loss
from swin_keras.layers import points_of
from swin_keras.models import DetectionHead
from swin_keras.models.detection.branch import many_branch
from swin_keras.models.detection.pyramid import feature_pyramid

SIZE, STRIDES = (96, 128), (8, 16, 32, 64, 128)
POINTS, STEPS = points_of(SIZE, STRIDES)


def outputs_of(fcos):
    """Return torchvision's inputs as outputs of our head: distances in pixels."""
    distances = fcos["distances"] * STEPS[:, None]
    return {
        "many_scores": fcos["logits"],
        "boxes": distances,
        "centerness": fcos["centerness"],
        "one_scores": fcos["logits"],
    }


def test_points_get_the_same_objects(fcos, truth):
    matched = np.asarray(assign_many(truth, POINTS, STEPS))
    expected = np.where(fcos["matched"] >= 0, fcos["matched"] + 2, -1)
    np.testing.assert_array_equal(matched, expected)
    assert len(np.unique(expected)) == 9  # all but one that is between the points


def test_losses_are_the_same(fcos, truth):
    parts = detection_loss(outputs_of(fcos), truth, POINTS, STEPS)
    expected = {
        "many_scores": (fcos["loss_scores"], fcos["positives"]),
        "boxes": (fcos["loss_central_boxes"], fcos["centralities"].sum()),
        "centerness": (fcos["loss_centerness"], fcos["positives"]),
    }
    for name, pair in expected.items():
        np.testing.assert_allclose(parts[name], pair, rtol=2e-6, err_msg=name)


def test_overlaps_and_centerness_are_the_same(fcos):
    is_object = fcos["matched"][0] >= 0
    own = fcos["boxes"][fcos["matched"][0][is_object]]
    points = POINTS[is_object]
    predicted = boxes_at(points, (fcos["distances"][0] * STEPS[:, None])[is_object])
    loss = ops.sum(1 - generalized_overlaps(predicted, own))
    np.testing.assert_allclose(loss, fcos["loss_boxes"], rtol=1e-6)
    np.testing.assert_allclose(
        centerness_of(points, own), fcos["centralities"], rtol=1e-6
    )


@pytest.mark.parametrize("index", [0, 1])
def test_the_same_objects_are_found(fcos, index):
    outputs = {name: part[index] for name, part in outputs_of(fcos).items()}
    found = suppress_overlaps(
        outputs["many_scores"],
        outputs["boxes"],
        outputs["centerness"],
        SIZE,
        STRIDES,
        score_threshold=0.3,
        candidates=60,
        max_detections=40,
    )
    np.testing.assert_allclose(found.scores, fcos[f"found_scores_{index}"], rtol=1e-6)
    np.testing.assert_array_equal(found.classes, fcos[f"found_labels_{index}"])
    np.testing.assert_allclose(found.boxes, fcos[f"found_boxes_{index}"], atol=2e-5)


def test_pyramid_and_head_give_the_same_numbers(fcos):
    """Odd sizes too: maps of 7 x 9, 4 x 5 and 2 x 3."""
    maps = {name: fcos[f"map_{name}"] for name in ("C3", "C4", "C5")}
    inputs = {name: keras.Input(x.shape[1:], name=name) for name, x in maps.items()}
    levels = feature_pyramid(inputs, channels=4, extra_levels=2)
    head = DetectionHead(channels=4, convolutions=2, norm="none")
    branch = many_branch(levels, STRIDES, 2, head)
    model = keras.Model(inputs, {**levels, **branch.outputs})
    load(model, fcos)

    outputs = model(maps)
    for name in levels:
        np.testing.assert_allclose(outputs[name], fcos[f"level_{name}"], atol=2e-5)
    counts = [level.shape[1] * level.shape[2] for level in levels.values()]
    edges = fcos["head_edges"] * np.repeat(STRIDES, counts)[:, None]
    np.testing.assert_allclose(outputs["scores"], fcos["head_scores"], atol=1e-4)
    np.testing.assert_allclose(outputs["boxes"], edges, rtol=1e-4, atol=2e-3)
    np.testing.assert_allclose(
        outputs["centerness"], fcos["head_centerness"], atol=1e-4
    )


def load(model, fcos):
    """Give a pyramid and a head torchvision's weights."""
    names = {
        "class.conv.0": "head_many_class_convolution_1",
        "class.conv.3": "head_many_class_convolution_2",
        "class.cls_logits": "head_many_class_logits",
        "box.conv.0": "head_many_box_convolution_1",
        "box.conv.3": "head_many_box_convolution_2",
        "box.bbox_reg": "head_many_box_edges",
        "box.bbox_ctrness": "head_many_centerness_logits",
        "pyramid.extra_blocks.p6": "head_pyramid_output_6",
        "pyramid.extra_blocks.p7": "head_pyramid_output_7",
    }
    for index in range(3):
        number = index + 3
        names[f"pyramid.inner_blocks.{index}.0"] = f"head_pyramid_lateral_{number}"
        names[f"pyramid.layer_blocks.{index}.0"] = f"head_pyramid_output_{number}"
    for theirs, ours in names.items():
        kernel = fcos[f"weight_{theirs}.weight"].transpose(2, 3, 1, 0)
        model.get_layer(ours).set_weights([kernel, fcos[f"weight_{theirs}.bias"]])
    loaded = sum(x.size for name, x in fcos.items() if name.startswith("weight_"))
    assert model.count_params() == loaded + 5  # and a scale for each level

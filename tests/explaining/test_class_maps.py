"""Class maps: exact, and the same as Grad-CAM at the tokens before the head."""

import keras
import numpy as np
import pytest
from explained_toys import make_images, make_model

from swin_keras.applications import SwinNano
from swin_keras.errors import UsageError
from swin_keras.explaining.class_map import class_map_model
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.gradient_map import class_score, gradient_maps
from swin_keras.explaining.logit_model import logit_model
from swin_keras.layers import Dropout


@pytest.mark.parametrize("size", ["plain", "padded and odd"])
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_the_mean_of_a_class_map_is_the_logit_of_the_class(version, size):
    model = make_model(version, size, classifier_activation=None)
    images = make_images(model)
    outputs = class_map_model(model)(images)
    maps, logits = (np.asarray(outputs[n]) for n in ("class_maps", "outputs"))
    np.testing.assert_allclose(maps.mean((1, 2)), logits, atol=1e-5)
    # By hand: tokens times the class's column of the kernel, plus its bias.
    tokens = np.asarray(
        keras.Model(model.input, model.get_layer("norm").output)(images)
    )
    kernel, bias = model.get_layer("head").get_weights()
    for index in range(3):
        by_hand = tokens @ kernel[:, index]
        np.testing.assert_allclose(
            by_hand.mean((1, 2)) + bias[index], logits[:, index], atol=1e-5
        )
        np.testing.assert_allclose(maps[..., index] - bias[index], by_hand, atol=1e-5)


@pytest.mark.parametrize("by_place", [False, True])
def test_at_the_tokens_before_the_head_gradient_maps_are_class_maps(by_place):
    model = make_model()
    images = make_images(model)
    maps = np.asarray(class_map_model(model)(images)["class_maps"])
    bias = model.get_layer("head").get_weights()[1]
    found = gradient_maps(
        logit_model(model), images, class_score([2, 0]), by_place=by_place
    )
    expected = np.stack([maps[0, ..., 2] - bias[2], maps[1, ..., 0] - bias[0]])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("by_place", [False, True])
def test_a_map_of_a_stage_is_made_of_its_activations_and_their_gradients(by_place):
    model = logit_model(make_model())
    images = make_images(model, 1)
    found = gradient_maps(model, images, class_score([1]), stage=1, by_place=by_place)
    assert found.shape == (1, 16, 16)
    features = model.get_layer("stage_1_block_2").output
    activations = np.asarray(keras.Model(model.input, features)(images))
    rest = keras.Model(features, model.output)
    step, rng = 1e-2, np.random.default_rng(0)
    # What a change of one place along its own activation does to the logit.
    if by_place:
        for y, x in rng.integers(0, 16, (4, 2)):
            change = np.zeros_like(activations)
            change[0, y, x] = step * activations[0, y, x]
            ends = [float(rest(activations + s * change)[0, 1]) for s in (1, -1)]
            expected = 256 * (ends[0] - ends[1]) / (2 * step)
            np.testing.assert_allclose(found[0, y, x], expected, rtol=0.05, atol=0.05)
        return
    weights = np.zeros(activations.shape[-1])
    for channel in range(len(weights)):
        change = np.zeros_like(activations)
        change[..., channel] = step
        ends = [float(rest(activations + s * change)[0, 1]) for s in (1, -1)]
        weights[channel] = (ends[0] - ends[1]) / (2 * step)
    expected = activations[0] @ weights
    error = np.abs(found[0] - expected).max()
    assert error < 0.02 * np.abs(expected).max()


def test_a_target_can_be_any_function_of_the_outputs():
    model = logit_model(make_model())
    images = make_images(model)
    both = gradient_maps(model, images, lambda logits: logits[:, 0] + logits[:, 1])
    one, other = (gradient_maps(model, images, class_score([c, c])) for c in (0, 1))
    np.testing.assert_allclose(both, one + other, atol=1e-5)


@pytest.mark.parametrize("dropout", [keras.layers.Dropout, Dropout])
def test_a_head_of_ones_own_with_dropout_and_softmax_inside_is_understood(dropout):
    base = SwinNano(include_top=False, pooling="avg")
    x = dropout(0.1)(base.output)
    outputs = keras.layers.Dense(3, activation="softmax")(x)
    model = keras.Model(base.input, outputs)
    images = make_images(model)
    maps = Explainer(model)._class_maps(images)
    found = keras.ops.softmax(maps.mean((1, 2)))
    np.testing.assert_allclose(found, model(images), atol=1e-6)
    logits = logit_model(model)(images)
    np.testing.assert_allclose(maps.mean((1, 2)), logits, atol=1e-5)


@pytest.mark.parametrize(
    "policy",
    ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)],
)
def test_a_model_of_half_precision_is_explained_in_float32(policy, set_dtype_policy):
    set_dtype_policy(policy)
    model = make_model()
    set_dtype_policy("float32")
    images = make_images(model)
    for method in ("cam", "grad-cam", "gradient-rollout"):
        maps = Explainer(model).maps(images, [0, 1], method=method)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()


def nested():
    base = SwinNano(include_top=False, pooling="avg")
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, keras.layers.Dense(3)(base(inputs)))


def flat(*layers):
    inputs = x = keras.Input((4, 4, 1))
    for layer in (keras.layers.Flatten(), *layers):
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.parametrize(
    ("make", "method", "words"),
    [
        (nested, "grad-cam", "keras.Model\\(base.input"),
        (lambda: SwinNano(include_top=False), "cam", "task 'features' do not give"),
        (flat, "rollout", "no layer stage_1_block_1"),
        (lambda: flat(keras.layers.Dense(2)), "cam", "ends in .*Flatten, Dense"),
        (
            lambda: keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()]),
            "rollout",
            "no layer stage_1_block_1",
        ),
    ],
)
def test_a_model_that_cannot_be_explained_is_refused_in_words(make, method, words):
    model = make()
    images = np.zeros((1, *model.input_shape[1:]))
    with pytest.raises(UsageError, match=words):
        Explainer(model).maps(images, [0], method=method)


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")  # of norms: they have none
@pytest.mark.parametrize(("layers", "method"), [("head", "cam"), ("mlp", "rollout")])
def test_a_model_with_int8_weights_is_refused_in_words(layers, method):
    model = make_model()
    model.quantize("int8", filters=layers)
    with pytest.raises(UsageError, match="before its weights are quantized"):
        Explainer(model).maps(make_images(model), [0, 0], method=method)


@pytest.mark.parametrize("method", ["cam", "grad-cam", "rollout"])
def test_an_explainer_asks_the_model_as_it_is_now(method):
    model = make_model()
    images, explainer = make_images(model), Explainer(model)
    explainer.maps(images, [1, 2], method=method)
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.normal(0, 0.2, w.shape) for w in model.get_weights()])
    found = explainer.maps(images, [1, 2], method=method)
    expected = Explainer(model).maps(images, [1, 2], method=method)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def after(scaling):
    layers = make_model(include_preprocessing=False).layers[1:]
    return keras.Sequential([keras.Input((32, 32, 3)), scaling, *layers])


@pytest.mark.parametrize("method", ["hires-cam", "gradient-rollout"])
def test_pixels_are_scaled_by_what_their_normalization_was_adapted_to(method):
    adapted = keras.layers.Normalization()
    explainer = Explainer(after(adapted))
    for images in (make_images(make_model()), 9 + make_images(make_model(), 3) / 2):
        adapted.adapt(images)
        mean, variance = images.mean((0, 1, 2)), images.var((0, 1, 2))
        fixed = after(keras.layers.Normalization(mean=mean, variance=variance))
        classes = range(len(images))
        found = explainer.maps(images, classes, method=method)
        expected = Explainer(fixed).maps(images, classes, method=method)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_a_head_with_lora_is_explained_with_what_it_adds():
    model = make_model(classifier_activation=None)
    head = model.get_layer("head")
    head.enable_lora(2)
    rng = np.random.default_rng(0)
    head.lora_kernel_b.assign(rng.normal(0, 0.1, head.lora_kernel_b.shape))
    outputs = class_map_model(model)(make_images(model))
    means = np.asarray(outputs["class_maps"]).mean((1, 2))
    np.testing.assert_allclose(means, np.asarray(outputs["outputs"]), atol=1e-5)
    with pytest.raises(UsageError, match="convert"):
        logit_model(model)


def test_a_sequential_model_in_memory_is_explained():
    model = make_model()
    images = make_images(model)
    found = Explainer(keras.Sequential(model.layers)).maps(images, [1, 2])
    np.testing.assert_allclose(found, Explainer(model).maps(images, [1, 2]), atol=1e-5)

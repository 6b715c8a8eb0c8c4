"""AdamW as Swin Transformers need it: where it takes each variable."""

import importlib
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import swin_keras
from swin_keras.applications import create_model
from swin_keras.errors import UsageError
from swin_keras.models import variant_config
from swin_keras.training.muon import SwinMuon, matrices_in
from swin_keras.training.optimizer import SwinAdamW, layer_of


@pytest.mark.parametrize("amsgrad", [False, True])
def test_it_goes_where_keras_goes(amsgrad):
    random = np.random.default_rng(0)
    start, *gradients = random.normal(size=(6, 4, 3)).astype("float32")
    options = {"weight_decay": 0.1, "amsgrad": amsgrad}
    theirs = steps(keras.optimizers.AdamW(0.01, **options), start, gradients)
    np.testing.assert_allclose(
        steps(SwinAdamW(0.01, **options), start, gradients), theirs, atol=1e-6
    )
    assert np.abs(theirs - start).max() > 0.01


def test_a_row_looked_up_twice_has_the_sum_for_its_gradient():
    """As in other frameworks; Keras would add two squares, not square the sum."""
    random = np.random.default_rng(0)
    start, *gradients = random.normal(size=(6, 4, 3)).astype("float32")
    sparse = [tf.IndexedSlices(g, tf.constant([0, 2, 2, 1]), [4, 3]) for g in gradients]
    dense = [np.stack([g[0], g[3], g[1] + g[2], 0 * g[0]]) for g in gradients]
    for clip_norm in (None, 1.0):
        np.testing.assert_array_equal(
            steps(SwinAdamW(0.01, clip_norm=clip_norm), start, sparse),
            steps(SwinAdamW(0.01, clip_norm=clip_norm), start, dense),
        )


def steps(optimizer, start, gradients):
    variable = keras.Variable(start, name="kernel")
    for gradient in gradients:
        optimizer.apply([gradient], [variable])
    return variable.numpy()


def test_layers_are_counted_as_in_the_published_code():
    config = variant_config("swin_tiny").replace(input_shape=(32, 32, 3))
    sizes = {"embed_dim": 24, "num_heads": (1, 2, 4, 8), "input_shape": (32, 32, 3)}
    model = create_model("swin_tiny", **sizes)
    layers = {
        v.path.split("/")[0]: layer_of(v, config.depths)
        for v in model.trainable_variables
    }
    assert layers["patch_embedding"] == 0
    assert layers["stage_1_block_1"] == 1
    assert layers["stage_1_merging"] == layers["stage_1_block_2"] == 2
    assert layers["stage_3_block_6"] == layers["stage_3_merging"] == 10
    assert layers["stage_4_block_2"] == 12
    assert layers["norm"] == layers["head"] == 13


def test_layers_near_the_image_learn_more_slowly():
    """One step of Adam moves every weight by its learning rate."""
    inputs = keras.Input((3,))
    x = keras.layers.Dense(2, name="patch_embedding")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    optimizer = SwinAdamW(0.1, weight_decay=0.0, layer_decay=0.5, depths=(1, 1))
    optimizer.build(model.trainable_variables)
    before = [w.copy() for w in model.get_weights()]
    ones = [np.ones(w.shape, "float32") for w in before]
    optimizer.apply(ones, model.trainable_variables)
    steps = [
        (old - new).mean() for old, new in zip(before, model.get_weights(), strict=True)
    ]
    np.testing.assert_allclose(steps, [0.0125, 0.0125, 0.1, 0.1], rtol=1e-4)


def our_layers():
    return [
        keras.Input((8, 8, 3)),
        swin_keras.PatchEmbedding(2, 8, name="patch_embedding"),
        swin_keras.PositionEmbedding(name="position_embedding"),
        swin_keras.SwinTransformerBlock(1, 4, name="stage_1_block_1"),
        swin_keras.PatchMerging(name="stage_1_merging"),
        keras.layers.GlobalAveragePooling2D(name="pooling"),
        keras.layers.Dense(3, name="head"),
    ]


def functional(layers):
    inputs, *layers = layers
    x = inputs
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


class SubClassed(keras.Model):
    def __init__(self, layers):
        super().__init__(name="my_model")
        inputs, *self.parts = layers
        self(inputs)

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


@pytest.mark.parametrize("kind", [SwinAdamW, SwinMuon])
def test_what_tells_places_does_not_decay_whatever_its_layer_is_called(kind):
    scores, tokens = keras.Input((2, 16, 16)), keras.Input((4, 4, 8))
    layers = [
        swin_keras.RelativePositionBias(4, name="stage_1_block_9"),
        swin_keras.ContinuousPositionBias(4, name="offsets"),
        swin_keras.PositionEmbedding(name="places"),
        keras.layers.Dense(3, name="head"),
    ]
    bias, offsets, places, head = layers
    outputs = [offsets(bias(scores)), head(places(tokens))]
    model = keras.Model([scores, tokens], outputs)
    optimizer = kind(0.1)
    with warnings.catch_warnings(action="ignore"):  # no layer for Muon
        optimizer.build(model.trainable_variables)
    decayed = [v.path for v in model.trainable_variables if optimizer.is_decayed(v)]
    assert decayed == ["head/kernel"]
    assert len(model.trainable_variables) == 7
    assert not any(map(matrices_in, model.trainable_variables))


@pytest.mark.parametrize("kind", [keras.Sequential, SubClassed])
def test_a_model_of_any_kind_learns_as_a_functional_one(kind):
    """Keras begins the paths of its variables with the name of the model."""

    def treated(model):
        optimizer = SwinMuon(0.1, layer_decay=0.5, depths=(1,))
        optimizer.build(model.trainable_variables)
        return [
            (matrices_in(v), optimizer.rate_factor(v), optimizer.is_decayed(v))
            for v in model.trainable_variables
        ]

    found = treated(kind(our_layers()))
    assert found == treated(functional(our_layers()))
    assert {factor for _, factor, _ in found} == {0.25, 0.5, 1.0}
    assert sum(matrices for matrices, *_ in found) == 7  # 3 of them in qkv


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (lambda: SwinMuon(0.1), r"Muon goes by.*'stage_1_block_1'.*'mine'"),
        (
            lambda: SwinAdamW(0.1, layer_decay=0.5, depths=(1,)),
            r"`layer_decay` goes by.*'stage_1_block_1'.*'mine'",
        ),
    ],
)
def test_layers_of_other_names_are_told_that_their_names_decide(optimizer, message):
    x = inputs = keras.Input((3,))
    others = keras.Model(inputs, keras.layers.Dense(3, name="mine")(x))
    with pytest.warns(UserWarning, match=message):
        optimizer().build(others.trainable_variables)
    # Nothing is said where all stages are frozen. Warnings are errors here.
    head = keras.Model(inputs, keras.layers.Dense(3, name="head")(x))
    optimizer().build(head.trainable_variables)


@pytest.mark.parametrize(
    ("depths", "name"),
    [
        ((), "patch_embedding"),
        ((2, 2), "stage_3_block_1"),
        ((2, 1, 2), "stage_2_block_2"),
    ],
)
def test_depths_that_leave_a_block_out_are_refused(depths, name):
    sizes = {"embed_dim": 8, "num_heads": (1, 2, 4), "input_shape": (32, 32, 3)}
    variables = create_model(
        "swin_nano", depths=(2, 2, 2), classes=3, **sizes
    ).trainable_variables
    SwinAdamW(0.1, depths=depths).build(variables)
    SwinAdamW(0.1, layer_decay=0.5, depths=(2, 2, 2)).build(variables[-4:])
    with pytest.raises(
        UsageError, match=rf"`depths`.*'{name}'.*{re.escape(str(depths))}"
    ):
        SwinAdamW(0.1, layer_decay=0.5, depths=depths).build(variables)


@pytest.mark.parametrize("kind", [SwinAdamW, SwinMuon])
def test_what_a_user_excludes_does_not_decay(kind):
    model = functional(our_layers())
    head = model.get_layer("head")
    optimizer = kind(0.1)
    optimizer.exclude_from_weight_decay([head.kernel])
    optimizer.build(model.trainable_variables)
    assert not optimizer.is_decayed(head.kernel)
    assert not optimizer.is_decayed(head.bias)  # never does
    block = model.get_layer("stage_1_block_1")
    assert optimizer.is_decayed(block.attention.qkv.kernel)
    other = kind(0.1)
    other.exclude_from_weight_decay(var_names=["kernel"])
    other.build(model.trainable_variables)
    assert not any(map(other.is_decayed, model.trainable_variables))


@pytest.mark.parametrize("compiles", [False, True])
@pytest.mark.parametrize("kind", [SwinAdamW, SwinMuon])
def test_layers_near_the_image_decay_more_slowly(kind, compiles):
    """Without gradients, a step takes a share of every matrix away, and no more."""
    inputs = keras.Input((3,))
    x = keras.layers.Dense(2, name="patch_embedding")(inputs)
    x = keras.layers.Dense(4, name="stage_1_block_1")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.set_weights([np.ones(w.shape, "float32") for w in model.get_weights()])
    optimizer = kind(0.1, weight_decay=0.4, layer_decay=0.5, depths=(1, 1))
    optimizer.compiles = compiles
    optimizer.build(model.trainable_variables)
    nothing = [np.zeros(w.shape, "float32") for w in model.get_weights()]
    optimizer.apply(nothing, model.trainable_variables)
    left = [1 - weight.mean() for weight in model.get_weights()]
    np.testing.assert_allclose(left, [0.005, 0, 0.01, 0, 0.04, 0], atol=1e-6)


def test_gradients_are_clipped_by_the_norm_of_all():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="head")])
    optimizer = SwinAdamW(0.1, clip_norm=1.0)
    optimizer.build(model.trainable_variables)
    variables = [v.value for v in model.trainable_variables]
    pairs = zip([np.full((2, 1), 3.0), np.full((1,), 3.0)], variables, strict=True)
    clipped = [g.numpy() for g, _ in optimizer._all_reduce_sum_gradients(pairs)]
    assert np.sqrt(sum((g**2).sum() for g in clipped)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (SwinAdamW, {"clip_norm": 1.0, "layer_decay": 0.5, "depths": (2, 2)}),
        pytest.param(
            SwinAdamW, {"use_ema": True, "amsgrad": True}, marks=pytest.mark.slow
        ),
        pytest.param(
            SwinAdamW,
            {"weight_decay": 0.0, "layer_decay": 0.5, "depths": (2, 2)},
            marks=pytest.mark.slow,
        ),
        pytest.param(
            SwinMuon, {"clip_norm": 1.0, "use_ema": True}, marks=pytest.mark.slow
        ),
    ],
)
def test_one_compiled_program_goes_where_single_steps_go(optimizer, options):
    plain, compiled = (
        after_steps(optimizer(0.01, **options), compiles) for compiles in (False, True)
    )
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6)


def after_steps(optimizer, compiles):
    """Return all values of a toy and its optimizer after three steps."""
    keras.utils.set_random_seed(0)
    model = create_model("swin_nano", depths=(1, 1), num_heads=(2, 4), classes=3)
    variables = model.trainable_variables
    optimizer.compiles = compiles
    optimizer.build(variables)
    gradients = [tf.random.stateless_normal(v.shape, (1, 2)) for v in variables]
    before = model.get_weights()

    @tf.function
    def step():
        optimizer.apply(gradients, variables)

    for _ in range(3):
        step()
    values = [v.numpy() for v in (*variables, *optimizer.variables)]
    assert not np.array_equal(values[0], before[0])
    assert int(optimizer.iterations) == 3
    return values


def test_a_scaled_loss_takes_a_compiled_step():
    """As `mixed_float16` has it, within a branch of the graph."""
    variable = keras.Variable(np.ones((4, 3), "float32"), name="kernel")
    inner = SwinAdamW(0.1, weight_decay=0.0)
    inner.compiles = True
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    optimizer.build([variable])
    tf.function(lambda: optimizer.apply([8 * tf.ones((4, 3))], [variable]))()
    np.testing.assert_allclose(variable.numpy(), 0.9, atol=1e-5)


def test_what_stands_for_them_elsewhere_does_not_take_their_place_here():
    importlib.import_module("swin_keras.training.stand_ins")
    for optimizer in (SwinAdamW, SwinMuon):
        name = f"swin_keras>{optimizer.__name__}"
        assert keras.saving.get_registered_object(name) is optimizer

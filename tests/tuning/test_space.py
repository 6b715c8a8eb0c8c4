"""What a space takes, what it changes, and what it refuses."""

import dataclasses
import json

import keras_tuner
import pytest

from swin_keras.errors import UsageError
from swin_keras.training import TrainConfig
from swin_keras.tuning.space import Space

HUGE = 10**400
BUNDLES = {
    "width": {
        "choices": {
            "narrow": {"sizes.embed_dim": 24, "sizes.num_heads": [2, 4, 8]},
            "wide": {"sizes.embed_dim": 48, "sizes.num_heads": [3, 6, 12]},
        }
    },
    "sizes.drop_path_rate": {"min": 0.0, "max": 0.3, "when": {"width": ["wide"]}},
}


def sample(space):
    hp = keras_tuner.HyperParameters()
    space.declare(hp)
    return hp


def test_every_kind_of_parameter_becomes_one_of_kerastuner():
    space = Space(
        {
            "learning_rate": {"min": 1e-4, "max": 1e-2, "scale": "log"},
            "batch_size": {"min": 32, "max": 128, "step": 2, "scale": "log"},
            "mixup": [0, 0.2],
            "flip": [True, False],
            "sizes.depths": [[2, 2], [2, 4]],
            "sizes.kernel_initializer": ["glorot_normal", None],
        }
    )
    rate, batch, mixup, flip, depths, start = sample(space).space
    assert (rate.min_value, rate.max_value, rate.sampling) == (1e-4, 1e-2, "log")
    assert list(batch.values) == [32, 64, 128]
    assert mixup.values == [0.0, 0.2]
    assert flip.values == ["true", "false"]
    assert depths.values == ["[2, 2]", "[2, 4]"]
    assert start.values == ["glorot_normal", "null"]
    values = {"flip": "false", "sizes.depths": "[2, 4]", "mixup": 0.2}
    values["sizes.kernel_initializer"] = "null"
    config = space.edit(TrainConfig(sizes={"embed_dim": 16}), values)
    assert config.flip is False
    assert config.mixup == 0.2
    assert config.sizes == {
        "embed_dim": 16,
        "depths": [2, 4],
        "kernel_initializer": None,
    }
    assert config.learning_rate == TrainConfig().learning_rate


def test_fields_change_together_and_under_conditions():
    space = Space(BUNDLES)
    hp = sample(space)
    assert hp.values == {"width": "narrow"}  # the other one does not count
    edited = space.edit(TrainConfig(), {"width": "wide", "sizes.drop_path_rate": 0.1})
    assert edited.sizes == {
        "embed_dim": 48,
        "num_heads": [3, 6, 12],
        "drop_path_rate": 0.1,
    }


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "at least one field"),
        (None, "at least one field"),
        ({"learning_rat": [1e-3]}, "Did you mean 'learning_rate'"),
        ({"sizes.embed": [8]}, "Did you mean 'sizes.embed_dim'"),
        ({"data": ["digits"]}, "cannot be over `data`: what trials are judged on"),
        ({"seed": [0, 1]}, "cannot be over `seed`: what trials are judged on"),
        ({"seed": {"min": 0, "max": 9}}, "cannot be over `seed`"),
        ({"task": ["classify", "multi-label"]}, "cannot be over `task`"),
        ({"two": {"choices": {"a": {"seed": 1}}}}, "cannot be over `seed`"),
        ({"sizes": [{}]}, "sizes of the model as sizes.NAME"),
        ({"mixup": 0.2}, "a list of choices, or a range"),
        ({"mixup": {"min": 0.2}}, "must have min and max"),
        ({"mixup": {"min": 0.2, "max": 0.2}}, "is empty: min must be less than max"),
        ({"mixup": {"min": 0.4, "max": 0.2}}, "min=0.4, max=0.2"),
        ({"mixup": {"min": 0, "max": float("inf")}}, "must be a number. Received: inf"),
        ({"mixup": {"min": "low", "max": 1}}, "must be of numbers. Received: 'low'"),
        ({"mixup": {"min": 0, "max": 1, "scale": "log"}}, "begins above 0"),
        ({"mixup": {"min": 0, "max": 1, "scale": "cubic"}}, "linear or log"),
        ({"mixup": {"min": 0, "max": 1, "step": 0}}, "must be more than 0"),
        ({"mixup": {"min": 0, "max": 1, "steps": 3}}, "may have step, scale and when"),
        ({"mixup": {"min": 0, "max": HUGE}}, "`mixup` is too large: at most 1.8e"),
        ({"mixup": {"min": -HUGE, "max": 0}}, "a number of 401 digits"),
        ({"mixup": {"min": 0, "max": 1, "step": HUGE}}, "is too large"),
        ({"mixup": [0.1, HUGE]}, "is too large"),
        ({"mixup": []}, "at least one choice"),
        ({"mixup": ["much"]}, "`mixup` must be a number. Received: 'much'"),
        ({"batch_size": [32.5]}, "a whole number or auto. Received: 32.5"),
        ({"batch_size": {"min": 8.5, "max": 32}}, "must be a whole number"),
        ({"sizes.depths": [[2, "2"]]}, "a list, each a whole number"),
        ({"tuner/x": {"choices": {"a": {"mixup": 0.1}}}}, "begin with tuner/ are Ker"),
        ({"width": {"choices": {"wide": 48}}}, "must name fields and their values"),
        ({"width": {"choices": {"wide": {"embed_dim": 48}}}}, "'sizes.embed_dim'"),
        ({"mixup": {"choices": [0.1], "when": {"width": ["x"]}}}, "stands before it"),
        (
            BUNDLES | {"mixup": {"choices": [0.1], "when": {"width": ["broad"]}}},
            "among the choices of `width`: narrow, wide. Received: ['broad']",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(space, message):
    with pytest.raises(UsageError) as caught:
        Space(space)
    assert message in str(caught.value)


def test_a_choice_that_nothing_accepts_is_named():
    space = Space({"mixup": [0.0, 0.2], "sizes.embed_dim": [16, 24, 20]})

    def accept(values):
        channels = values.get("sizes.embed_dim")
        if channels == 20 or (channels == 24 and values["mixup"]):
            raise UsageError("Heads must divide channels.")

    with pytest.raises(UsageError, match="embed_dim = 20: Heads must divide"):
        space.check(accept)
    Space({"mixup": [0.0, 0.2], "sizes.embed_dim": [16, 24]}).check(accept)


def test_a_fault_that_no_value_mends_is_not_blamed_on_one():
    def accept(values):
        raise UsageError("There is no optimizer 'adamm'.")

    with pytest.raises(UsageError, match=r"^`train` cannot work, .*'adamm'"):
        Space({"mixup": [0.0, 0.2]}).check(accept)


def test_a_parameter_that_does_not_count_refuses_nothing():
    space = Space(
        {
            "kind": {
                "choices": {
                    "three": {"sizes.num_heads": [3, 6, 12]},
                    "four": {"sizes.num_heads": [4, 8, 16]},
                }
            },
            "sizes.embed_dim": {"choices": [32, 64], "when": {"kind": ["four"]}},
        }
    )
    asked = []
    space.check(asked.append)
    assert {tuple(sorted(values)) for values in asked} == {
        ("kind",),
        ("kind", "sizes.embed_dim"),
    }
    for values in asked:
        assert ("sizes.embed_dim" in values) == (values["kind"] == "four")
    config = space.edit(TrainConfig(), {"kind": "three", "sizes.embed_dim": 64})
    assert config.sizes == {"num_heads": [3, 6, 12]}


@pytest.mark.parametrize("base", [{}, {"batch_size": 64}])
def test_rates_follow_a_batch_size_that_is_searched(base):
    space, published = Space({"batch_size": [64, 128]}), {"preset": "published"}
    for size in (64, 128):
        found = space.edit(TrainConfig(**published, **base), {"batch_size": size})
        alone = TrainConfig(**published, batch_size=size)
        assert found.learning_rate == alone.learning_rate
        assert found.batch_size == size
    given = TrainConfig(**published, batch_size=64, learning_rate=0.002)
    assert space.edit(given, {"batch_size": 128}).learning_rate == 0.002


def test_conditions_may_have_conditions():
    space = Space(
        {
            "optimizer": ["adamw", "muon"],
            "width": BUNDLES["width"] | {"when": {"optimizer": ["muon"]}},
            "sizes.drop_path_rate": BUNDLES["sizes.drop_path_rate"],
        }
    )
    hp = keras_tuner.HyperParameters()
    hp.values = {"optimizer": "muon", "width": "wide"}
    space.declare(hp)
    assert set(hp.values) == {"optimizer", "width", "sizes.drop_path_rate"}
    hp = keras_tuner.HyperParameters()
    hp.values = {"optimizer": "adamw", "width": "wide"}
    space.declare(hp)
    assert "sizes.drop_path_rate" not in hp.values


def test_a_range_need_not_end_on_a_step():
    sizes = {"depths": [2], "num_heads": [12]}
    space = Space({"sizes.embed_dim": {"min": 24, "max": 100, "step": 24}})
    space.check(lambda values: space.edit(TrainConfig(sizes=sizes), values))
    assert space.parameters["sizes.embed_dim"].samples == [24, 96]
    steps = {"min": 0.0, "max": 0.3, "step": 0.1}
    assert Space({"mixup": steps}).parameters["mixup"].samples == [0.0, 0.3]


def test_a_grid_of_whole_numbers_has_whole_numbers():
    steps = {"min": 32, "max": 128, "step": 2, "scale": "log"}
    space = Space({"batch_size": steps})
    (parameter,) = sample(space).space
    for value in parameter.values:
        assert type(space.edit(TrainConfig(), {"batch_size": value}).batch_size) is int
    assert space.parameters["batch_size"].samples == [32, 128]


def test_words_that_yaml_takes_for_values_name_choices_alike_everywhere():
    """`on` and `32` are no text in YAML; a trial reads them back from JSON."""
    some, none = {"mixup": 0.2, "rotate": 15.0}, {"mixup": 0.0, "rotate": 0.0}
    for first, second in ((True, False), (32, 64), (None, "x")):
        parameters = {
            "group": {"choices": {first: some, second: none}},
            "flip": {"choices": [True, False], "when": {"group": first}},
        }
        space, in_trial = Space(parameters), Space(json.loads(json.dumps(parameters)))
        (group, *_), (same, *_) = sample(space).space, sample(in_trial).space
        assert group.values == same.values
        values = {"group": group.values[0], "flip": "true"}
        assert in_trial.edit(TrainConfig(), values).mixup == 0.2


@pytest.mark.parametrize(
    ("name", "low", "high", "step", "count"),
    [
        ("sizes.drop_path_rate", 0.0, 0.3, 0.1, 4),
        ("mixup", 0.0, 0.6, 0.2, 4),
        ("erase", 0, 1, 0.1, 11),
        ("min_crop_area", 0.1, 1.0, 0.1, 10),
        ("erase", 0.0, 0.35, 0.1, 4),  # which does not end on a step
    ],
)
def test_a_range_in_steps_is_tried_to_its_end(name, low, high, step, count):
    space = Space({name: {"min": low, "max": high, "step": step}})
    oracle = keras_tuner.oracles.GridSearchOracle(
        objective=keras_tuner.Objective("score", "max"), hyperparameters=sample(space)
    )
    (declared,) = oracle.get_space().space
    parameter = space.parameters[name]
    tried = [parameter.edits(value)[name] for value in declared.values]
    assert tried == [round(low + step * index, 9) for index in range(count)]
    assert [tried[0], tried[-1]] == parameter.samples


def test_a_group_may_have_a_name_that_yaml_takes_for_a_value():
    """Such as `on`, which is true; a trial reads the space back from JSON."""
    some, none = {"mixup": 0.2}, {"mixup": 0.0}
    for name in (True, 1, 1.5, None):
        parameters = {
            name: {"choices": {"some": some, "none": none}},
            "flip": {"choices": [True, False], "when": {name: ["some"]}},
        }
        space, in_trial = Space(parameters), Space(json.loads(json.dumps(parameters)))
        assert space.parameters == in_trial.parameters
        (group, _) = sample(space).space
        values = {group.name: "some", "flip": "false"}
        config = space.edit(TrainConfig(), values)
        assert (config.mixup, config.flip) == (0.2, False)


def test_a_base_with_a_teacher_may_have_a_choice_without_one():
    groups = {"plain": {"teacher": None}, "taught": {"teacher_weight": 0.7}}
    groups |= {"features": {"teacher": "b", "distillation": "features"}}
    space = Space({"how": {"choices": groups}})
    base = TrainConfig(teacher="a")
    again = TrainConfig.from_dict(dataclasses.asdict(base))  # as a trial reads it
    for config in (base, again):
        plain = space.edit(config, {"how": "plain"})
        assert (plain.teacher, plain.distillation) == (None, None)
        taught = space.edit(config, {"how": "taught"})
        assert (taught.teacher, taught.distillation) == ("a", "soft")
        other = space.edit(config, {"how": "features"})
        assert (other.teacher, other.distillation) == ("b", "features")
    for given in ({"distillation": "dist"}, {"temperature": 2.0}):
        with pytest.raises(UsageError, match=r"is for a run with a teacher"):
            space.edit(TrainConfig(teacher="a", **given), {"how": "plain"})

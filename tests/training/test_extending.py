"""More epochs for a run that is finished."""

import csv
import dataclasses
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from toy_runs import EVERYTHING, folder_of_images, outcome

from swin_keras.errors import DataError, SwinKerasError, UsageError
from swin_keras.model_files import read_card
from swin_keras.training import TrainConfig
from swin_keras.training.checkpoints import CheckpointFolder
from swin_keras.training.extending import as_begun, check_lasting, lasting_options
from swin_keras.training.run_folder import create_run
from swin_keras.training.train import train


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("extended")
    options = EVERYTHING | {"batch_size": 8, "epochs": 2, "tensorboard": False}
    data = folder_of_images(root / "pets")
    config = TrainConfig(data=str(data), runs_dir=str(root), name="run", **options)
    train(config)
    return config


@pytest.mark.parametrize("is_finished", [True, False])
def test_epochs_that_are_not_given_are_those_it_began_with(tmp_path, is_finished):
    """And not the preset's."""
    begun = TrainConfig(name="run", runs_dir=str(tmp_path), epochs=3, erase=0.5)
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(begun.to_yaml())
    if is_finished:
        run.card.write_text("{}")
    given = TrainConfig(name="run", runs_dir=str(tmp_path))
    assert (given.epochs, given.erase) != (3, 0.5)
    assert as_begun(run, given) == begun
    for option in ({"epochs": 2}, {"erase": given.erase}):
        with pytest.raises(UsageError, match=f"{next(iter(option))} was"):
            as_begun(run, TrainConfig(name="run", runs_dir=str(tmp_path), **option))


@pytest.mark.slow
def test_a_finished_run_goes_on_as_if_that_had_been_planned(toy):
    more = dataclasses.replace(toy, epochs=5)
    run = train(more, resume=True)
    written = TrainConfig.from_dict(yaml.safe_load(run.config.read_text()))
    assert (written.epochs, written.restarts) == (5, (2,))
    assert read_card(run.path).train["restarts"] == [2]
    assert "--restarts '[2]'" in read_card(run.path).command
    rows = list(csv.DictReader(run.metrics.read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3, 4]
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates[1] == rates[4] == 0 < rates[2]
    planned = dataclasses.replace(written, name="planned")
    assert outcome(run) == outcome(train(planned))
    before = run.config.read_text()
    assert train(written, resume=True).card.is_file()  # it is finished
    assert train(more, resume=True).card.is_file()  # the same command again, too
    assert run.config.read_text() == before
    train(dataclasses.replace(toy, epochs=6), resume=True)
    assert read_card(run.path).train["restarts"] == [2, 5]


@pytest.mark.slow
def test_what_cannot_have_more_epochs_is_told(toy):
    run = train(dataclasses.replace(toy, name="short", epochs=1))
    text = run.card.read_text()
    more = dataclasses.replace(toy, name="short", epochs=3)
    for config in (dataclasses.replace(more, seed=7), more):
        if config == more:
            run.card.unlink()
        with pytest.raises(UsageError, match=r"epochs was 1|Finish it with --resume"):
            train(config, resume=True)
    run.card.write_text(text)
    for path in run.checkpoints.glob("*/manifest.json"):
        path.write_text("[]")
    with pytest.raises(UsageError, match="Start another run from its weights"):
        train(more, resume=True)
    assert run.card.read_text() == text


@pytest.mark.slow
def test_a_run_whose_data_are_gone_stays_as_it_is(toy):
    run = train(dataclasses.replace(toy, name="gone", epochs=1))
    before = run.config.read_text(), run.card.read_text()
    more = dataclasses.replace(toy, name="gone", epochs=3, data=toy.data + "-moved")
    with pytest.raises(DataError):
        train(more, resume=True)
    assert (run.config.read_text(), run.card.read_text()) == before


def test_what_teaches_may_have_moved(tmp_path):
    """Whether it is the same is told from its fingerprint, as with the data."""
    options = {"name": "run", "runs_dir": str(tmp_path)}
    begun = TrainConfig(**options, teacher="here", unlabelled="more")
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(begun.to_yaml())
    assert as_begun(run, TrainConfig(**options)) == begun
    moved = as_begun(run, TrainConfig(**options, teacher="there", unlabelled="other"))
    assert (moved.teacher, moved.unlabelled) == ("there", "other")


def test_blocks_may_be_computed_again_from_where_a_run_resumes(tmp_path):
    """And are to the end, whether or not that is given again."""
    options = {"name": "run", "runs_dir": str(tmp_path)}
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(TrainConfig(**options).to_yaml())
    assert not as_begun(run, TrainConfig(**options)).remat
    again = as_begun(run, TrainConfig(**options, remat=True))
    assert again.remat
    run.config.write_text(again.to_yaml())
    assert as_begun(run, TrainConfig(**options)) == again


@pytest.mark.slow
def test_what_is_computed_again_leaves_the_weights_as_they_are(tmp_path):
    """But for rounding: the compiler joins other operations."""
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
    options = EVERYTHING | {"sizes": sizes | {"drop_path_rate": 0.3}, "batch_size": 8}
    options |= {"data": str(folder_of_images(tmp_path / "pets")), "epochs": 2}
    options |= {"tensorboard": False, "runs_dir": str(tmp_path)}
    weights = []
    for remat in (False, True):
        config = TrainConfig(**options, name=f"run{remat:d}")
        train(config, part=range(1))
        run = train(dataclasses.replace(config, remat=remat), resume=True)
        assert run.read_config().remat == remat
        weights.append(CheckpointFolder(run.checkpoints).newest().arrays)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_sizes_may_be_tuples_when_a_run_resumes(tmp_path):
    options = {"name": "run", "runs_dir": str(tmp_path)}
    begun = TrainConfig(**options, sizes={"depths": (2, 2), "num_heads": (2, 4)})
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(begun.to_yaml())
    assert as_begun(run, begun) == begun


@pytest.mark.slow
def test_weights_that_a_run_began_with_are_needed_once(tmp_path):
    options = EVERYTHING | {"batch_size": 8, "tensorboard": False}
    data = folder_of_images(tmp_path / "pets")
    options |= {"data": str(data), "runs_dir": str(tmp_path), "epochs": 2}
    first = train(TrainConfig(**options, name="first"))
    weights = shutil.copy(first.best_model, tmp_path / "weights.keras")
    config = TrainConfig(**options, name="second", weights=str(weights))
    train(config, part=range(1))
    weights.unlink()
    run = train(config, resume=True)
    assert run.card.is_file()
    with pytest.raises(SwinKerasError, match="weights"):
        train(dataclasses.replace(config, name="third"))


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_what_comes_after_its_end_is_said(tmp_path, monkeypatch, caplog, schedule):
    begun = TrainConfig(name="run", runs_dir=str(tmp_path), epochs=1, schedule=schedule)
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(begun.to_yaml())
    run.card.write_text("{}")
    checkpoint = SimpleNamespace(state={"epochs": 1})
    monkeypatch.setattr(CheckpointFolder, "newest", lambda folder: checkpoint)
    with caplog.at_level("INFO"):
        more = as_begun(run, dataclasses.replace(begun, epochs=2))
    assert more.restarts == (1,)
    assert caplog.messages == [
        "training goes on after epoch 1 to epoch 2, with another warm-up and another "
        f"{schedule} schedule"
    ]


def test_what_was_planned_is_kept_of_a_run_that_stopped_early(tmp_path, monkeypatch):
    """And of runs that were extended before, which knew of no such plan."""
    begun = TrainConfig(name="run", runs_dir=str(tmp_path), epochs=20, restarts=(5,))
    run = create_run(tmp_path, "run", "digits")
    values = yaml.safe_load(begun.to_yaml())
    del values["planned_ends"]
    run.config.write_text(yaml.safe_dump(values))
    run.card.write_text("{}")
    checkpoint = SimpleNamespace(state={"epochs": 8})
    monkeypatch.setattr(CheckpointFolder, "newest", lambda folder: checkpoint)
    given = TrainConfig(name="run", runs_dir=str(tmp_path), epochs=30)
    more = as_begun(run, dataclasses.replace(given, restarts=(5,)))
    assert (more.restarts, more.planned_ends) == ((5, 8), (5, 20))
    run.config.write_text(more.to_yaml())
    assert as_begun(run, given) == more  # the command again


@pytest.mark.parametrize("restarts", [(), (3,)])
@pytest.mark.parametrize("planned", [(2,), (3, 5)])
def test_plans_that_no_part_can_have_are_refused(planned, restarts):
    with pytest.raises(UsageError, match="`planned_ends` must have an epoch for each"):
        TrainConfig(epochs=9, restarts=restarts, planned_ends=planned)


@pytest.mark.slow
def test_a_run_that_stopped_early_and_went_on_is_the_same_from_its_configuration(toy):
    # So small a rate moves no accuracy, and biases that began at 0 all the same.
    options = {"early_stopping": 1, "learning_rate": 1e-9, "monitor": "val_accuracy"}
    config = dataclasses.replace(toy, name="early", epochs=9, **options)
    run = train(config)
    done = len(run.metrics.read_text().splitlines()) - 1
    assert done < 9
    run = train(dataclasses.replace(config, epochs=12), resume=True)
    written = run.read_config()
    assert (written.restarts, written.planned_ends) == ((done,), (9,))
    again = train(dataclasses.replace(written, name="again"))
    (one, other) = (CheckpointFolder(r.checkpoints).newest() for r in (run, again))
    assert one.step == other.step > 2 * done
    for mine, theirs in zip(one.arrays, other.arrays, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def refusal(before, now):
    """Return what of a checkpoint's options may not have changed, by its message."""
    try:
        check_lasting(lasting_options(before), lasting_options(now))
    except UsageError as error:
        return re.findall(r"(\w+) was", str(error))
    return []


def test_options_that_were_edited_since_a_checkpoint_are_named():
    begun = TrainConfig(batch_size=16, epochs=3, sizes={"depths": (2, 2)})
    edited = dataclasses.replace(begun, batch_size=8, seed=2)
    assert refusal(begun, edited) == ["batch_size", "seed"]
    assert refusal(begun, dataclasses.replace(begun, epochs=5)) == ["epochs"]
    moved = {"data": "there", "name": "other", "workers": 0, "strategy": "none"}
    moved |= {"remat": True, "sizes": {"depths": [2, 2]}}
    assert refusal(begun, dataclasses.replace(begun, **moved)) == []
    older = {"learning_rate": 1.0}  # which knew fewer options, or none
    with pytest.raises(UsageError, match="learning_rate was 1"):
        check_lasting(older, lasting_options(begun))
    check_lasting({}, lasting_options(begun))


def test_more_epochs_leave_the_schedule_that_was_trained_on():
    begun = TrainConfig(epochs=10)
    extended = dataclasses.replace(begun, epochs=20, restarts=(10,))
    early = dataclasses.replace(extended, restarts=(4,), planned_ends=(10,))
    again = dataclasses.replace(extended, epochs=30, restarts=(10, 20))
    for before, now in ((begun, extended), (begun, early), (extended, again)):
        assert refusal(before, now) == []
        assert refusal(now, before) != []
    assert refusal(extended, dataclasses.replace(extended, epochs=25)) == ["epochs"]
    assert refusal(extended, dataclasses.replace(extended, restarts=(4,))) != []

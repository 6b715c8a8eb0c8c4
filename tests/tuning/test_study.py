"""Studies as files: read, compared, refused."""

import csv
import dataclasses
import importlib
import io
import math
import os
from types import SimpleNamespace

import pytest
from toy_studies import SPACE, TRAIN, folder_of, write_study

from swin_keras.errors import TrainingError, UsageError
from swin_keras.tasks import task_named
from swin_keras.training import TrainConfig
from swin_keras.tuning.results import _table, best_of
from swin_keras.tuning.space import Space
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import FAILED, FINISHED, OVER, StudyFolder, Trial
from swin_keras.tuning.trial import _as_begun, run_trial


def test_a_study_is_read_and_written_without_change(tmp_path):
    study = Study.read(write_study(tmp_path, limits={"macs": 1e6}, minutes=5))
    assert study.name == "toy"
    assert study.folder == str(tmp_path)
    assert study.train.epochs == TRAIN["epochs"]
    folder = StudyFolder.of(study)
    folder.begin(study, resume=False)
    assert folder.read_study().differences(study) == []
    assert folder.read_study().to_dict() == study.to_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trails": 3}, "A study has no 'trails'. Did you mean 'trials'"),
        ({"tuner": "randm"}, "There is no tuner 'randm'. Did you mean 'random'"),
        ({"trials": 0}, "`trials` must be a number above 0. Received: 0"),
        ({"trials": None}, "A random search needs a number of `trials`"),
        ({"minutes": -1}, "`minutes` must be a number above 0"),
        ({"minutes": "ten"}, "Received: 'ten'"),
        ({"seed": "one"}, "`seed` must be a whole number"),
        ({"seed": -1}, "`seed` must be a whole number, 0 or above. Received: -1"),
        ({"space": {"batch_size": ["auto", 32]}}, "which cannot be 'auto'"),
        ({"limits": {"latency": 3}}, "There is no limit on 'latency'"),
        ({"limits": {"litert_ms": 0}}, "limit on litert_ms must be a number above 0"),
        ({"limits": 3}, "`limits` must be a mapping"),
        ({"train": {"epoch": 3}}, "Did you mean 'epochs'"),
        ({"train": {"epochs": "three"}}, "`epochs` must be a whole number"),
        ({"train": {"sizes": {"depth": [2]}}}, "Did you mean 'sizes.depths'"),
        ({"train": {"batch_size": "auto"}}, "cannot be 'auto'"),
        ({"train": {"strategy": "multiworker"}}, "must be left out"),
        ({"space": {"mixup": []}}, "at least one choice"),
        ({"tuner": "hyperband", "space": {"epochs": [1, 2]}}, "decides on the epochs"),
        (
            {
                "tuner": "hyperband",
                "space": {
                    "length": {"choices": {"a": {"epochs": 1}, "b": {"mixup": 0.1}}}
                },
            },
            "decides on the epochs",
        ),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(tmp_path, changes, message):
    path = write_study(tmp_path, **changes)
    with pytest.raises(UsageError) as caught:
        Study.read(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        Study.read(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(UsageError, match="names nothing"):
        Study.read(tmp_path / "empty.yaml")
    (tmp_path / "bad.yaml").write_text("space: [")
    with pytest.raises(UsageError, match="YAML file that can be read"):
        Study.read(tmp_path / "bad.yaml")


def test_a_group_with_the_name_of_what_may_change_may_not_change():
    def study(epochs):
        names = ("trials", "minutes", "folder", "data_dir")
        group = {"choices": {"a": {"epochs": epochs}, "b": {"epochs": 9}}}
        return Study("toy", space=Space(dict.fromkeys(names, group)), trials=1)

    base = study(1)
    changed = [line.split()[0] for line in study(2).differences(base)]
    assert changed == [f"space.{name}" for name in base.space.given]
    train = dataclasses.replace(base.train, data_dir="elsewhere")
    other = dataclasses.replace(base, train=train, trials=2, minutes=1, folder="b")
    assert other.differences(base) == []


def test_a_group_may_be_called_as_a_column_of_the_table():
    fixed = ("trial", "status", "seconds", "reason")
    names = (*fixed, "parameters", "val_loss", "id", "values", "mixup")
    group = {"choices": {"a": {"epochs": 1}, "b": {"epochs": 2}}}
    space = Space(dict.fromkeys(names, group) | {"mixup": [0.0, 0.2]})
    trial = Trial(
        "0000",
        dict.fromkeys(names, "b") | {"mixup": 0.2},
        FINISHED,
        costs={"parameters": 7},
        metrics={"val_loss": 0.5},
        seconds=3.0,
    )
    table = _table(Study("toy", space=space, trials=1), [trial])
    columns = next(csv.reader(io.StringIO(table)))
    assert len(set(columns)) == len(columns)
    (row,) = csv.DictReader(io.StringIO(table))
    assert row == {
        "trial": "0000",
        "status": FINISHED,
        **{f"chosen {name}": "b" for name in names[:6]},
        "id": "b",
        "values": "b",
        "mixup": "0.2",
        "parameters": "7",
        "val_loss": "0.5",
        "seconds": "3.0",
        "reason": "",
    }


def test_a_folder_takes_only_its_own_study(tmp_path):
    study = Study.read(write_study(tmp_path))
    folder = StudyFolder.of(study)
    folder.begin(study, resume=False)
    folder.note(start="0000", tuner="tuner0", values={}, seconds=0.0)
    with pytest.raises(UsageError, match="Continue it with --resume"):
        folder.begin(study, resume=False)
    changed = SPACE | {"mixup": [0.0, 0.4]}
    other = Study.read(write_study(tmp_path, space=changed, train=TRAIN | {"seed": 3}))
    with pytest.raises(UsageError) as caught:
        folder.begin(other, resume=True)
    assert "space.mixup was [0.0, 0.2] and is [0.0, 0.4]" in str(caught.value)
    assert "train.seed was 0 and is 3" in str(caught.value)
    longer = dataclasses.replace(study, trials=9, minutes=2.0)
    folder.begin(longer, resume=True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("name: ../../../x", "A study's name must be one plain name"),
        ("name: 5", "A study's name must be one plain name"),
        ("folder: /elsewhere", "must not name a `folder`"),
    ],
)
def test_a_study_does_not_choose_where_it_is_written(tmp_path, line, message):
    path = write_study(tmp_path)
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(UsageError, match=message):
        Study.read(path)


def test_the_folder_of_a_study_is_text(tmp_path):
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    message = r"`folder` must have another name: .*caf\\udce9' holds bytes that are not"
    with pytest.raises(UsageError, match=message):
        Study.read(write_study(odd))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"id": "../x"}',
        '{"no": 1}',
        "[" * 10**5,
        f'{{"id": "0000", "values": {{}}, "status": "finished", "score": 1{"0" * 400}, '
        f'"trials": 1{"0" * 400}, "seconds": 1{"0" * 400}}}',
    ],
)
@pytest.mark.parametrize("name", ["study.json", "trial.json", "journal.jsonl"])
def test_what_is_not_as_it_was_written_is_told(tmp_path, name, content):
    study = Study.read(write_study(tmp_path))
    folder = StudyFolder.of(study)
    folder.begin(study, resume=False)
    folder.write(Trial("0000", {}))
    folder.note(start="0000", tuner="t", values={}, seconds=1.0)
    assert (folder.trials()[0].id, folder.seconds) == ("0000", 1.0)
    (path,) = folder.path.rglob(name)
    path.write_text(content + "\n")
    with pytest.raises(UsageError, match=rf"must be as it was\. .*{name}"):
        _ = folder.read_study(), folder.trials(), folder.events()


def test_a_trial_goes_on_with_the_batch_it_began_with(tmp_path):
    """Left open, it follows from the memory and the devices, which may be others."""
    train = {n: v for n, v in TRAIN.items() if n != "batch_size"}
    folder = folder_of(write_study(tmp_path, train=train))
    open_one = TrainConfig(**train, runs_dir=str(folder.trials_dir))
    numbers = {"batch_size": 24, "learning_rate": 0.5, "min_learning_rate": 0.1}
    begun = dataclasses.replace(open_one, name="0001", **numbers)
    run = folder.run("0001")
    run.path.mkdir(parents=True)
    run.config.write_text(begun.to_yaml())
    for trial_id, values in (("0001", {}), ("0002", {"tuner/trial_id": "0001"})):
        config = dataclasses.replace(open_one, name=trial_id)
        found = _as_begun(folder, Trial(trial_id, values), config)
        assert {name: getattr(found, name) for name in numbers} == numbers
        assert found.name == trial_id
    new = dataclasses.replace(open_one, name="0003")
    assert _as_begun(folder, Trial("0003", {}), new) == new


def test_numbers_are_read_alike_everywhere(tmp_path):
    path = tmp_path / "toy.yaml"
    path.write_text(
        "trials: 3\n"
        "train: {learning_rate: 1e-3, name: '1e3'}\n"
        "limits: {macs: 1e6}\n"
        "space:\n"
        "  mixup: [1e-1, 2e-1]\n"
        "  erase: {min: 1e-2, max: 1e-1}\n"
        "  group: {choices: {a: {weight_decay: 1e-2}, b: {weight_decay: 5E-2}}}\n"
    )
    study = Study.read(path)
    assert study.train.learning_rate == 0.001
    assert study.train.name == "1e3"
    assert study.limits.macs == 1_000_000
    config = study.train_config({"group": "b"})
    assert config.weight_decay == 0.05


def test_a_score_that_is_no_number_is_not_the_best():
    def trial(number, score):
        metrics = {"score": score, "val_loss": 1.0}
        return Trial(str(number), {}, status=FINISHED, metrics=metrics)

    for scores in ((math.nan, 0.3, 0.5), (0.5, 0.3, math.nan)):
        best = best_of([trial(*numbered) for numbered in enumerate(scores)])
        assert best.score == 0.5
    assert best_of([trial(0, math.nan)]) is None


def test_a_trial_whose_score_is_no_number_has_failed(tmp_path, monkeypatch):
    study = Study.read(write_study(tmp_path))
    folder = StudyFolder.of(study)
    folder.begin(study, resume=False)
    trial = Trial("0000", {}, costs={"parameters": 1})
    train_to(monkeypatch, {"val_accuracy": math.nan, "val_loss": math.nan})
    with pytest.raises(TrainingError, match="What judges the trial"):
        run_trial(folder, trial)


def train_to(monkeypatch, metrics):
    """Let training end at once, with these figures."""
    run = SimpleNamespace(read_card=lambda: SimpleNamespace(metrics=metrics))
    job = SimpleNamespace(task=task_named("classify"))
    for name, stub in {
        "compile_cache.prepare_compiler": lambda config: None,
        "preparation.prepare": lambda config: job,
        "train.train": lambda config, **options: run,
    }.items():
        module, _, function = f"swin_keras.training.{name}".rpartition(".")
        monkeypatch.setattr(importlib.import_module(module), function, stub)


def test_hyperband_measures_no_model_twice(tmp_path, monkeypatch):
    """Its latency would be another, within the limit or over it."""
    changes = {"tuner": "hyperband", "limits": {"litert_ms": 0.5}}
    train = TRAIN | {"tensorboard": False}
    folder = folder_of(write_study(tmp_path, train=train, **changes))
    folder.begin(Study.read(tmp_path / "toy.yaml"), resume=False)
    costs = {"parameters": 7, "litert_ms": 0.5}
    before = folder.run("0000")
    before.checkpoints.mkdir(parents=True)
    before.config.write_text(TrainConfig(**train).to_yaml())
    figures = {"val_accuracy": 0.5, "val_loss": 1.0}
    scored = {"status": FINISHED, "metrics": figures | {"score": 0.5}}
    folder.write(Trial("0000", {}, **scored, costs=costs))
    train_to(monkeypatch, figures)
    values = {"tuner/trial_id": "0000", "tuner/epochs": 3}
    trial = Trial("0001", values)
    folder.write(trial)
    found = run_trial(folder, trial)
    assert found == Trial("0001", values, **scored, costs=costs)
    assert folder.trial("0001").costs == costs  # also if it is stopped now


@pytest.mark.parametrize("status", [OVER, FAILED])
def test_what_goes_on_with_an_unfinished_trial_is_as_unfinished(tmp_path, status):
    study = Study.read(write_study(tmp_path))
    folder = StudyFolder.of(study)
    folder.begin(study, resume=False)
    why = {"status": status, "reason": "its words", "costs": {"parameters": 7}}
    folder.write(Trial("0000", {"width": "a"}, **why, seconds=3.0))
    values = {"width": "a", "tuner/trial_id": "0000", "tuner/epochs": 2}
    assert run_trial(folder, Trial("0001", values)) == Trial("0001", values, **why)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_study(tmp_path)
    study = Study.read("~/toy.yaml")
    assert StudyFolder.of(study).path == tmp_path / "runs" / "toy"
    study = dataclasses.replace(study, folder="~/studies")
    assert StudyFolder.of(study).path == tmp_path / "studies" / "runs" / "toy"

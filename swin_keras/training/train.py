"""Train a classifier: `swin-keras train`, or `swin_keras.train(TrainConfig(...))`."""

import dataclasses
import functools
import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from swin_keras.card import ModelCard
from swin_keras.data import (
    ImageDataset,
    batches,
    data_errors,
    extract,
    load_dataset,
    steps_per_epoch,
)
from swin_keras.evaluation import evaluate_dataset
from swin_keras.inference import Predictor
from swin_keras.models import SwinClassifier, SwinConfig, variant_config
from swin_keras.report import plot_confusion_matrix, plot_curves, plot_images
from swin_keras.training.callbacks import BestModel, LiveProgress
from swin_keras.training.config import TrainConfig
from swin_keras.training.recipe import make_augmentation, make_loss, make_optimizer
from swin_keras.training.run_folder import RunFolder, create_run

log = logging.getLogger(__name__)
SAMPLES = 16  # test images kept with the run: for prediction and export checks


@dataclass(frozen=True)
class TrainingJob:
    """A run ready to start: data, models that share weights, and batches."""

    config: TrainConfig
    dataset: ImageDataset
    model_config: SwinConfig
    model: keras.Model
    logits_model: keras.Model
    steps: int

    def training_batches(self, epochs=None):
        return batches(
            self.dataset.splits["train"],
            self.config.batch_size,
            *self._image_arguments(),
            training=True,
            seed=self.config.seed,
            epochs=epochs or self.config.epochs,
            augmentation=make_augmentation(self.config, self.dataset),
        )

    def validation_batches(self):
        return batches(
            self.dataset.splits["val"],
            self.config.batch_size,
            *self._image_arguments(),
            crop_fraction=self.config.crop_fraction,
        )

    def _image_arguments(self):
        height, width, channels = self.model_config.input_shape
        return (height, width), channels

    @functools.cached_property
    def data_card(self) -> dict:
        return {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint(),
            "images": {name: len(s) for name, s in self.dataset.splits.items()},
        }

    def card(self, name: str, metrics: dict) -> ModelCard:
        return ModelCard(
            name=name,
            variant=self.config.model,
            model=dataclasses.asdict(self.model_config),
            class_names=self.dataset.class_names,
            crop_fraction=self.config.crop_fraction,
            train=dataclasses.asdict(self.config),
            data=self.data_card,
            metrics={key: float(value) for key, value in metrics.items()},
            command=self.config.to_command(),
        )


def train(config: TrainConfig | None = None) -> RunFolder:
    """Train a classifier and write everything about it to `runs/<name>/`.

    `config.yaml`, `metrics.csv`, `best.keras` (best on the validation images),
    `card.json`, `plots/`, `samples/` (test images), `log.txt`.

    Args:
        config: What and how; `None` trains the small variant on digits.

    Returns:
        The run's folder; its card holds the accuracy on the test images.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
    """
    config = config or TrainConfig()
    job = prepare(config)
    run = create_run(config.runs_dir, config.name, config.data)
    with _log_file(run.log):
        log.info("run %s", run.path)
        _write_inputs(run, job)
        seconds = _fit(run, job)
        _conclude(run, job, seconds)
    return run


def prepare(config: TrainConfig) -> TrainingJob:
    """Load the data, build and compile the model; write nothing."""
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    dataset = load_dataset(
        config.data, data_dir=config.data_dir, seed=config.seed, on_bad=config.on_bad
    )
    model_config = _model_config(config, dataset)
    model = SwinClassifier(model_config, classes=dataset.classes, name=config.model)
    logits_model = keras.Model(
        model.inputs, model.get_layer("head").output, name="logits"
    )
    steps = steps_per_epoch(dataset.splits["train"], config.batch_size, training=True)
    logits_model.compile(
        optimizer=make_optimizer(config, model, steps),
        loss=make_loss(config, dataset.classes),
        metrics=["accuracy"],
        jit_compile=config.jit_compile,
    )
    return TrainingJob(config, dataset, model_config, model, logits_model, steps)


def _model_config(config: TrainConfig, dataset: ImageDataset) -> SwinConfig:
    """Fit the variant to the data's channels and the wanted image size.

    By default that is the variant's size, but not more than twice the images'
    own where that is known: enlarging digits of 8 pixels to 32 only costs time.
    """
    variant = variant_config(config.model)
    *own_size, channels = dataset.image_shape
    size = config.image_size
    if size is None:
        sides = zip(variant.input_shape, own_size, strict=False)
        size = tuple(min(side, 2 * own) if own else side for side, own in sides)
    elif isinstance(size, int):
        size = (size, size)
    sizes = {"input_shape": (*size, channels)} | config.sizes
    return variant.replace(**sizes)


def _write_inputs(run, job):
    for note in job.dataset.notes:
        log.info("data: %s", note)
    for path, reason in job.dataset.skipped:
        log.info("data: skipped %s (%s)", path, reason)
    counts = ", ".join(f"{len(s)} {name}" for name, s in job.dataset.splits.items())
    log.info(
        "%s with %d classes (%s images); %s at %d x %d x %d, %s parameters",
        *(job.dataset.name, job.dataset.classes, counts, job.config.model),
        *job.model_config.input_shape,
        f"{job.model.count_params():,}",
    )
    run.config.write_text(job.config.to_yaml(), "utf-8")
    run.plots.mkdir()
    images, labels = next(iter(job.training_batches(epochs=1)))
    names = [job.dataset.class_names[label] for label in labels.numpy()]
    plot_images(images.numpy(), names, run.plots / "training_images.png")
    extract(job.dataset, run.samples, count=SAMPLES, split="test")


def _fit(run, job):
    config, started = job.config, time.monotonic()
    progress = LiveProgress(config.epochs, job.steps, config.batch_size)
    best = BestModel(job.model, run.best_model, lambda m: job.card(run.name, m))
    callbacks = [keras.callbacks.CSVLogger(run.metrics), best, progress]
    if config.ema_momentum:  # before the others, which then see the average
        callbacks.insert(0, keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    try:
        with data_errors():
            job.logits_model.fit(
                job.training_batches(),
                epochs=config.epochs,
                steps_per_epoch=job.steps,
                validation_data=job.validation_batches(),
                callbacks=callbacks,
                shuffle=False,  # the batches come in the order of the seed
                verbose=0,
            )
    finally:
        progress.stop()
        best.finish()
    return time.monotonic() - started


def _conclude(run, job, seconds):
    """Judge the best model on the test images; draw the curves."""
    plot_curves(run.metrics, run.plots / "curves.png")
    predictor = Predictor(run.best_model)
    result = evaluate_dataset(predictor, job.dataset)
    plot_confusion_matrix(
        result.confusion, job.dataset.class_names, run.plots / "confusion_matrix.png"
    )
    metrics = predictor.card.metrics | {
        "test_accuracy": result.accuracy,
        "seconds": round(seconds, 1),
    }
    card = job.card(run.name, metrics)
    (run.path / "card.json").write_text(card.to_json(), "utf-8")
    log.info(
        "test accuracy %.2f %% on %d images after %.0f s, best epoch %d: %s",
        *(100 * result.accuracy, result.images, seconds, metrics["epoch"]),
        run.path,
    )


@contextmanager
def _log_file(path):
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("swin_keras")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()

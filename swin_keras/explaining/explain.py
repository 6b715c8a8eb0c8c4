"""Explain answers: `swin-keras explain`, or `swin_keras.explain(MODEL, IMAGES)`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from numbers import Integral

import numpy as np

from swin_keras.data import ImageError
from swin_keras.errors import UsageError
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.overlay import overlay
from swin_keras.inference.pictures import is_taken, pictures, refusal
from swin_keras.scores.shares import percent
from swin_keras.tasks.explained import ExplanationTarget, Question
from swin_keras.tasks.prediction import OutputsPrediction

CENTRE = (0.5, 0.5)
NAMED = 3  # answers, at least, that an explanation lists beside the explained one


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model says what it says of one image.

    Args:
        path: The image's path; without one, its place among all: "image 0".
        method: How the maps were made.
        image: The picture as the model sees it, uint8 `(H, W, channels)`.
        scores: `(name, number)` of the best answers, best first: the probability of
            a class, its share of a mask, or the score of a box.
        gives_logits: Whether the numbers are no shares of 1: of a classifier that ends
            in no softmax or sigmoid.
        maps: Maps `(h, w)` float32 by name, that of a class, a box or what is shown.
            With sign: what is above 0 speaks for the class.
        targets: What each map explains, by name: an `ExplanationTarget` with a
            detector's `box` or a segmenter's `mask`; empty for maps of all alike.
        at: `(x, y)` from 0 to 1 of the query of method "attention", or `None`.
        reached: How far each map goes, in shares of the picture's height and width:
            that of padded sides goes beyond the picture, by less than a cell.
        note: Why there is no map, or `None`.
        error: Why the image could not be read, or `None`.
    """

    path: str
    method: str
    image: np.ndarray | None = None
    scores: tuple[tuple[str, float], ...] = ()
    gives_logits: bool = False
    maps: dict[str, np.ndarray] = field(default_factory=dict)
    targets: dict[str, ExplanationTarget] = field(default_factory=dict)
    at: tuple[float, float] | None = None
    reached: tuple[float, float] = (1.0, 1.0)
    note: str | None = None
    error: str | None = None

    @property
    def answers(self) -> list[str]:
        """The best answers in words, best first: "cat 97.0%"."""
        in_text = OutputsPrediction.in_text if self.gives_logits else percent
        return [f"{name} {in_text(score)}" for name, score in self.scores]

    def overlay(self, name: str | None = None):
        """Return a map over the picture, as a Pillow image.

        The box or the outline of the mask that is explained is drawn, too.

        Args:
            name: Of the map; `None` for the first.

        Raises:
            UsageError: If there is no map, and why.
        """
        if not self.maps:
            why = self.note or self.error
            raise UsageError(f"There is no map of {self.path}: {why}.")
        name = name or next(iter(self.maps))
        return overlay(
            self.image,
            self.maps[name],
            is_smooth=self.method != "attention",
            at=self.at,
            target=self.targets.get(name),
            reached=self.reached,
        )


def explain(
    model,
    images,
    *,
    method: str | None = None,
    class_name: str | None = None,
    top: int = 1,
    box: int | None = None,
    region: tuple[float, float, float, float] | None = None,
    stage: int | None = None,
    at: tuple[float, float] | None = None,
    batch_size: int = 8,
    class_names=None,
    task: str | None = None,
    trust: bool = False,
) -> list[Explanation]:
    """Show where in images a model sees what it says.

    ```python
    for answer in swin_keras.explain("runs/flowers", "photos/", method="grad-cam"):
        answer.overlay().save("why.png")
    ```

    Args:
        model: A run, an export, a `.keras` file or a `keras.Model`. A LiteRT, ONNX or
            SavedModel file that was exported with `--explain` answers "cam".
        images: What `Predictor.predict` takes: paths, folders, Pillow images, arrays.
        method: One of `METHODS`; docs/explain.md explains what each shows and does not.
            `None` is "cam" for classes, "grad-cam" for masks and boxes, and "rollout"
            for feature maps.
        class_name: Class to explain; `None` for those that the model finds best.
        top: How many of the best classes or boxes to explain, each with a map.
        box: Of a detector: which box, from 1, the most certain first, among those of
            the class if one is named.
        region: Of a segmenter: x1, y1, x2, y2 from 0 to 1, where the class is
            explained; `None` for the pixels that the model gives it.
        stage: Of "grad-cam" and "hires-cam", whose map is weighed: the lower, the
            finer; of "attention", where the query is. From 1; `None` for the last.
        at: Of "attention": the query `(x, y)`, each from 0 to 1; `None` for the
            centre.
        batch_size: Images that are run together.
        class_names: Names of the classes where the model has no card.
        task: What a model without a card answers: "classify", "segment" or "detect".
        trust: Whether a SavedModel may hold operations that do more than compute.

    Returns:
        An `Explanation` for each image, in order.

    Raises:
        ModelFileError: If there is no such model, or it cannot do this.
        UsageError: If there is no such method, class or stage.
        DataError: If a path does not exist, or a folder holds no image.
    """
    return list(
        explanations(
            model,
            images,
            method=method,
            class_name=class_name,
            top=top,
            box=box,
            region=region,
            stage=stage,
            at=at,
            batch_size=batch_size,
            class_names=class_names,
            task=task,
            trust=trust,
        )
    )


def explanations(
    model,
    images,
    *,
    method=None,
    class_name=None,
    top=1,
    box=None,
    region=None,
    stage=None,
    at=None,
    batch_size=8,
    class_names=None,
    task=None,
    trust=False,
) -> Iterator[Explanation]:
    """Return what `explain` does one by one: a batch is in memory at a time.

    What is asked is checked at once.
    """
    if not is_taken(images):
        raise refusal(type(images).__name__)
    if not all(isinstance(n, Integral) and n > 0 for n in (top, batch_size)):
        raise UsageError(
            "`top` and `batch_size` must be whole numbers of at least 1. "
            f"Received: top={top!r}, batch_size={batch_size!r}."
        )
    explainer = Explainer(model, class_names, trust=trust, task=task)
    method = method or explainer.default_method
    if method == "attention" and at is None:
        at = CENTRE
    explainer.check(method, stage, at, class_name=class_name, box=box, region=region)
    asked = None if class_name is None else explainer.class_index(class_name)
    question = Question(asked, top, box, region)
    ask = _Asked(explainer, method, question, stage, at)
    given = pictures(images)
    batches = iter(lambda: list(islice(given, batch_size)), [])
    return chain.from_iterable(_explain_batch(ask, batch) for batch in batches)


@dataclass(frozen=True)
class _Asked:
    """What is asked of every image, and how; fields as in `explain`."""

    explainer: Explainer
    method: str
    question: Question
    stage: int | None
    at: tuple[float, float] | None


def _explain_batch(ask: _Asked, batch) -> list[Explanation]:
    images, errors = [], {}
    for index, picture in enumerate(batch):
        try:
            pixels, _ = ask.explainer.task.read(picture, ask.explainer)
            images.append(pixels)
        except ImageError as error:
            errors[index] = error.reason
    answers = iter(_explained(ask, np.stack(images)) if images else ())
    return [
        Explanation(picture.name, ask.method, error=errors[index])
        if index in errors
        else Explanation(picture.name, ask.method, **next(answers))
        for index, picture in enumerate(batch)
    ]


def _explained(ask: _Asked, images):
    """Yield the fields of an `Explanation` for each image."""
    explainer, task = ask.explainer, ask.explainer.task
    outputs = explainer.outputs(images)
    best = explainer.targets_in(outputs, Question(top=max(ask.question.top, NAMED)))
    asked, note = [[] for _ in images], None
    if ask.method in task.explained_by:
        asked = explainer.targets_in(outputs, ask.question)
        maps, note = _maps_of_targets(ask, images, asked), _nothing(ask)
    elif ask.method == "attention":
        named = explainer.query_maps(images, ask.at, ask.stage)
        maps = [{name: m[i] for name, m in named.items()} for i in range(len(images))]
    else:
        maps = [{"rollout": m} for m in explainer.maps(images, method="rollout")]
    for index, image in enumerate(images):
        sizes = [values.shape for values in maps[index].values()]  # all alike
        told = {t.name: (t.said, t.score) for t in best[index] + asked[index]}
        yield {
            "image": image,
            "scores": tuple(told.values()),
            "gives_logits": explainer.gives_logits,
            "maps": maps[index],
            "targets": {target.name: target for target in asked[index]},
            "at": ask.at,
            "reached": explainer.reach(sizes[0]) if sizes else (1.0, 1.0),
            "note": None if maps[index] else note,
        }


def _maps_of_targets(ask: _Asked, images, targets) -> list[dict]:
    """Return the maps of each image by the name of what they explain."""
    maps = [{} for _ in images]
    for place in range(max(map(len, targets))):
        rows = [i for i, of_image in enumerate(targets) if len(of_image) > place]
        column = [targets[i][place] for i in rows]
        found = ask.explainer.maps(
            images[rows], column, method=ask.method, stage=ask.stage
        )
        for index, target, values in zip(rows, column, found, strict=True):
            maps[index][target.name] = values
    return maps


def _nothing(ask: _Asked) -> str:
    index, box = ask.question.class_index, ask.question.box
    name = "nothing" if index is None else f"no {ask.explainer.class_names[index]}"
    return f"the model finds {name} here" + (f" as box {box}" if box else "")

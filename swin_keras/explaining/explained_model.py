"""What `Explainer` knows of a model before it is asked why: names, sizes, answers."""

import logging

import numpy as np
from keras import ops

from swin_keras.errors import ModelFileError, UsageError, nearest_name
from swin_keras.explaining.regions import patches_of, reach
from swin_keras.inference.model_paths import find_keras_model, path_of_model
from swin_keras.inference.runtimes import open_model, outputs_by_name, without_maps
from swin_keras.model_files import as_functional, load_keras, read_card
from swin_keras.model_files.card import CLASS_MAPS
from swin_keras.model_files.preparation import CardPreparation
from swin_keras.models.conventions import ends_in_logits, normalizes
from swin_keras.names import as_names, composed, distinct_names
from swin_keras.tasks import task_named

log = logging.getLogger(__name__)
NO_NORMALIZATION = (
    "%s has no layer that normalizes images. `explain` gives it 0..255 all the same: "
    "if it was trained on other values, normalize as then and call `Explainer.maps`."
)


class ExplainedModel(CardPreparation):
    """A model, or a file with class maps inside, and what its answers mean.

    Args:
        model: See `Explainer`.
        class_names: See `Explainer`.
        trust: See `Explainer`.
        task: See `Explainer`.
    """

    def __init__(self, model, class_names=None, *, trust=False, task=None):
        self.card = self.file = self.model = None
        if hasattr(model, "layers"):
            self.name, self.model = model.name, as_functional(model)
        else:
            self._open(path_of_model(model), trust)
        stated = self.card is None or self.card.normalizes
        takes_raw = normalizes(self.model) if self.model else stated
        if not takes_raw:
            log.warning(NO_NORMALIZATION, self.name)
        shape = tuple((self.model or self.file).input_shape)
        self.input_shape = shape[1:] if self.model else shape
        self.task, classes = self._task(task)
        if self.model:
            self.model = self.task.answering_model(self.model)
        names = as_names(class_names) or (self.card and self.card.class_names)
        if classes == 0:
            names = ()
        if classes is None and not names:
            raise UsageError(
                "The outputs of a model that ends in boxes do not say how many "
                f"classes it has. Received: {self.name}. Give `class_names`."
            )
        self.class_names = distinct_names(names or [str(n) for n in range(classes)])
        if classes is not None and len(self.class_names) != classes:
            raise UsageError(
                f"Each of the model's {classes} classes must have a name. Received: "
                f"{len(self.class_names)} names for {self.name}."
            )

    def _open(self, path, trust):
        path = find_keras_model(path)
        self.name, self.card = str(path), read_card(path)
        if path.suffix == ".keras":
            self.model = load_keras(path)
            return
        self.file = open_model(path, trust=trust)
        if CLASS_MAPS not in self.file.outputs:
            raise ModelFileError(
                "A model is explained in Keras, or by the class maps inside its file. "
                f"Received: {path}, which has none. Give the run or the model.keras "
                "of its export, or export it again with --explain."
            )

    def _task(self, name):
        """Return the task, and the number of classes, which outputs may not show."""
        task = task_named(name or (self.card.task if self.card else "classify"))
        try:
            return task, task.class_count(self._shapes())
        except ValueError as error:
            if name:
                raise UsageError(f"{error}. Received: {self.name}.") from error
            return task_named("features"), 0

    def _shapes(self):
        if self.file:
            return without_maps(self.file.outputs)
        outputs = outputs_by_name(self.model.output)
        return {name: tuple(output.shape[1:]) for name, output in outputs.items()}

    @property
    def gives_logits(self) -> bool:
        """Whether its answers are no probabilities, where its task gives them."""
        if not self.task.gives_probabilities:
            return False
        if self.model:
            return ends_in_logits(self.model)
        return self.card is not None and "outputs" in self.card.outputs

    def reach(self, size) -> tuple[float, float]:
        """Return how far a map `(h, w)` goes, in shares of the picture's sides.

        That is 1 where neither the model nor the card of its file tells.
        """
        if self.model:
            return reach(size, *patches_of(self.model))
        if self.card is None:
            return 1.0, 1.0
        sides = self.card.resized_to or self.input_shape[:2]
        return reach(size, sides, self.card.model.get("patch_size"))

    @property
    def default_method(self) -> str:
        """How answers are explained where nothing else is asked for."""
        return (*self.task.explained_by, *self.task.looked_into_by)[0]

    def class_index(self, name) -> int:
        """Return the place of a class among the outputs.

        Raises:
            UsageError: If there is no such class, with the nearest name.
        """
        name = composed(name) if isinstance(name, str) else name
        if name not in self.class_names:
            known = ", ".join(self.class_names[:20])
            more = ", ..." if len(self.class_names) > 20 else ""
            raise UsageError(
                f"The model knows no class {str(name)[:100]!r}."
                f"{nearest_name(name, self.class_names)} It knows: {known}{more}."
            )
        return self.class_names.index(name)

    def outputs(self, images) -> dict[str, np.ndarray]:
        """Return the model's own answers by name for `(B, H, W, C)`, 0..255."""
        images = np.asarray(images, "float32")
        if self.file:
            return without_maps(self.file(images))
        found = outputs_by_name(self.model(images, training=False))
        return {name: ops.convert_to_numpy(value) for name, value in found.items()}

    def probabilities(self, images) -> np.ndarray:
        """Return a classifier's own answers, `(B, classes)`."""
        (answers,) = self.outputs(images).values()
        return answers

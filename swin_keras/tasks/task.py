"""What every task says of itself: the one seam between tasks and the rest."""

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.model_files.card import CLASS_MAPS, ModelCard
from swin_keras.tasks.views import ONE_VIEW


def unit_of(values) -> float:
    """Return what differences of values are measured in: their largest, 1 at least.

    Rounding in float32 grows with what is rounded.
    """
    return max(1.0, float(np.abs(values).max()))


class Task:
    """What kind of answer a model gives, and everything that follows from it.

    Training, evaluation, prediction and export ask these questions of a task and
    never which one it is. A task that lacks an answer, as feature maps have no
    loss, says so in words.

    Attributes:
        name: What `TrainConfig.task` and cards call it.
        data_options: What `load_dataset` must be told to read targets of its kind.
        figure: The figure that models are compared by, as metrics call it while a model
            learns: the higher, the better. A run's card has it as `test_<figure>`; of
            several labels an image, mean average precision in its place.
        title: The same in words.
        finds_boxes: Whether its answers are boxes around objects.
        min_score: Score from which on a box, or one of several classes, is there,
            unless asked otherwise; `None` where there is no such score.
        gives_probabilities: Whether its answers are one probability a class.
        without: Options of a run that mean nothing to it, and must be off.
        unread: Options of a run that mean nothing to it, and must be the preset's.
        tail: LiteRT operations at the end of an exported file that phones run on the
            CPU, such as the choice of the best boxes.
        teaching: Kinds of distillation that it can learn by, the usual one first.
        monitors: What can choose the best epoch, each with its words.
        explained_by: Methods that explain one of its answers; the first is the default.
        looked_into_by: Methods that show what happens inside, for all answers alike.
        asked_by: Fields of a `Question`, beside class and number, that it understands.
    """

    name = ""
    data_options = {}
    figure = ""
    title = ""
    tail = frozenset()
    finds_boxes = False
    min_score = None
    gives_probabilities = False
    without = ()
    unread = ()
    teaching = ()
    monitors = {"val_loss": "the smallest loss on the validation images"}
    explained_by = ()
    looked_into_by = ("rollout", "attention")
    asked_by = ()

    # Training. `config` is the run's `TrainConfig`, `dataset` its `ImageDataset`.

    def build(self, model_config, dataset, config):
        """Build the model that a run keeps, and say what of it is trained.

        Returns:
            The model, from images 0..255 to answers; and the outputs that the loss
            takes, symbolic: its logits, or a dictionary with them.
        """
        raise self._cannot("be trained")

    def loss(self, model_config, dataset, config):
        """Return the loss: from targets, outputs and weights to a number.

        That is the mean over the batch, divided by the number of replicas, as that
        of Keras' losses is under a strategy.
        """
        raise self._cannot("be trained")

    def metrics(self, dataset) -> list:
        """Return the metrics of training and validation, as Keras takes them."""
        return []

    def validation_score(self, model_config, dataset):
        """Return what judges all validation answers at once, as no metric can.

        It has `add`, for a batch of targets and of the exported model's outputs, and
        `figures`, a number for each name. `None` where metrics are enough.
        """
        return None

    def loader_options(self, dataset, config) -> dict:
        """Return the options of `batches` for training images: their changes."""
        raise self._cannot("be trained")

    def target_map(self, dataset, config, training: bool):
        """Return a function from a batch of `batches` to one of `fit`.

        From images and targets to the same, with weights where images have them.
        """
        return lambda images, targets: (images, targets)

    def target_bytes(self, dataset, model_config, config) -> int:
        """Return the memory that an image's targets take in the loss, at least."""
        return 0

    def example_targets(self, dataset, input_shape):
        """Return targets of one image, of the right shape and type."""
        raise self._cannot("be trained")

    def image_size(self, dataset, variant: tuple) -> tuple[int, int]:
        """Return the size that images are trained at by default.

        Args:
            dataset: The data.
            variant: Height and width of the variant's images.
        """
        own = dataset.image_shape[:2]  # `None` where they differ
        sides = zip(variant, own, strict=True)
        return tuple(
            min(side, 2 * of_data) if of_data else side for side, of_data in sides
        )

    # Evaluation and prediction.

    def evaluate(self, predictor, dataset, split: str, batch_size: int, workers=None):
        """Judge a `Predictor`'s model on a split.

        Args:
            predictor: The model.
            dataset: What it is judged on.
            split: Which of its parts.
            batch_size: Images that are run together, at most.
            workers: Processes that load them; `None` for threads.

        Returns:
            The task's own kind of evaluation. Each has `images`, `figures()` for a
            card, `to_dict()`, `headline()` and `table()` for the screen.
        """
        raise self._cannot("be evaluated")

    def evaluate_views(self, predictor, dataset, split, batch_size: int, views):
        """Judge a model by several views of each picture, as `evaluate` does.

        Args:
            views: The `Views`, which `check_views` took.
        """
        raise NotImplementedError

    def predict_views(self, picture, predictor, views, wanted, batch_size: int):
        """Return the prediction of a `Picture` by several views of it."""
        raise NotImplementedError

    def check_views(self, views):
        """Refuse `Views` that are no single whole picture.

        Raises:
            UsageError: If the task's answers have no places.
        """
        if views != ONE_VIEW:
            raise UsageError(
                "`window`, `flip`, `quarter_turns` and `scales` are for models whose "
                "answers have places, masks or boxes. Received: a model for the task "
                f"{self.name!r}. Leave them out."
            )

    def class_count(self, outputs: dict) -> int:
        """Return the number of classes of a model, by the shapes of its outputs.

        `None` where these do not show it.

        Args:
            outputs: Shape of each output by name, without batch.

        Raises:
            ValueError: If these are not the outputs of a model for this task.
        """
        raise NotImplementedError

    def read(self, picture, predictor):
        """Return what the model is given of a `Picture`, and the picture's own size.

        uint8 `(H, W, C)`, and `(height, width)` or `None` where nobody asks for it.
        """
        *size, channels = predictor.input_shape
        pixels = picture.pixels(
            size, channels, predictor.crop_fraction, predictor.grey_range
        )
        return pixels, None

    def predictions(self, outputs: dict, seen, predictor, wanted):
        """Yield a prediction for each picture of a batch.

        Args:
            outputs: The model's, by name: `(B, ...)`.
            seen: Name and size of the picture behind each row.
            predictor: Whose class names and sizes count.
            wanted: What to name, a `Wanted`.
        """
        raise self._cannot("answer about a picture")

    # Explanation.

    def answering_model(self, model):
        """Return the model whose outputs are logits, or one activation from them."""
        return model

    def explanation_targets(self, outputs: dict, explainer, question) -> list:
        """Return which of the answers about one picture are explained.

        Args:
            outputs: Those of `answering_model` for one picture, by name.
            explainer: Whose class names, sizes and `model` count.
            question: The `Question`.

        Returns:
            `ExplanationTarget`s, the best answer first; none where there is no such
            answer about this picture.
        """
        return []

    # Export.

    def owns(self, model) -> bool:
        """Return whether a Keras model without a card gives this task's answers."""
        return False

    def export_model(self, model):
        """Return the model that is exported; the task's own ending is on it."""
        return model

    def compared(self, outputs: dict, are_logits: bool = False):
        """Return a model's outputs as numbers to compare, and their unit.

        `(B, values)`, and what a difference of 1e-4 is measured in.

        Args:
            outputs: By name.
            are_logits: Whether it is known that no softmax or sigmoid made them. If
                not, numbers tell, which small logits may be like.
        """
        raise NotImplementedError

    def agreement(self, expected, given) -> dict:
        """Count real images with the same answer, from `compared`'s numbers.

        Returns:
            `agreement`, `compared` and `near_ties` of a `Check`; empty without
            such a thing.
        """
        return {}

    def suits_mediapipe(self, card: ModelCard) -> bool:
        """Return whether MediaPipe can take a model's LiteRT files.

        It gives every model 0..255, whatever the file says, since that has one number
        for the mean of all channels; and one picture at a time, in colour.
        """
        is_its_own = card.task == self.name and CLASS_MAPS not in card.outputs
        is_for_one = card.litert_batch_size <= 1
        is_in_colour = card.model["input_shape"][-1] == 3
        return is_its_own and card.normalizes and is_for_one and is_in_colour

    def has_mediapipe_files(self, card: ModelCard) -> bool:
        """Return whether an export, whose files are known, has any for MediaPipe."""
        has_litert = any(name.endswith(".tflite") for name in card.files)
        return has_litert and self.suits_mediapipe(card)

    def litert_metadata(self, card: ModelCard, outputs) -> bytes:
        """Return what MediaPipe wants to know of a LiteRT file that suits it.

        Args:
            card: Of the model.
            outputs: Names of the file's outputs, in its order.
        """
        raise NotImplementedError

    def about_outputs(self, card: ModelCard) -> str:
        """Describe in a README what the outputs are: "gives ..."."""
        raise NotImplementedError

    def about_pictures(self, card: ModelCard) -> str:
        """Describe in a README how a picture of another size becomes an input."""
        cut = (
            "Images of another size are cut to the same aspect ratio around the centre "
            f"(share kept: {card.crop_fraction}) and resized, bicubic with "
            "antialiasing."
        )
        if not self.has_mediapipe_files(card):
            return cut
        return (
            f"{cut} MediaPipe stretches them instead, unless it is given that cut as "
            "its region of interest; see docs/mobile.md."
        )

    def check_options(self, config):
        """Refuse options of a run that the task would not obey.

        Raises:
            UsageError: That names the first.
        """
        usual = config.usual
        for name in (*self.without, *self.unread):
            value = getattr(config, name)
            if name in self.unread:
                is_off = value is None or np.array_equal(value, usual[name])
            else:
                is_off = not value or value == "none"
            if not is_off:
                raise UsageError(
                    f"`{name}` means nothing to the task {self.name!r}. Received: "
                    f"{name}={value!r}. Leave it out."
                )
        if config.teacher is not None and config.distillation not in self.teaching:
            raise UsageError(
                f"The task {self.name!r} can learn from a teacher by "
                f"{' or '.join(self.teaching) or 'nothing'}. Received: "
                f"distillation={config.distillation!r}."
            )

    def check_model(self, model_config, config):
        """Refuse a head that there is not, or that does not go with the model.

        Raises:
            UsageError: That says why.
        """

    def _cannot(self, what):
        return UsageError(f"A model for the task {self.name!r} cannot {what}.")

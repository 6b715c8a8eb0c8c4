"""What tasks with places in the picture share: whole pictures, one geometry."""

from swin_keras.data.usual_size import usual_size
from swin_keras.tasks.task import Task

SIDE = 512  # pixels, of the longer side of larger pictures
MULTIPLE = 32  # of the sides, which four stages halve without padding


class DenseTask(Task):
    """A task whose answers have places: pictures are stretched to the input."""

    without = (
        *("mixup", "cutmix", "label_smoothing"),
        *("rand_augment", "erase", "rotate", "shift", "label_pattern"),
    )
    unread = ("min_crop_area", "crop_ratio", "crop_fraction")
    teaching = ("features",)
    explained_by = ("grad-cam", "hires-cam", "rollout", "gradient-rollout")
    looked_into_by = ("attention",)  # rollout begins where an answer is

    def image_size(self, dataset, variant):
        """Return the size that the data state, or what is usual of a folder, to 512.

        In multiples of 32.
        """
        own = dataset.image_shape[:2]
        if None in own:
            usual = usual_size(dataset.splits["train"]) or (SIDE, SIDE)
            smaller = min(1.0, SIDE / max(usual))
            own = (round(side * smaller) for side in usual)
        return tuple(max(-(-side // MULTIPLE), 1) * MULTIPLE for side in own)

    def flips(self, dataset, config) -> bool:
        """Return whether training pictures are mirrored at random."""
        return dataset.mirror_safe if config.flip is None else config.flip

    def read(self, picture, predictor):
        *size, channels = predictor.input_shape
        letter_box = predictor.letter_box
        return picture.whole(size, channels, predictor.grey_range, letter_box)

    def check_views(self, views):
        """Take all views: answers have places."""

    def about_pictures(self, card):
        is_for_mediapipe = self.has_mediapipe_files(card)
        if not card.letter_box:
            return (
                "Pictures of another size are stretched to it, bicubic with "
                f"antialiasing{', as MediaPipe does' if is_for_mediapipe else ''}."
            )
        resizing = (
            "**Pictures of another shape keep their width over height (letter box)**: "
            "they are resized to fit, bicubic with antialiasing, and black is put "
            "equally at two sides. `swin-keras predict` and `Predictor` do this"
        )
        if card.task != self.name:  # maps of the stages
            return f"{resizing}. No file does it itself."
        inside = ""
        if any(name.startswith("saved_model/") for name in card.files):
            channels = card.model["input_shape"][2]
            inside = (
                " The SavedModel's endpoints `serve` and `serve_xla` do it, too: they "
                f"take pictures of any size `(batch, height, width, {channels})`, and "
                "their boxes are shares of these pictures; `letter_box` gives what the "
                "model sees of them."
            )
        stretches = ", and MediaPipe stretches" if is_for_mediapipe else ""
        return (
            f"{resizing}, and give boxes in the picture's own pixels.{inside} No "
            f"{'other ' if inside else ''}file does it itself{stretches}: give them "
            "pictures with the black at their sides, and take boxes as shares of these."
        )

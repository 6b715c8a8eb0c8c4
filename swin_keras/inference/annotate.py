"""Pictures with what a model says of them drawn on them."""

from pathlib import Path

from PIL import Image

from swin_keras.data.image_io import decode_image
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded
from swin_keras.inference.predictor import Prediction
from swin_keras.names import MAX_BYTES, printable


class Album:
    """A new folder of annotated pictures.

    Args:
        folder: The folder to make; it may exist if it is empty.
        grey_range: That of the `Predictor`.

    Raises:
        UsageError: If there is something in it.
        ResourceError: If it cannot be written.
    """

    def __init__(self, folder, grey_range=None):
        self.folder, self.grey_range = expanded(folder), grey_range
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            is_empty = not any(self.folder.iterdir())
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        if not is_empty:
            raise UsageError(
                "The folder for annotated pictures must be new or empty, so that none "
                f"of yours is replaced. Received: {folder}."
            )

    def add(self, prediction: Prediction, picture: Image.Image | None = None) -> Path:
        """Write one picture with what is said of it; return its path.

        A segmenter's mask is written beside it, as a PNG of class indices.

        Args:
            prediction: What the model says of it.
            picture: The picture, if `prediction.path` is no image file.
        """
        # What is beyond a file system's limit is left out; a number tells two apart.
        stem = printable(Path(prediction.path).stem).encode()[:MAX_BYTES]
        stem = stem.decode(errors="ignore")
        if prediction.time is not None:
            stem += f"-{prediction.time:09.3f}"
        path = self._free_path(stem)
        try:
            annotated_by(prediction, picture, self.grey_range).save(path, quality=92)
            prediction.save_more(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        return path

    def _free_path(self, stem):
        path, number = self.folder / f"{stem}.jpg", 2
        while path.exists():
            path, number = self.folder / f"{stem}-{number}.jpg", number + 1
        return path


def annotated_by(
    prediction: Prediction, picture: Image.Image | None = None, grey_range=None
):
    """Return a picture with what is said of it.

    Args:
        prediction: What the model says of it.
        picture: The picture, if `prediction.path` is no image file.
        grey_range: That of the `Predictor`, for grey images of more than 8 bits.
    """
    if picture is None:
        picture = decode_image(prediction.path, 3, grey_range=grey_range)
    return prediction.drawn(picture)


def _unwritable(path, error):
    return ResourceError(f"{path} cannot be written ({error.strerror or error}).")

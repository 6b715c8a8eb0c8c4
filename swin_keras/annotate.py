"""Pictures with what a model says of them written across the top."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from swin_keras.data.image_io import decode_image
from swin_keras.errors import ResourceError, UsageError
from swin_keras.inference import Prediction
from swin_keras.names import printable

LARGEST = 1024  # pixels a side: enough to look at
LINE = 1 / 16  # height of the writing, as a share of the picture's shorter side


class Album:
    """A new folder of annotated pictures.

    Args:
        folder: The folder to make; it may exist if it is empty.

    Raises:
        UsageError: If there is something in it.
        ResourceError: If it cannot be written.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
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
        """Write one picture with its best class; return its path.

        Args:
            prediction: What the model says of it.
            picture: The picture, if `prediction.path` is no image file.
        """
        picture = annotated_by(prediction, picture)
        stem = printable(Path(prediction.path).stem)
        if hasattr(prediction, "time"):
            stem += f"-{prediction.time:09.3f}"
        path = self._free_path(stem)
        try:
            picture.save(path, quality=92)
        except OSError as error:
            raise _unwritable(path, error) from error
        return path

    def _free_path(self, stem):
        path, number = self.folder / f"{stem}.jpg", 2
        while path.exists():
            path, number = self.folder / f"{stem}-{number}.jpg", number + 1
        return path


def annotated_by(prediction: Prediction, picture: Image.Image | None = None):
    """Return a picture with its best class above it.

    Args:
        prediction: What the model says of it.
        picture: The picture, if `prediction.path` is no image file.
    """
    if picture is None:
        picture = decode_image(prediction.path, 3, at_least=LARGEST)
    name, score = prediction.scores[0]
    return annotated(picture, f"{printable(name)}  {score:.1%}")


def annotated(picture: Image.Image, text: str) -> Image.Image:
    """Return a copy of a picture with a line of text above it."""
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    width = max(picture.width, 160)
    font = ImageFont.load_default(max(12, round(LINE * min(picture.size))))
    longest = font.getlength(text)
    if longest > width - 8:
        font = ImageFont.load_default(max(9, font.size * (width - 8) / longest))
    band = round(1.6 * font.size)
    result = Image.new("RGB", (width, picture.height + band), "black")
    result.paste(picture, ((width - picture.width) // 2, band))
    ImageDraw.Draw(result).text((4, band / 2), text, "white", font, anchor="lm")
    return result


def _unwritable(path, error):
    return ResourceError(f"{path} cannot be written ({error.strerror or error}).")

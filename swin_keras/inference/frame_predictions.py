"""A model is asked about each frame of a video or a camera."""

import math
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from swin_keras.data.image_file import ImageError
from swin_keras.errors import DataError
from swin_keras.inference.predictor import Predictor
from swin_keras.tasks.prediction import Prediction

MAX_BYTES = 2**27  # of frames that wait for the model together


def predict_frames(
    predictor: Predictor, name, frames, **options
) -> Iterator[tuple[Prediction, Image.Image | None]]:
    """Yield what a model says of each frame, and its picture.

    What is decoded when a video breaks off, or at Ctrl-C, is answered; then comes one
    prediction with an error and without a picture, or Ctrl-C's exception. A few frames
    are in memory at a time.

    Args:
        predictor: The model.
        name: What the predictions call the video: its path.
        frames: As `read_video` or `read_camera` gives them.
        **options: Of `Predictor.predict`.
    """
    frames, last, error, stop = iter(frames), 0.0, None, None
    while error is None and stop is None:
        batch, size = [], 0
        try:
            while size < MAX_BYTES and len(batch) < 32:
                frame = next(frames)
                batch.append(frame)
                size += 3 * math.prod(frame.image.size)
        except StopIteration:
            error = ""
        except ImageError as broken:
            error = broken.reason
        except DataError as broken:  # it is no video that can be read
            error = str(broken)
        except KeyboardInterrupt as interrupt:
            stop = interrupt
        images = [frame.image for frame in batch]
        found = predictor.predict(images, **options)
        for frame, prediction in zip(batch, found if batch else (), strict=True):
            yield _at(prediction, name, frame.time), frame.image
            last = frame.time
    if stop:
        raise stop
    if error:
        yield Prediction(str(name), error=error, time=last), None


def _at(prediction, name, time):
    return replace(prediction, path=str(name), time=time)

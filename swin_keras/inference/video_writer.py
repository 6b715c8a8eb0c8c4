"""Writes pictures as a video, one by one."""

from contextlib import contextmanager, suppress
from fractions import Fraction

from PIL import Image, ImageOps

from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded
from swin_keras.inference.video import reason_of, require_pyav

MAX_RATE = 1000  # pictures a second
MAX_STEPS = 65_000  # a second is divided into at most 65,535 by MPEG-4
CODECS = {".webm": "libvpx", ".ogv": "libvpx", ".flv": "flv"}  # others: MPEG-4


@contextmanager
def video_writer(path, rate: float):
    """Give a function that adds pictures to a new video; MP4, MKV or another.

    Args:
        path: The file, which must not exist; the ending says of which kind. It keeps
            the pictures that were added before an error or Ctrl-C.
        rate: Pictures a second, of those that are added without a time.

    Yields:
        `add(picture, time=None)`: a Pillow picture, and when it is shown, in seconds
        from the start of what it was taken from. One of another size than the first
        is fitted into that, with black around it.

    Raises:
        UsageError: If there is something at `path`, or nothing writes its kind.
        ResourceError: If it cannot be written.
        DataError: If PyAV is not installed.
    """
    av, path = require_pyav("Writing a video"), expanded(path)
    pace = pace_of(rate)
    if path.exists():
        raise UsageError(
            f"{path} exists already. Choose another: no file is overwritten."
        )
    if not path.absolute().parent.is_dir():
        raise ResourceError(f"{path} cannot be written: there is no such folder.")
    try:
        container = av.open(str(path.absolute()), "w")
    except ValueError as error:
        raise UsageError(
            f"{path} is not a kind of video that can be written."
        ) from error
    except OSError as error:
        reason = reason_of(error)
        raise ResourceError(f"{path} cannot be written ({reason}).") from error
    streams, clock = [], _Clock(pace)

    def add(picture: Image.Image, time: float | None = None):
        if not streams:
            codec = CODECS.get(path.suffix.lower(), "mpeg4")
            made = container.add_stream(codec, pace)
            made.width, made.height = (max(2, side // 2 * 2) for side in picture.size)
            made.pix_fmt, made.bit_rate = "yuv420p", 4_000_000
            streams.append(made)
        (stream,) = streams
        size = (stream.width, stream.height)
        frame = av.VideoFrame.from_image(ImageOps.pad(picture.convert("RGB"), size))
        frame.pts, frame.time_base = clock.tick(time), 1 / pace
        container.mux(stream.encode(frame))

    try:
        try:
            yield add
        finally:  # what is written when something stops the rest is a video, too
            for stream in streams:
                container.mux(stream.encode())
            container.close()
    except av.FFmpegError as error:
        with suppress(Exception):
            container.close()
        path.unlink(missing_ok=True)
        reason = reason_of(error)
        raise ResourceError(f"{path} cannot be written ({reason}).") from error
    finally:
        if not streams:
            path.unlink(missing_ok=True)


def pace_of(rate: float) -> Fraction:
    """Return a rate that a video can have, the nearest one.

    >>> pace_of(30000 / 1001), pace_of(99.123)
    (Fraction(30000, 1001), Fraction(62051, 626))
    """
    rate = min(max(rate, 1e-3), MAX_RATE)
    return Fraction(rate).limit_denominator(min(1001, int(MAX_STEPS / rate)))


class _Clock:
    """Say in which of a video's equal steps each picture is shown.

    Args:
        pace: Steps a second.
    """

    def __init__(self, pace):
        self.pace, self.last = pace, -1
        self.start = None  # step and time of the first picture of what it came from
        self.time = None

    def tick(self, time: float | None) -> int:
        """Return the step of the next picture; one is in each at most."""
        if time is None or self.time is None or time < self.time:
            self.start = self.last + 1, time  # another video, or no video
            self.last += 1
        else:
            step, begin = self.start
            self.last = max(self.last + 1, step + round((time - begin) * self.pace))
        self.time = time
        return self.last

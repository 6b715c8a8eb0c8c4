"""Writes pictures as a video, one by one."""

from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

from PIL import Image

from swin_keras.errors import ResourceError, UsageError
from swin_keras.inference.video import reason_of, require_pyav


@contextmanager
def video_writer(path, rate: float):
    """Give a function that adds pictures to a new video; MP4, MKV or another.

    Args:
        path: The file, which must not exist; the ending says of which kind. It keeps
            the pictures that were added before an error or Ctrl-C.
        rate: Pictures a second. All are made as large as the first.

    Raises:
        UsageError: If there is something at `path`, or nothing writes its kind.
        ResourceError: If it cannot be written.
        DataError: If PyAV is not installed.
    """
    av, path = require_pyav("Writing a video"), Path(path)
    if path.exists():
        raise UsageError(f"{path} exists already. Name another; none is lost.")
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
    streams = []

    def add(picture: Image.Image):
        if not streams:
            codec = "libvpx" if path.suffix.lower() == ".webm" else "mpeg4"
            made = container.add_stream(codec, Fraction(rate).limit_denominator(1001))
            made.width, made.height = (max(2, side // 2 * 2) for side in picture.size)
            made.pix_fmt, made.bit_rate = "yuv420p", 4_000_000
            streams.append(made)
        (stream,) = streams
        picture = picture.convert("RGB").resize((stream.width, stream.height))
        container.mux(stream.encode(av.VideoFrame.from_image(picture)))

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

"""Reads the frames of a video or a camera at a chosen rate: upright, with times."""

import math
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from swin_keras.data.image_file import MAX_PIXELS, MAX_SIDE, ImageError, open_file
from swin_keras.data.image_io import upright
from swin_keras.errors import DataError, SwinKerasError, UsageError
from swin_keras.files import expanded
from swin_keras.names import printable

ENDINGS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".3gp",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".mts",
    ".ogv",
    ".flv",
    ".wmv",
)
# What reads one file. Others, such as playlists, make a file open more of them.
FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf"
CAMERAS = {  # sys.platform -> FFmpeg's word for what reads cameras, and their names
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}:none"),
    "win32": ("dshow", "video={}"),
}
SECONDS = 10.0  # that a camera is watched, unless others are asked for
# Signs of a display matrix (a, b, c, d) -> the EXIF orientation that means the same.
_ORIENTATIONS = {
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


@dataclass(frozen=True)
class Frame:
    """A picture and when it is shown, in seconds from the start."""

    time: float
    image: Image.Image


def is_video(path) -> bool:
    """Return whether a path is that of a video, by its name."""
    return Path(path).suffix.lower() in ENDINGS


def read_video(path, rate: float = 1.0) -> Iterator[Frame]:
    """Yield the frames of a video, at most `rate` for each of its seconds.

    They are upright, as a player shows them, and of square pixels.

    Args:
        path: A video file.
        rate: Frames a second; more than the video has takes every one.

    Raises:
        UsageError: If `rate` is not above 0.
        DataError: If it is not a video, or PyAV is not installed.
        ImageError: Between frames, if the video breaks off there.
    """
    _check("rate", rate)
    av, path = require_pyav(f"{printable(path)} is a video, which"), expanded(path)
    if not path.exists():
        raise DataError(f"There is no video {printable(path)}.")
    return _read_file(av, path, rate)


def _read_file(av, path, rate):
    try:
        file = open_file(path, max_bytes=math.inf)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{printable(path)} cannot be read: {reason}.") from error
    with file:
        try:
            container = av.open(file, options={"format_whitelist": FORMATS})
        except (av.FFmpegError, ValueError) as error:
            raise DataError(
                "A video must be a file that FFmpeg reads, such as MP4, MOV, MKV, WebM "
                f"or AVI. Received: {printable(path)} ({reason_of(error)})."
            ) from error
        with container:
            yield from _frames(container, printable(path), rate, math.inf)


def read_camera(
    camera: str | int = 0, rate: float = 1.0, seconds: float = SECONDS
) -> Iterator[Frame]:
    """Yield what a camera sees, at most `rate` frames a second, for some seconds.

    Args:
        camera: Its number, or on Windows its name.
        rate: Frames a second.
        seconds: When to end.

    Raises:
        UsageError: If `rate` or `seconds` are not above 0.
        DataError: If there is no such camera, or PyAV is not installed.
        ImageError: Between frames, if the camera is lost.
    """
    _check("rate", rate)
    _check("seconds", seconds)
    av = require_pyav("A camera")
    system, name = CAMERAS.get(sys.platform, CAMERAS["linux"])
    name = name.format(camera)
    if system == "v4l2" and not Path(name).exists():
        there = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*")))
        raise DataError(
            f"There is no camera {camera}: {name} does not exist. "
            f"Cameras here: {there or 'none'}."
        )
    return _read_camera(av, camera, name, system, rate, seconds)


def _read_camera(av, camera, name, system, rate, seconds):
    try:
        container = av.open(name, format=system, timeout=SECONDS)
    except (OSError, ValueError) as error:  # FFmpeg's errors are one or the other
        raise DataError(
            f"The camera {camera} cannot be read ({reason_of(error)}). See that it is "
            "connected, not in use, and that you may use it."
        ) from error
    with container:
        yield from _frames(container, f"camera {camera}", rate, seconds)


def _frames(container, name, rate, seconds):
    if not container.streams.video:
        raise DataError(f"{name} holds no pictures that move, only sound or text.")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise DataError(f"{name} is packed in a way that FFmpeg does not know here.")
    _check_size(name, stream.codec_context.width, stream.codec_context.height)
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    first, due, count, before = None, 0.0, 0, -math.inf
    usual = float(stream.average_rate or 25)
    try:
        for frame in container.decode(stream):
            time = frame.time if frame.time is not None else count / usual
            count += 1
            first = time if first is None else first
            time -= first
            if time >= seconds:
                return
            half = min(0.5 / usual, (time - before) / 2)  # of what lies between frames
            before = time
            if time + half < due:  # the nearest, where rates do not divide
                continue
            due += 1 / rate
            if due <= time:  # after a gap, where nothing moved, the count begins anew
                due = time + 1 / rate
            _check_size(name, frame.width, frame.height)
            shape = stream.codec_context.sample_aspect_ratio or 1
            yield Frame(round(time, 3), _picture(frame, shape))
    except SwinKerasError:
        raise
    except Exception as error:  # a damaged file raises more than FFmpeg's own
        raise ImageError(name, f"damaged or cut off ({reason_of(error)})") from error
    if not count:
        raise ImageError(name, "holds no frame that can be decoded")


def _picture(frame, shape) -> Image.Image:
    """Return a frame as a player shows it; `shape` is its pixels' width by height."""
    image = frame.to_image()
    matrix = next((x for x in frame.side_data if x.type.name == "DISPLAYMATRIX"), None)
    if shape > 0 and shape != 1:
        width = min(MAX_SIDE, max(1, round(image.width * float(shape))))
        image = image.resize((width, image.height), Image.Resampling.BICUBIC)
    if matrix is None:
        return image
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix)[:36])
    signs = tuple((value > 0) - (value < 0) for value in (a, b, c, d))
    return upright(image, _ORIENTATIONS.get(signs, 1))


def _check(name, value):
    if not 0 < value < math.inf:
        raise UsageError(f"`{name}` must be above 0. Received: {name}={value}.")


def _check_size(name, width, height):
    if not (width and height):
        raise DataError(f"{name} does not state the size of its pictures: damaged.")
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageError(
            name,
            f"too large, {width} x {height} pixels; at most {MAX_PIXELS:,} pixels and "
            f"{MAX_SIDE:,} a side are read",
        )


def require_pyav(what):
    """Return the module `av`, which reads and writes videos.

    Args:
        what: What needs it, to begin the error with.

    Raises:
        DataError: If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise DataError(
            f"{what} needs another package: pip install 'swin-keras[video]'."
        ) from error
    av.logging.set_level(None)  # what goes wrong is raised, too
    return av


def reason_of(error) -> str:
    """Return what FFmpeg says is wrong, in a line."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return printable(reason.splitlines()[0])[:200].lower()

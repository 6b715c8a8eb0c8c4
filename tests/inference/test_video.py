"""Videos and cameras: real small files, frames upright and with their times."""

import csv
import json
import struct
import sys
import weakref
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from swin_keras.cli import main
from swin_keras.drawing.caption import annotated
from swin_keras.errors import DataError, ResourceError, UsageError
from swin_keras.inference.frame_predictions import predict_frames
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.video import Frame, ImageError, read_camera, read_video
from swin_keras.inference.video_writer import pace_of, video_writer
from swin_keras.tasks.prediction import MaskPrediction

DIGITS = "saved_models/digits/model.tflite"
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture
def av():
    return pytest.importorskip("av")


def write_video(path, frames=30, rate=10, size=(64, 48), codec="mpeg4", shape=1):
    """Write a video, red in its upper half and blue below, that grows brighter."""
    import av

    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.sample_aspect_ratio = shape
        for number in range(frames):
            pixels = np.zeros((height, width, 3), np.uint8)
            pixels[: height // 2, :, 0] = pixels[height // 2 :, :, 2] = 255
            pixels[..., 1] = 3 * number
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def turn(path, matrix):
    """Give an MP4 another display matrix (a, b, c, d), as phones do."""
    data = path.read_bytes()
    start = data.index(b"tkhd") + 44  # of version 0: times, numbers, layer, volume
    a, b, c, d = (65536 * value for value in matrix)
    numbers = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data[:start] + numbers + data[start + 36 :])
    return path


def colour(image, x, y):
    """Return what is at a place, in shares of the sides, as plain red or blue."""
    place = round(x * (image.width - 1)), round(y * (image.height - 1))
    red, _, blue = image.getpixel(place)
    return RED if red > blue else BLUE


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "mpeg4"), ("a.MKV", "libx264"), ("a.webm", "libvpx")]
)
def test_frames_come_at_the_chosen_rate_with_their_times(tmp_path, av, name, codec):
    path = write_video(tmp_path / name, codec=codec)
    frames = list(read_video(path, rate=2))
    assert [frame.time for frame in frames] == [0, 0.5, 1, 1.5, 2, 2.5]
    greens = [frame.image.getpixel((5, 5))[1] for frame in frames]
    np.testing.assert_allclose(greens, [0, 15, 30, 45, 60, 75], atol=6)
    assert len(list(read_video(path, rate=1000))) == 30
    assert [frame.time for frame in read_video(path, rate=0.4)] == [0, 2.5]
    assert len(list(read_video(path, rate=1e-9))) == 1


def write_recording(path, times):
    """Write a video of variable rate, as screens and phones record: frames at times."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


STILL_THEN_MOVING = [0, *(60 + number / 30 for number in range(60))]
BURSTS = [second + number / 30 for second in (0, 10, 20) for number in range(4)]


@pytest.mark.parametrize(
    ("times", "rate", "expected"),
    [
        (STILL_THEN_MOVING, 1, [0, 60, 61]),
        (STILL_THEN_MOVING, 5, [0, *(60 + number / 5 for number in range(10))]),
        (BURSTS, 1, [0, 10, 20]),
        (BURSTS, 30, BURSTS),
    ],
)
def test_a_variable_rate_gives_no_more_frames_in_a_second(
    tmp_path, av, times, rate, expected
):
    path = write_recording(tmp_path / "a.mkv", times)
    found = [frame.time for frame in read_video(path, rate=rate)]
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(
    ("matrix", "size", "red_at"),
    [
        ((1, 0, 0, 1), (64, 48), (0.5, 0)),
        ((0, 1, -1, 0), (48, 64), (1, 0.5)),  # a phone that is held upright
        ((-1, 0, 0, -1), (64, 48), (0.5, 1)),
        ((0, -1, 1, 0), (48, 64), (0, 0.5)),
        ((1, 0, 0, -1), (64, 48), (0.5, 1)),
        ((0, 1, 1, 0), (48, 64), (0, 0.5)),
    ],
)
def test_a_turned_video_is_upright(tmp_path, av, matrix, size, red_at):
    path = turn(write_video(tmp_path / "a.mp4", frames=3), matrix)
    (frame,) = read_video(path)
    assert frame.image.size == size
    across, down = red_at
    assert colour(frame.image, across, down) == RED
    assert colour(frame.image, 1 - across, 1 - down) == BLUE


def test_pixels_that_are_not_square_are_made_so(tmp_path, av):
    path = write_video(tmp_path / "a.mkv", frames=2, shape=2, codec="libx264")
    assert next(read_video(path)).image.size == (128, 48)


def test_the_command_says_when_what_is_seen(tmp_path, av, capsys):
    video = write_video(tmp_path / "a.mp4")
    Image.new("L", (8, 8)).save(tmp_path / "b.png")
    words = ["predict", DIGITS, str(video), str(tmp_path / "b.png"), "--top", "1"]
    table, album = tmp_path / "a.csv", tmp_path / "album"
    more = ["--rate", "1", "--csv", str(table), "--save", str(album)]
    assert main([*words, *more, "--json"]) == 0
    image, *frames = json.loads(capsys.readouterr().out)
    assert "time" not in image
    assert [frame["time"] for frame in frames] == [0, 1, 2]
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["time"] for row in rows] == ["", "0.0", "1.0", "2.0"]
    assert rows[3]["class"] == frames[2]["scores"][0][0]
    names = sorted(path.name for path in album.iterdir())
    assert names == [*(f"a-0000{n}.000.jpg" for n in range(3)), "b.jpg"]
    assert main([*words, "--rate", "5", "--save", str(tmp_path / "out.mp4")]) == 0
    assert "2.40 s" in capsys.readouterr().out
    written = list(read_video(tmp_path / "out.mp4", rate=100))
    assert len(written) == 16  # the image, and five of each second
    fast = tmp_path / "fast.avi"
    assert (
        main(["predict", DIGITS, str(video), "--rate", "60", "--save", str(fast)]) == 0
    )
    times = [frame.time for frame in read_video(fast, rate=100)]
    assert times[-1] == pytest.approx(2.9, abs=0.02)  # as long as the video was
    words = [*words, "--save", str(tmp_path / "out.mp4")]
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_video_that_breaks_off_is_answered_as_far_as_it_goes(tmp_path, av, capsys):
    path = write_video(tmp_path / "a.mkv", frames=60, size=(320, 240))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    whole = main(["predict", DIGITS, str(path), "--json", "--rate", "10"])
    found = json.loads(capsys.readouterr().out)
    assert 10 < len(found) < 60
    assert whole == 0 or found[-1]["error"]
    (tmp_path / "b.mp4").write_bytes(write_video(tmp_path / "c.mp4").read_bytes()[:999])
    assert main(["predict", DIGITS, str(tmp_path / "b.mp4")]) == 3
    assert "A video must be a file that FFmpeg reads" in capsys.readouterr().err


def test_one_video_that_cannot_be_read_takes_nothing_with_it(tmp_path, av, capsys):
    good, bad = write_video(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    bad.write_text("no video")
    after = write_video(tmp_path / "c.mp4")
    words = ["predict", DIGITS, *map(str, (good, bad, after)), "--json"]
    assert main([*words, "--save", str(tmp_path / "out.mp4")]) == 3
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert [row["path"] for row in found if row["error"]] == [str(bad)]
    assert {row["path"] for row in found} == {str(good), str(bad), str(after)}
    assert "A video must be a file that FFmpeg reads" in captured.err
    assert len(list(read_video(tmp_path / "out.mp4", rate=100))) == len(found) - 1


def test_damaged_videos_are_answered_or_refused(tmp_path, av):
    data = write_video(tmp_path / "a.mp4").read_bytes()
    rng, outcomes = np.random.default_rng(0), set()
    for _ in range(150):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=rng.integers(1, 9)):
            damaged[place] = rng.integers(256)
        (tmp_path / "b.mp4").write_bytes(damaged)
        try:
            outcomes.add(len(list(read_video(tmp_path / "b.mp4"))))
        except DataError as error:
            outcomes.add(type(error))
    assert outcomes > {3, DataError}


@pytest.mark.parametrize("text", ["", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "x"])
def test_what_is_no_video_is_refused_and_names_no_other_file(tmp_path, av, text):
    (tmp_path / "a.mp4").write_text(text)
    with pytest.raises(DataError, match=r"a\.mp4 \("):
        list(read_video(tmp_path / "a.mp4"))


def test_sound_alone_is_no_video(tmp_path, av):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", 44100)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), "float32"), "fltp", "mono"
        )
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(DataError, match="no pictures that move"):
        list(read_video(tmp_path / "a.mp4"))


def test_few_frames_are_in_memory_at_a_time(av):
    alive, most, predictor = weakref.WeakSet(), [], Predictor(DIGITS)

    class Counted(Image.Image):
        __hash__ = object.__hash__

    def frames():
        for number in range(60):
            image = Image.new("RGB", (2000, 2000))
            image.__class__ = Counted
            alive.add(image)
            most.append(len(alive))
            yield Frame(number / 10, image)

    found = predict_frames(predictor, "a.mp4", frames(), top=1)
    times = [prediction.time for prediction, _ in found]
    assert times == [number / 10 for number in range(60)]
    assert max(most) < 30  # of 12 MB each


def test_without_the_package_it_is_said_what_to_install(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "av", None)
    for words in ([str(tmp_path / "a.mp4")], ["--camera", "0"]):
        assert main(["predict", DIGITS, *words]) == 3
        assert "pip install 'swin-keras[video]'" in capsys.readouterr().err


def test_a_camera_that_is_not_there_is_told(av, capsys):
    assert main(["predict", DIGITS, "--camera", "97"]) == 3
    assert "There is no camera 97" in capsys.readouterr().err


def test_a_camera_is_watched_for_so_many_seconds(av, monkeypatch):
    # FFmpeg's own source of pictures without end, in the place of a device.
    endless = {sys.platform: ("lavfi", "testsrc=size=64x48:rate=30")}
    monkeypatch.setattr("swin_keras.inference.video.CAMERAS", endless)
    frames = list(read_camera(0, rate=2, seconds=2))
    assert [frame.time for frame in frames] == [0, 0.5, 1, 1.5]


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(UsageError, match="`rate` must be above 0"):
        read_video("a.mp4", rate)


def test_neither_images_nor_a_camera_is_told(capsys):
    assert main(["predict", DIGITS]) == 2
    assert "--camera 0" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.webm"])
def test_pictures_are_shown_when_they_were_seen(tmp_path, av, name):
    times = [None, None, 0, 0.5, 2, 2.1, 0, 1]  # two images, a camera, a video
    with video_writer(tmp_path / name, 2) as add:
        for number, time in enumerate(times):
            add(Image.new("RGB", (64, 48), (30 * number, 0, 0)), time)
    seen = [frame.time for frame in read_video(tmp_path / name, rate=100)]
    assert seen == pytest.approx([0, 0.5, 1, 1.5, 3, 3.5, 4, 5], abs=0.01)


@pytest.mark.parametrize("rate", [1e-9, 1e9])
def test_any_rate_makes_a_video(tmp_path, av, rate):
    with video_writer(tmp_path / "a.mp4", rate) as add:
        add(Image.new("RGB", (64, 48), "red"), 0.0)
        add(Image.new("RGB", (64, 48), "red"), 0.25)
    assert len(list(read_video(tmp_path / "a.mp4", rate=1e4))) == 2


@pytest.mark.parametrize("rate", [0, 0.3, 29.97, 65.4321, 99.123, 999.97, 1e9])
def test_rates_are_divided_as_finely_as_mpeg_4_can(rate):
    pace = pace_of(rate)
    assert max(pace.numerator, pace.denominator) < 2**16
    assert float(pace) == pytest.approx(min(max(rate, 1e-3), 1000), rel=1e-4)


def test_a_picture_of_another_shape_is_not_stretched(tmp_path, av):
    with video_writer(tmp_path / "a.mp4", 1) as add:
        add(Image.new("RGB", (64, 64), "red"))
        add(Image.new("RGB", (64, 32), "red"))
    _, image = (frame.image for frame in read_video(tmp_path / "a.mp4"))
    reds = np.asarray(image)[..., 0].mean(1) > 128
    assert reds.tolist() == [False] * 16 + [True] * 32 + [False] * 16


def test_frames_of_a_segmenter_have_legends_of_one_size():
    names = ("background", *(f"class {number}" for number in range(40)))
    masks = [np.zeros((80, 160)), np.arange(80 * 160).reshape(80, 160) % 41]
    drawn = [
        MaskPrediction.of("a.mp4", mask.astype("uint8"), names, 5) for mask in masks
    ]
    picture = Image.new("RGB", (160, 80))
    sizes = {replace(one, time=0.0).drawn(picture).size for one in drawn}
    assert len(sizes) == 1
    assert drawn[0].drawn(picture).size == (160, 80)  # a picture by itself


def test_frames_with_more_or_fewer_words_are_of_one_size():
    picture = Image.new("RGB", (160, 80))
    said = [("word", "50.0%")] * 20
    sizes = {annotated(picture, said[:n], one_line=True).size for n in (1, 3, 20)}
    assert len(sizes) == 1


def test_a_video_that_cannot_be_written_is_told(tmp_path, av):
    with (
        pytest.raises(ResourceError, match="cannot be written"),
        video_writer(tmp_path / "none" / "a.mp4", 1),
    ):
        pass
    writer = video_writer(tmp_path / "b.mp4", 1)
    writer.__enter__()(Image.new("RGB", (63, 41)))
    error = ImageError("a", "b")
    assert not writer.__exit__(ImageError, error, None)
    (frame,) = read_video(tmp_path / "b.mp4")  # what was written before is kept
    assert frame.image.size == (62, 40)
    with pytest.raises(KeyboardInterrupt), video_writer(tmp_path / "c.mp4", 1):
        raise KeyboardInterrupt
    assert not (tmp_path / "c.mp4").exists()  # nothing was


def test_a_video_that_cannot_be_written_loses_no_answer(
    tmp_path, av, monkeypatch, capsys
):
    """FFmpeg refuses a frame in the middle: a ValueError of PyAV's."""
    from swin_keras.cli import main, use
    from swin_keras.tasks.prediction import Prediction

    def predictions(*_):
        for number in range(3):
            yield Prediction(f"{number}.png", (("7", 0.75),)), Image.new("L", (64, 48))

    monkeypatch.setattr(use, "_predictions", predictions)

    def refuse(*_):
        raise av.error.InvalidDataError(1094995529, "Invalid data")

    monkeypatch.setattr(av.VideoFrame, "from_image", refuse)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    words = ["predict", "saved_models/digits", str(tmp_path / "a.png")]
    assert main([*words, "--save", str(tmp_path / "out.mp4")]) == 5
    said = capsys.readouterr()
    assert "75.0%" in said.out
    assert "out.mp4 cannot be written" in said.err


@pytest.mark.parametrize("name", ["a.ogv", "a.flv"])
def test_other_kinds_of_video_are_written_too(tmp_path, av, name):
    with video_writer(tmp_path / name, 2) as add:
        for number in range(4):
            add(Image.new("RGB", (64, 48), (60 * number, 0, 0)))
    assert len(list(read_video(tmp_path / name, rate=100))) == 4


def test_frames_that_were_seen_before_ctrl_c_are_answered():
    def camera():
        for number in range(9):
            yield Frame(number / 10, Image.new("L", (8, 8), 20 * number))
        raise KeyboardInterrupt

    answers = []
    one_by_one = predict_frames(Predictor(DIGITS), "camera 0", camera())
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  it comes at the end
        for answer in one_by_one:
            answers.append(answer)
    assert [prediction.time for prediction, _ in answers] == [
        number / 10 for number in range(9)
    ]

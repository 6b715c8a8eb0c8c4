"""Options of the command line, made from the configurations; no heavy imports."""

from typing import Literal

from swin_keras.cli.command_help import HELP
from swin_keras.cli.command_parser import NotGiven, Parser
from swin_keras.explaining.methods import METHODS
from swin_keras.exporting.config import DEFAULT_FORMATS, FORMATS, ExportConfig
from swin_keras.training.config import TrainConfig


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="swin-keras",
        description="Swin Transformers: from a folder of images to a phone.",
        allow_abbrev=False,
    )
    parser.examples = ("swin-keras train", "swin-keras train --help")
    parser.add_argument("--debug", action="store_true", help="Show tracebacks.")
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subcommands(dest="command", required=True)
    for add in (
        _train,
        _launch,
        _tune,
        _evaluate,
        _export,
        _predict,
        _explain,
        _benchmark,
        _demo,
        _info,
        _convert,
        _data,
    ):
        name = add.__name__[1:]
        command = _command(name)
        commands.add_subcommand(name, command, help=HELP[name][0])
        add(command)
    return parser


def _command(name, parent=""):
    summary, *examples = HELP[name]
    parser = Parser(
        prog=f"swin-keras {parent}{name}", description=summary, allow_abbrev=False
    )
    parser.examples = examples
    return parser


def _train(parser):
    parser.add_argument(
        "--config",
        action="config",
        help="A YAML file of options, or a study's results.",
    )
    parser.add_argument(
        "folder", nargs="?", metavar="DATA", help="The same as --data DATA."
    )
    parser.add_class_arguments(TrainConfig)
    parser.set_defaults(data=NotGiven(TrainConfig.data))
    parser.add_argument(
        "--multi_label",
        action="store_true",
        help="The same as --task multi-label: an image may have several classes.",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Resume the run of this --name where it stopped, or begin it.",
    )
    parser.add_argument(
        "--dry_run",
        action="store_true",
        help="Build everything, run a few batches, and say what the run will cost.",
    )


def _launch(parser):
    parser.add_argument(
        "--workers", type=int, default=1, help="Processes on this machine."
    )
    parser.add_argument(
        "--hosts", help="host:port of every worker of a cluster, with commas."
    )
    parser.add_argument(
        "--index", type=int, default=0, help="Place of this machine in --hosts, from 0."
    )
    parser.add_argument(
        "--max_restarts",
        type=int,
        default=3,
        help="How often workers are started again after one died.",
    )
    parser.add_argument(
        "--no_fence",
        dest="fence",
        action="store_false",
        help="Run the workers on the machine's own network instead of an isolated "
        "one: they can download, and anyone who can reach their ports controls them.",
    )
    parser.add_argument("words", nargs="+", help="-- train and its options.")


def _tune(parser):
    parser.add_argument("study", help="The YAML file of a study.")
    parser.add_argument(
        "--max_trials", type=int, help="Configurations to try; default: the study's."
    )
    parser.add_argument(
        "--max_minutes", type=float, help="Time for the search; default: the study's."
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="Resume the study where it stopped, or begin it.",
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="Trials at the same time."
    )
    parser.add_argument("--data_dir", help="Where named data sets are kept.")


def _evaluate(parser):
    parser.add_argument("model", help="A run, an export or a model file.")
    parser.add_argument("--data", help="A folder or data set; default: the model's.")
    parser.add_argument("--data_dir", help="Where named data sets are kept.")
    parser.add_argument(
        "--split",
        choices=["all", "train", "val", "test"],
        help="Default: the test images where there are such, else all.",
    )
    parser.add_argument(
        "--on_bad",
        choices=["stop", "skip"],
        help="What to do about files that are not usable images; default: as trained.",
    )
    _batch_size(parser)
    parser.add_argument(
        "--workers",
        type=int | Literal["auto"],
        default="auto",
        help="Processes that load images seen whole, 0 for none. By default as many as "
        "there are processor cores beside a GPU, and none on a CPU.",
    )
    _add_views(parser)
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    _trust(parser)


def _export(parser):
    parser.add_argument("model", help="A run or a .keras file.")
    skip = {"formats", "features", "explain", "class_names", "verify", "overwrite"}
    parser.add_class_arguments(ExportConfig, skip=skip)
    parser.add_argument(
        "--formats",
        nargs="*",
        metavar="FORMAT",
        default=list(DEFAULT_FORMATS),
        help=f"Forms beside model.keras: {', '.join(FORMATS)}.",
    )
    parser.add_argument(
        "--features",
        action="store_true",
        help="Export the stages' feature maps instead of the classes.",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="Export the class activation map of every class, too.",
    )
    parser.add_argument(
        "--class_names",
        nargs="+",
        action="extend",
        metavar="NAME",
        help="Names of the classes in the order of the outputs; default: the card's.",
    )
    parser.add_argument(
        "--no_verify",
        dest="verify",
        action="store_false",
        help="Do not check the exported forms against the Keras model.",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="Replace an export of this name."
    )


def _benchmark(parser):
    parser.add_argument("model", nargs="+", help="Model files, runs or exports.")
    parser.add_argument("--vs", metavar="OTHER", help="A file to compare with.")
    parser.add_argument(
        "--threads", type=int, nargs="+", default=[1, 2], help="Numbers of threads."
    )
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="How long to measure a file."
    )
    parser.add_argument("--picture", metavar="FILE", help="Draw a picture.")
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    _trust(parser)


def _demo(parser):
    parser.add_argument("model", help="An export, or a .tflite file.")
    parser.add_argument("--port", type=int, default=8000, help="Port on 127.0.0.1.")
    parser.add_argument(
        "--litertjs", metavar="FOLDER", help="Where LiteRT.js is; see docs/mobile.md."
    )


def _add_views(parser):
    parser.add_argument(
        "--window",
        choices=["whole", "slide"],
        default="whole",
        help="How a segmenter or detector looks: at whole pictures, or through "
        "sliding windows.",
    )
    parser.add_argument(
        "--flip",
        action="store_true",
        help="Test-time augmentation of these: mirrored pictures count, too.",
    )
    parser.add_argument(
        "--quarter_turns",
        action="store_true",
        help="So do pictures turned by 90, 180 and 270 degrees: for those without an "
        "up and down, such as aerial photos.",
    )
    parser.add_argument(
        "--scales",
        type=float,
        nargs="+",
        metavar="SCALE",
        default=[1.0],
        help="Sizes of pictures under sliding windows, such as 0.75 1 1.25.",
    )


def _batch_size(parser):
    parser.add_argument(
        "--batch_size", type=int, default=32, help="Images that are run together."
    )


def _predict(parser):
    parser.add_argument("model", help="A run, an export or a model file.")
    parser.add_argument(
        "images", nargs="*", help="Images, folders of images, or videos."
    )
    parser.add_argument(
        "--top",
        type=int,
        default=3,
        help="Classes to name for each image; all boxes are named, and of several "
        "classes those that are there.",
    )
    parser.add_argument(
        "--min_score",
        type=float,
        metavar="SCORE",
        help="Score from which on a box is named, default: 0.3; or one of several "
        "classes is there, default: 0.5.",
    )
    _batch_size(parser)
    _add_views(parser)
    parser.add_argument(
        "--save",
        metavar="PLACE",
        help="Write each picture with its class, masks or boxes on it: into a new "
        "folder, or into a new video such as out.mp4.",
    )
    parser.add_argument(
        "--camera",
        metavar="NUMBER",
        help="Look through a camera, by its number: 0, 1, ...",
    )
    parser.add_argument(
        "--seconds", type=float, default=10.0, help="How long to look through a camera."
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="Frames to look at for each second of video.",
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    parser.add_argument(
        "--csv",
        metavar="FILE",
        help="Write the predictions to a new CSV file, one row for each.",
    )
    parser.add_argument(
        "--coco",
        metavar="FILE",
        help="Write a detector's boxes as COCO's json: a new file.",
    )
    _trust(parser)


def _explain(parser):
    parser.add_argument(
        "model",
        help="A run, an export or a .keras file; or any form that was exported with "
        "--explain.",
    )
    parser.add_argument("images", nargs="+", help="Images, or folders of images.")
    parser.add_argument(
        "--method",
        choices=list(METHODS),
        help="How; default: cam for classes, grad-cam for masks and boxes. "
        "docs/explain.md explains what each shows and does not show.",
    )
    parser.add_argument(
        "--class",
        dest="class_name",
        metavar="NAME",
        help="The class to explain; default: the one that the model finds best.",
    )
    parser.add_argument(
        "--top",
        type=int,
        default=1,
        help="How many of the best classes or boxes to explain.",
    )
    parser.add_argument(
        "--box",
        type=int,
        metavar="N",
        help="Of a detector: which box, the most certain first; with --class, of it.",
    )
    parser.add_argument(
        "--region",
        type=float,
        nargs=4,
        metavar=("X1", "Y1", "X2", "Y2"),
        help="Of a segmenter: where the class is explained, each 0 to 1.",
    )
    parser.add_argument(
        "--stage",
        type=int,
        help="Of grad-cam, hires-cam and attention: which stage, from 1.",
    )
    parser.add_argument(
        "--at",
        type=float,
        nargs=2,
        metavar=("X", "Y"),
        help="Of attention: the place that looks, 0 to 1 from the left and the top.",
    )
    parser.add_argument(
        "--save",
        metavar="FOLDER",
        help="The folder to make; default: explained, explained-2, ...",
    )
    _trust(parser)


def _trust(parser):
    parser.add_argument(
        "--trust",
        action="store_true",
        help="Run a SavedModel that may do more than compute; see SECURITY.md.",
    )


def _info(parser):
    parser.add_argument(
        "name", nargs="?", help="A variant, a run, an export, a model or a checkpoint."
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    _trust(parser)


def _convert(parser):
    parser.add_argument(
        "source", help="A checkpoint, a run, a .keras file or hf://ORG/NAME."
    )
    parser.add_argument("destination", help="A .keras file, or a folder with --to.")
    parser.add_argument(
        "--to", choices=["keras", "huggingface", "timm"], help="Default: by the name."
    )
    parser.add_argument("--classes", type=int, help="Default: the checkpoint's.")
    parser.add_argument(
        "--new_head", type=bool, help="Whether to leave the classes' weights out."
    )
    parser.add_argument(
        "--resize",
        default="bicubic",
        choices=["bicubic", "geometric"],
        help="How position bias tables get another size; see docs/weights.md.",
    )
    parser.add_argument(
        "--key", help="Which of several sets of weights in a file: model_ema, ..."
    )
    parser.add_argument(
        "--sizes", type=dict, default={}, help="Fields of SwinConfig to change."
    )


def _data(parser):
    actions = parser.add_subcommands(dest="action", required=True)
    check = _command("check", "data ")
    actions.add_subcommand("check", check, help=HELP["check"][0])
    check.add_argument(
        "folder", help="A folder of class folders, of masks or boxes; or a .csv."
    )
    check.add_argument(
        "--task",
        choices=["classify", "multi-label", "segment", "detect"],
        help="What it is checked for; default: what the folder looks like.",
    )
    check.add_argument(
        "--multi_label",
        action="store_true",
        help="The same as --task multi-label: an image may have several classes.",
    )
    check.add_argument("--quick", action="store_true", help="Read headers only.")
    check.add_argument("--json", metavar="FILE", help="Write the report as JSON.")
    check.add_argument(
        "--label_pattern",
        metavar="PATTERN",
        help="Labels from file names: a regular expression with a group 'label'.",
    )
    check.add_argument(
        "--grey_range",
        type=list[float],
        metavar="RANGE",
        help="Values of black and white in 16-bit grey images, such as [0,4095].",
    )
    check.add_argument(
        "--follow_links",
        type=bool,
        default=False,
        help="Whether to follow links that lead out of the folder anywhere.",
    )
    check.add_argument(
        "--unlabelled",
        metavar="FOLDER",
        help="Also a folder of images without labels, for a teacher to answer about.",
    )
    check.add_argument(
        "--reduce_zero_label",
        type=bool,
        default=False,
        help="Whether value 0 of files of masks is ignored, and 1 is the first class.",
    )
    check.add_argument(
        "--box_format",
        choices=["coco", "yolo", "voc", "labelme"],
        help="Which boxes are meant in a folder that holds several.",
    )
    check.add_argument(
        "--sheet", metavar="FILE", help="Draw pictures with their boxes to a .png."
    )
    extract = _command("extract", "data ")
    actions.add_subcommand("extract", extract, help=HELP["extract"][0])
    extract.add_argument("data", help="The name of a data set.")
    extract.add_argument("folder", help="The folder to make.")
    extract.add_argument("--data_dir", help="Where named data sets are kept.")
    extract.add_argument("--count", type=int, help="Images in all; default: every one.")
    extract.add_argument(
        "--split",
        default="test",
        choices=["train", "val", "test", "all"],
        help="Which images.",
    )
    extract.add_argument(
        "--format", default="png", choices=["png", "jpeg"], help="Format of the files."
    )


def _version():
    from swin_keras import __version__

    return __version__

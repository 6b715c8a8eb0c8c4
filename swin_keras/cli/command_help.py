"""One line and two examples for each command."""

HELP = {
    "train": (
        "Train a classifier, segmenter or detector; writes runs/<name>/.",
        "swin-keras train",
        "swin-keras train photos/ --model swin_tiny --weights swin_tiny.pth",
    ),
    "launch": (
        "Train in several processes or machines; starts them again if one dies.",
        "swin-keras launch --workers 2 -- train --name digits",
        "swin-keras launch --hosts a:2222,b:2222 --index 0 -- train --name pets",
    ),
    "tune": (
        "Search for the best configuration; runs/ and results/ go beside the study.",
        "swin-keras tune tuning/digits.yaml",
        "swin-keras tune tuning/digits.yaml --max-trials 30 --resume",
    ),
    "evaluate": (
        "Measure how good a model is.",
        "swin-keras evaluate runs/digits-1",
        "swin-keras evaluate saved_models/flowers --data photos/",
    ),
    "export": (
        "Write .keras, SavedModel and LiteRT to saved_models/<name>/, checked.",
        "swin-keras export runs/digits-1",
        "swin-keras export runs/flowers --formats litert-int8 --features",
    ),
    "benchmark": (
        "Benchmark model files: latency, memory, and what takes the time.",
        "swin-keras benchmark saved_models/digits",
        "swin-keras benchmark a/model.tflite --vs b/model.tflite --picture a.png",
    ),
    "demo": (
        "Try an exported model in the browser, which runs it itself.",
        "swin-keras demo saved_models/digits",
        "swin-keras demo saved_models/flowers --port 8080",
    ),
    "predict": (
        "Predict classes, masks or boxes in images and videos.",
        "swin-keras predict saved_models/digits image.png",
        "swin-keras predict runs/digits-1 photos/ clip.mp4 --save album/",
    ),
    "explain": (
        "Show which parts of an image led to an answer; writes overlays and maps.",
        "swin-keras explain runs/digits-1 image.png",
        "swin-keras explain runs/photos photos/ --class dog --box 2 --stage 3",
    ),
    "info": (
        "List the variants, or show one, a model or a checkpoint.",
        "swin-keras info",
        "swin-keras info swin_tiny",
    ),
    "convert": (
        "Convert a published checkpoint or a model of yours, in or out.",
        "swin-keras convert swin_tiny.pth swin_tiny.keras",
        "swin-keras convert runs/pets huggingface/ --to huggingface",
    ),
    "data": (
        "Check a folder of images, or make one from a data set.",
        "swin-keras data check photos/",
        "swin-keras data extract digits pictures/ --count 100",
    ),
    "check": (
        "Look over every image of a folder; changes nothing.",
        "swin-keras data check photos/",
        "swin-keras data check photos/ --json report.json",
    ),
    "extract": (
        "Write images of a data set as files in class folders.",
        "swin-keras data extract digits pictures/ --count 100",
        "swin-keras data extract fashion_mnist clothes/ --split train --format jpeg",
    ),
}

"""How fast a training run was, and how busy it kept the card; see `gpu_commands.py`."""

import contextlib
import csv
import json
import re
import threading
import time

import numpy as np
from timing import ask_card

BETWEEN = 0.2  # seconds between two looks at the card
BEFORE = 0.5  # seconds: what nvidia-smi says is of the time before
RATE = re.compile(r" epoch (\d+)/\d+  .* (\d+) images/s")  # of a line in log.txt


def rates_of(run) -> dict:
    """Return images/s: of each epoch, their median without the first two, with all.

    What was loaded during a validation makes an epoch faster than loading is; with
    validation, between the ends of the first and the last epoch, that is paid for.
    """
    lines = (run / "log.txt").read_text("utf-8").splitlines()
    rates = [int(found[2]) for found in map(RATE.search, lines) if found]
    steady = rates[2:] or rates[1:] or rates
    with open(run / "metrics.csv") as file:
        ends = [float(row["seconds"]) for row in csv.DictReader(file)]
    card = json.loads((run / "card.json").read_text())
    batch = card["train"]["batch_size"]
    images = card["data"]["images"]["train"] // batch * batch
    spent = (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else ends[0]
    return {
        "images_per_second": float(np.median(steady)),
        "with_validation": images / spent,
        "rates": rates,
    }


def utilisation(looks, epochs) -> dict:
    """Return how busy the card was within the epochs after the first, in percent."""
    shares = [
        share
        for when, share in looks
        if any(begin + BEFORE <= when <= end for begin, end in epochs[1:])
    ]
    if not shares:
        return {}
    return {"busy": float(np.mean(shares)), "looks": len(shares)}


@contextlib.contextmanager
def looks_at_card():
    """Yield a list of when nvidia-smi was asked, and how busy it saw the card."""
    looks, over = [], threading.Event()

    def watch():
        while not over.wait(BETWEEN):
            try:
                share = int(ask_card("utilization.gpu"))
            except FileNotFoundError:  # there is no nvidia-smi
                return
            except (OSError, ValueError):  # it may have an answer next time
                continue
            looks.append((time.time(), share))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()

"""How many processor cores this process may use."""

import math
import os
from pathlib import Path

MOST_WORKERS = 1024  # processes that load images: more than machines have cores
CGROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Return the number of processor cores that this process may use.

    `os.cpu_count` is that of the machine. A process can be held to some of its cores
    (`taskset`, `cpuset` of a container), and a container to a share of their time
    (`docker run --cpus 2`, a CPU limit of Kubernetes): more threads than that wait for
    each other.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(cores, _quota(CGROUPS))))


def _quota(root: Path) -> float:
    """Return the cores whose time a container may use; infinity without a limit."""
    try:  # the kernel's second version of control groups, then the first
        limit, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        limit, period = (
            _text(root / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period")
        )
    return int(limit) / int(period) if limit.isdigit() else math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""

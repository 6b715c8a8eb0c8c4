"""Renames that lose nothing: onto a free name only, or two names exchanged.

Linux has both as one step, `renameat2`; Python has neither.
"""

import ctypes
import errno
import os
from pathlib import Path

NO_REPLACE, EXCHANGE = 1, 2  # of linux/fs.h
AT_FDCWD = -100  # paths count from the current folder
CANNOT = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EXDEV}


def rename_new(source: Path, target: Path):
    """Rename to a name that nothing has.

    Raises:
        FileExistsError: If something has it.
        OSError: If it cannot be renamed.
    """
    if _renameat2(source, target, NO_REPLACE):
        return
    # Between these two lines only an empty folder could be lost.
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    os.rename(source, target)


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return whether the system can.

    Raises:
        OSError: If one of them is missing, or cannot be renamed.
    """
    return _renameat2(one, other, EXCHANGE)


def _renameat2(source, target, flags) -> bool:
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux, or an old library
        return False
    names = os.fsencode(source), os.fsencode(target)
    if call(AT_FDCWD, names[0], AT_FDCWD, names[1], flags) == 0:
        return True
    number = ctypes.get_errno()
    if number in CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))

"""What not every drive can: lock files, flush folders, and take what is written."""

import errno
import fcntl
import os
from pathlib import Path

WITHOUT_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}
WITHOUT_FLUSH = {errno.EINVAL, errno.EBADF, errno.ENOTSUP}  # of folders
OF_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
OF_RIGHTS = {errno.EACCES, errno.EPERM, errno.EROFS}


def lock(file, how: int = fcntl.LOCK_EX | fcntl.LOCK_NB) -> bool:
    """Lock an open file, for as long as it is open; return whether its drive can.

    Raises:
        BlockingIOError: If another process has the lock.
        OSError: If the drive fails.
    """
    try:
        fcntl.flock(file, how)
    except OSError as error:
        if error.errno == errno.EACCES:  # what some systems say of a held lock
            raise BlockingIOError(*error.args) from None
        if error.errno not in WITHOUT_LOCKS:
            raise
        return False
    return True


def flush_folder(path: Path):
    """Make the names in a folder durable, where its drive can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in WITHOUT_FLUSH:
            raise
    finally:
        os.close(descriptor)


def is_of_the_drive(error: OSError) -> bool:
    """Return whether an error is what a full, broken or read-only drive raises."""
    is_told = error.errno in OF_ROOM | OF_RIGHTS | {errno.EIO}
    return is_told or _says_full(error)


def remedy(error: OSError) -> str:
    """Return what to do about a drive that did not take what was written."""
    if error.errno in OF_ROOM or _says_full(error):
        return "Make room"
    return "See to its rights" if error.errno in OF_RIGHTS else "See to the drive"


def _says_full(error):
    return "No space left" in str(error)  # HDF5 gives the reason in its text only

"""A network for the workers of one machine, which nothing else can reach.

TensorFlow's server listens on every interface and asks nobody for a password:
who reaches it runs any operation, and so reads and writes files as the user.
Linux can give processes a network of their own that holds `lo` only. One process
makes it and keeps it; each worker enters it before TensorFlow is imported.

    python -m swin_keras.training.fence            keep a network until stdin ends
    python -m swin_keras.training.fence PID train  run `swin-keras train` in that one
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys

from swin_keras.processes import module_command

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # <linux/sched.h>
SIOCSIFFLAGS, IFF_UP = 0x8914, 1  # <linux/sockios.h>, <linux/if.h>


@contextlib.contextmanager
def fence():
    """Keep a network with `lo` only; yield what runs a command in it.

    Yields:
        A function from words after `swin-keras` to the command, or `None` where
        the system does not permit such a network.
    """
    keeper = subprocess.Popen(  # noqa: S603  our own module
        module_command(__spec__.name),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches the workers through `launch`
    )
    with keeper:  # which ends with its standard input
        if keeper.stdout.readline() == b"ready\n":
            yield lambda words: module_command(__spec__.name, keeper.pid, *words)
        else:
            yield None


def keep():
    """Make a network and bring up `lo`; keep both until standard input ends."""
    make_network()
    with socket.socket() as any_socket:
        request = struct.pack("16sh", b"lo", IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)
    print("ready", flush=True)
    sys.stdin.read()


def make_network():
    """Leave the machine's network for a new one, as root or as anybody."""
    with contextlib.suppress(OSError):  # root keeps its right to others' files
        return _system("unshare", CLONE_NEWNET)
    user, group = os.getuid(), os.getgid()
    _system("unshare", CLONE_NEWUSER | CLONE_NEWNET)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    return None


def enter(pid: int):
    """Enter the network that another process keeps."""
    for name, kind in (("user", CLONE_NEWUSER), ("net", CLONE_NEWNET)):
        theirs, ours = f"/proc/{pid}/ns/{name}", f"/proc/self/ns/{name}"
        if os.readlink(theirs) != os.readlink(ours):
            with open(theirs, "rb") as file:
                _system("setns", file.fileno(), kind)


def _system(name, *numbers):
    """Call the system; Python has these two functions since 3.12 only."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*numbers):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main(words):
    """Keep a network, or run a command in one; see the module."""
    if not words:
        return keep()
    pid, *words = words
    enter(int(pid))
    command = module_command("swin_keras.cli", *words)
    return os.execv(command[0], command)  # noqa: S606  our own module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

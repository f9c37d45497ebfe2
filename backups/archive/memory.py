"""How the process deals with the memory of its blocks."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_KEPT = 32 << 20
_MOST_KEPT = 64 << 20


def reuse_memory() -> None:
    """Let this process keep what it frees for what it asks for next.

    Otherwise glibc returns each block of a megabyte to the system, and takes it
    back page by page: a tenth of the time of a backup, half of that of an upload.
    The limits are those that glibc may come to by itself; where there is none,
    nothing happens. Source: mallopt(3).
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT)

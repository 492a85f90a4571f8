"""Memory that networks ask for and free a hundred times a second stays with the process."""

import ctypes
from functools import cache

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Parameters of mallopt(3), from glibc's malloc.h."""

LARGEST = 32 << 20
"""Bytes; larger blocks are the kernel's in any case: glibc's own bound (HEAP_MAX_SIZE / 2)."""

KEPT = 256 << 20
"""Bytes at the end of the heap that may lie idle."""

PAD = 128 << 20
"""Bytes that a thread's heaps may have free together without the last of them being given back: two heaps' worth."""


@cache
def keep_freed_memory() -> None:
    """Have glibc reuse what was freed, instead of giving it back to the kernel and having it zeroed page by page again.

    Feature maps are some megabytes each; as the library comes, that is a third of a convolutional network's time on a
    CPU. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_TOP_PAD, PAD)

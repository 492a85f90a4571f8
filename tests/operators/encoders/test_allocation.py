"""What networks free stays with the process: their next window asks the kernel for nothing."""

import ctypes
import subprocess
import sys

import pytest

MEBIBYTES = 24
"""A feature map's memory, of which a fresh process would give all back."""

IDLE = f"""
import ctypes, sys
import torch
from operators.encoders.allocation import keep_freed_memory
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
if sys.argv[1] == "kept":
    keep_freed_memory()
before = mallinfo2().fordblks
torch.ones({MEBIBYTES}, 1 << 18)
print((mallinfo2().fordblks - before) >> 20)
"""


def idle(how: str) -> int:
    """Return the mebibytes that lie idle in a new process after a tensor was freed there."""
    done = subprocess.run([sys.executable, "-c", IDLE, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="only glibc, since 2.33, tells of its memory so"
)
def test_what_was_freed_is_there_for_the_next_window() -> None:
    assert idle("as it comes") < MEBIBYTES / 2
    assert idle("kept") >= MEBIBYTES - 1

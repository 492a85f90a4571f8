"""How busy this host's GPUs are, by the tool that comes with their driver."""

import shutil
import subprocess

QUESTION = ("--query-gpu=name,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")

PATIENCE_S = 2.0


def gpus() -> list[str]:
    """Return a sentence for each GPU; none where there is none, or it does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        told = subprocess.run([tool, *QUESTION], capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in told.splitlines()]
    return [
        f"{name} {busy} %, memory {used} of {total} MiB" for name, busy, used, total in (r for r in rows if len(r) == 4)
    ]

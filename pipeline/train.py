"""One training loop on several processors or machines, by Ray Train."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

# Ray reads these while it is imported, not when it starts.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

from pipeline.errors import EngineError

EXTRA = "several workers need Ray Train, which comes with `pip install 'rigbind[train]'`"


def spread(loop: Callable[[], None], workers: int, folder: Path, is_gpu: bool | None = None) -> None:
    """Run ``loop`` in ``workers`` processes that know each other by torch.distributed, and wait for all.

    ``folder`` is where Ray keeps its account of the run; on several machines all must see it. Ray is started here, or
    the cluster that ``RAY_ADDRESS`` names is joined; with ``is_gpu`` each process has a GPU, and so it is unless it
    is said where there are enough. Raise EngineError if Ray
    Train is not there, or a process fails, saying why.
    """
    try:
        import ray
        from ray.train import RunConfig, ScalingConfig
        from ray.train.torch import TorchConfig, TorchTrainer
        from ray.train.v2.api.exceptions import TrainingFailedError
    except ImportError as error:
        raise EngineError(f"{EXTRA}: {error}") from error
    if not ray.is_initialized():
        here = {"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}}  # a part is looked for where this process does
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, runtime_env=here)
    if is_gpu is None:
        is_gpu = ray.cluster_resources().get("GPU", 0) >= workers
    trainer = TorchTrainer(
        loop,
        torch_config=TorchConfig(backend="nccl" if is_gpu else "gloo"),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=is_gpu),
        run_config=RunConfig(storage_path=str(folder.resolve()), name="ray"),
    )
    try:
        trainer.fit()
    except TrainingFailedError as error:
        raise EngineError(f"a worker failed: {_cause(error)}") from error
    finally:
        ray.shutdown()


def _cause(error: BaseException) -> str:
    """Return the last line of what went wrong, which Ray wraps in where it did."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__

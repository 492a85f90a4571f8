"""Putting a tower to work: on which device, in which numbers, compiled or not. ``docs/benchmarks.md`` has the prices.

N = inputs in a batch, D = dimension of the joint space.
"""

from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.allocation import keep_freed_memory
from operators.encoders.packing import pack
from pipeline.messages import Array, Execution

CHUNK = 64
"""Inputs that are computed at once: more gain nothing, and memory stays bounded."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

AT_ONCE = 4
"""Inputs that cost a picture network least on a CPU: weights are fetched once for all, and what lies between two layers
still fits where it is near."""

SHAPES = 64
"""Shapes that one module is compiled for; beyond, torch runs it uncompiled."""


class Runner:
    """A module as a function from arrays to arrays: (N, ...) numbers to (N, D) float32 with unit rows.

    Floating and uint8 input becomes ``(x - mean) / std`` on the device, in its numbers; integer tokens stay as they
    are. ``mean`` and ``std`` are given in the units of the input and broadcast over one input's dimensions.

    It takes ``module`` over: moves and converts it, and on a CPU packs its linear layers. Scalars, which are
    temperatures, keep float32; norms and softmax sum in float32 whatever the numbers. float16 is for GPUs: on a CPU
    it works, slower than float32.

    Compiled, it pads a batch to a power of two, and the first batch of a new size compiles all smaller powers too:
    once the largest batch has been seen, nothing is compiled again. Raise ValueError for a device or numbers that do
    not exist here.
    """

    def __init__(
        self, module: nn.Module, execution: Execution, mean: Array | float = 0.0, std: Array | float = 1.0
    ) -> None:
        self.execution = execution
        self.mean = mean
        self.std = std
        self.device = device_of(execution.device)
        keep_freed_memory()
        self.dtype = dtype_of(execution.dtype)
        self.module = _moved(module, self.device, self.dtype)
        self._mean = torch.as_tensor(mean, dtype=torch.float32, device=self.device)
        self._std = torch.as_tensor(std, dtype=torch.float32, device=self.device)
        self._shapes: set[torch.Size] = set()
        self._forward: Any = self.module
        if execution.compile:
            limits: Any = {"recompile_limit": SHAPES, "isolate_recompiles": True}  # else all towers share 8 shapes
            self._forward = torch.compile(self.module, dynamic=False, **limits)
        else:
            pack(self.module)

    @property
    def scale(self) -> float:
        """1 / temperature of the module; 1 for one that has none."""
        return float(getattr(self.module, "scale", 1.0))

    def rows_at_once(self, shape: tuple[int, ...], largest: float) -> int:
        """Return how many inputs may be computed together without a bit of any vector changing, on this processor.

        That is ``AT_ONCE`` or 1, and is tried with noise of ``shape`` in [0, largest). It is 1 for a compiled module,
        which would be compiled for every size first.
        """
        if self.execution.compile:
            return 1
        noise = np.random.default_rng(0).random((AT_ONCE, *shape), np.float32) * np.float32(largest)
        alone = np.concatenate([self(noise[n : n + 1]) for n in range(AT_ONCE)])
        is_same = all(np.array_equal(self(noise[:n]), alone[:n]) for n in range(2, AT_ONCE + 1))
        return AT_ONCE if is_same else 1

    @torch.inference_mode()
    def __call__(self, batch: Array) -> Array:
        return np.concatenate([self._embed(batch[n : n + CHUNK]) for n in range(0, max(1, len(batch)), CHUNK)])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.module, self.execution, self.mean, self.std)  # what is compiled does not travel

    def _embed(self, batch: Array) -> Array:
        x = self._standardized(torch.tensor(batch).to(self.device))
        y_ND: Tensor = self._padded(x)[: len(x)] if self.execution.compile else self._forward(x)
        vectors: Array = functional.normalize(y_ND.float(), dim=-1).cpu().numpy()
        return vectors

    def _standardized(self, x: Tensor) -> Tensor:
        if x.dtype in (torch.int64, torch.int32):
            return x
        return ((x.float() - self._mean) / self._std).to(self.dtype)

    def _padded(self, x: Tensor) -> Tensor:
        """Compute ``x`` and copies of its last input, as many as make a power of two."""
        x = torch.cat([x, x[-1:].expand(bucket(len(x)) - len(x), *x.shape[1:])])
        size = 1
        while x.shape not in self._shapes and size < len(x):
            self._compiled(x[:size].clone())
            size *= 2
        return self._compiled(x)

    def _compiled(self, x: Tensor) -> Tensor:
        try:
            y: Tensor = self._forward(x)
        except torch._dynamo.exc.BackendCompilerFailed as error:
            raise ValueError(f"execution.compile: torch cannot compile here: {str(error).splitlines()[0]}") from error
        self._shapes.add(x.shape)
        return y


def bucket(number: int) -> int:
    """Return the smallest power of two that is not below ``number``.

    >>> [bucket(number) for number in (1, 2, 3, 9, 64)]
    [1, 2, 4, 16, 64]
    """
    return 1 << (number - 1).bit_length()


def device_of(name: str) -> torch.device:
    """Return the device called ``name``; ``auto`` is a GPU where there is one. Raise ValueError if it is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()  # torch knows names of devices that are not here
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"execution.device: there is no {name!r} here: {str(error).partition('. ')[0]}") from error
    return device


def dtype_of(name: str) -> torch.dtype:
    """Return the numbers called ``name``. Raise ValueError if encoders do not compute in them."""
    if name not in DTYPES:
        raise ValueError(f"execution.dtype: {name!r} is none of {', '.join(DTYPES)}")
    return DTYPES[name]


def _moved(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """Return ``module`` for inference, there and in these numbers; its integers and scalars keep their own."""
    for tensor in chain(module.parameters(), module.buffers()):
        tensor.data = tensor.data.to(device, dtype if tensor.is_floating_point() and tensor.ndim else tensor.dtype)
    return module.eval().requires_grad_(False)

"""A runner gives the tower's own vectors: in any numbers, in any batch, compiled or not."""

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.execution import AT_ONCE, CHUNK, Runner, bucket, device_of
from operators.encoders.tower import CONTEXT, FORMS, VOCABULARY, Architecture, Tower, seeded_tower
from pipeline.messages import Array, Execution

KERNELS = {"imu": (1, 8), "audio": (16, 16), "vision": (28, 28)}
FLOAT32, BFLOAT16, FLOAT16 = (Execution(device="cpu", dtype=dtype) for dtype in ("float32", "bfloat16", "float16"))


def tower(modality: str) -> Tower:
    drawn = seeded_tower(modality, Architecture(dim=64, width=96, kernel=KERNELS.get(modality, (32, 32))), 0)
    if modality == "text":  # whose placeholder sentences share so much that nothing else would show
        drawn.tokens.positions.data -= drawn.tokens.positions.data.mean(1, keepdim=True)
    return drawn


def inputs(modality: str, number: int) -> Array:
    """Return things that are really unlike each other: a few blobs in space, time or both."""
    rng = np.random.default_rng(0)
    size = FORMS[modality].size
    if size is None:
        return rng.integers(0, VOCABULARY, (number, CONTEXT))
    coarse = torch.from_numpy(rng.normal(0, 2, (number, size[0], min(4, size[1]), 4)))
    return functional.interpolate(coarse, size[1:], mode="bilinear").numpy().astype(np.float32)


@torch.inference_mode()
def directly(modality: str, batch: Array) -> Array:
    vectors: Array = tower(modality)(torch.from_numpy(batch)).numpy()
    return vectors


def alike(vectors: Array) -> Array:
    """Return the cosine of every pair of rows."""
    cosines: Array = (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    return cosines


@pytest.mark.parametrize("modality", FORMS)
@pytest.mark.parametrize(
    ("execution", "least"), [(FLOAT32, 1 - 1e-6), (BFLOAT16, 0.999), (FLOAT16, 0.99999)], ids=["32", "bf16", "16"]
)
def test_all_numbers_give_nearly_the_towers_vectors(modality: str, execution: Execution, least: float) -> None:
    batch = inputs(modality, 3)
    vectors = Runner(tower(modality), execution)(batch)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.sum(vectors * directly(modality, batch), axis=1).min() > least


@pytest.mark.parametrize("modality", FORMS)
@pytest.mark.parametrize("execution", [FLOAT32, BFLOAT16], ids=["32", "bf16"])
def test_company_and_padding_change_no_vector_and_no_ranking(modality: str, execution: Execution) -> None:
    batch = inputs(modality, 9)
    run = Runner(tower(modality), execution)
    together = run(batch)
    alone = np.concatenate([run(row[np.newaxis]) for row in batch])
    padded = run(np.concatenate([batch, np.repeat(batch[-1:], 7, axis=0)]))[:9]
    ranking = np.argsort(-alike(together))
    for vectors in (alone, padded):
        np.testing.assert_allclose(vectors, together, rtol=0, atol=1e-3)
        assert np.diff(alike(vectors)[ranking]).max() < 1e-5  # falling, but for ties


class Rowwise(nn.Module):
    """Looks at every input for itself; ``others`` times their mean is added."""

    def __init__(self, others: float = 0.0) -> None:
        super().__init__()
        self.others = others

    def forward(self, x: Tensor) -> Tensor:
        return x * x + self.others * x.mean(0)


@pytest.mark.parametrize(("others", "rows"), [(0.0, AT_ONCE), (1e-6, 1)])
def test_inputs_go_together_only_where_company_changes_no_bit(others: float, rows: int) -> None:
    assert Runner(Rowwise(others), FLOAT32).rows_at_once((5,), 255.0) == rows


def test_a_compiled_module_is_not_compiled_to_try_what_goes_together() -> None:
    assert Runner(Rowwise(), Execution(device="cpu", compile=True)).rows_at_once((5,), 255.0) == 1


def test_rows_have_unit_length_where_the_module_rounds_them() -> None:
    batch = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    vectors = Runner(Small(), BFLOAT16)(batch)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_temperatures_are_not_rounded() -> None:
    assert Runner(tower("audio"), BFLOAT16).module.scale == pytest.approx(20, rel=1e-6)


def test_pixels_are_standardized_on_the_way_and_only_read() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (2, 3, 2, 224, 224), np.uint8)
    pixels.flags.writeable = False
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1, 1) for values in ([90, 100, 110], [40, 50, 60]))
    vectors = Runner(tower("vision"), FLOAT32, mean, std)(pixels)
    np.testing.assert_allclose(vectors, directly("vision", (pixels - mean) / std), rtol=0, atol=1e-6)


class Widest(nn.Module):
    """A linear layer that keeps the size of the largest batch it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)
        self.widest = 0

    def forward(self, x: Tensor) -> Tensor:
        self.widest = max(self.widest, len(x))
        y: Tensor = self.linear(x)
        return y


def test_large_batches_go_through_in_chunks() -> None:
    batch = np.random.default_rng(0).normal(size=(2 * CHUNK + 3, 4)).astype(np.float32)
    run = Runner(Widest(), FLOAT32)
    vectors = run(batch)
    assert run.module.widest == CHUNK
    assert vectors.shape == (2 * CHUNK + 3, 2)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[-1], run(batch[-1:])[0], atol=1e-6)


def test_an_empty_batch_gives_no_rows() -> None:
    assert Runner(tower("imu"), FLOAT32)(np.zeros((0, 6, 2000), np.float32)).shape == (0, 64)


@pytest.mark.parametrize("execution", [FLOAT32, BFLOAT16], ids=["32", "bf16"])
def test_a_runner_that_travelled_gives_the_same_vectors(execution: Execution) -> None:
    run = Runner(tower("imu"), execution)
    batch = inputs("imu", 2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(run))(batch), run(batch))


class Small(nn.Module):
    """A module that compiles quickly, and normalizes in its own numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(12.0).view(3, 4))

    def forward(self, x: Tensor) -> Tensor:
        return functional.normalize(x @ self.weight.T, dim=-1)


@pytest.mark.slow
def test_once_compiled_for_the_largest_batch_nothing_is_compiled_again() -> None:
    batch = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    compiled, plain = (Runner(Small(), Execution(device="cpu", compile=on)) for on in (True, False))
    counted = torch._dynamo.utils.counters["stats"]
    counted.clear()
    compiled(batch)
    assert counted["unique_graphs"] == len({bucket(number) for number in range(1, 10)}) == 5
    with torch.compiler.set_stance("fail_on_recompile"):
        for number in range(1, 10):
            np.testing.assert_allclose(compiled(batch[:number]), plain(batch[:number]), rtol=0, atol=1e-6)
    assert counted["unique_graphs"] == 5


@pytest.mark.slow
def test_a_compiled_tower_gives_the_same_vectors() -> None:
    batch = inputs("depth", 2)
    compiled = Runner(tower("depth"), Execution(device="cpu", compile=True))
    np.testing.assert_allclose(compiled(batch), directly("depth", batch), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["cuda:99", "toaster", "meta", ""])
def test_a_device_that_is_not_here_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=rf"execution.device: there is no '{name}' here"):
        Runner(Small(), Execution(device=name))


def test_auto_is_a_gpu_where_there_is_one() -> None:
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_numbers_that_do_not_exist_are_named() -> None:
    with pytest.raises(ValueError, match=r"execution.dtype: 'float8' is none of float32, bfloat16, float16"):
        Runner(Small(), Execution(dtype="float8"))  # type: ignore[arg-type]

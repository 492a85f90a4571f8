import numpy as np

from operators.usual import MAX_NAMES, UNUSUAL, Usuals
from pipeline.messages import Array

DIM = 64
ROWS = {f"row {number}": np.eye(DIM)[number] for number in range(4)}


def towards(share: float) -> Array:
    """A unit vector whose cosine to row 0 is ``share``."""
    vector = np.zeros(DIM)
    vector[0], vector[-1] = share, (1 - share**2) ** 0.5
    return vector


def test_what_lasts_becomes_usual_and_what_is_above_it_eight_times_as_slowly() -> None:
    usuals = Usuals(100)
    scores = [usuals.compare(ROWS, {"fused": towards(0.6)})["fused"]["row 0"] for _ in range(400)]
    assert scores[0] > UNUSUAL
    assert scores[40] > UNUSUAL > scores[-1]
    assert usuals.compare(ROWS, {"fused": towards(0.9)})["fused"]["row 0"] > UNUSUAL


def test_what_random_directions_have_too_is_above_nothing() -> None:
    usuals = Usuals(100)
    for _ in range(300):
        usuals.compare(ROWS, {"fused": towards(0.0)})
    found = usuals.compare(ROWS, {"fused": towards(3.4 / DIM**0.5)})["fused"]["row 0"]
    assert found == 0
    assert usuals.compare(ROWS, {"fused": towards(3.6 / DIM**0.5)})["fused"]["row 0"] > UNUSUAL


def test_rows_and_names_are_bounded_and_forgotten() -> None:
    usuals = Usuals(10)
    for number in range(2 * MAX_NAMES):
        usuals.compare(ROWS, {f"/camera/{number}": towards(0.1)})
    usuals.forget({"row 0"})
    by_name = usuals.state()["by_name"]
    assert list(by_name) == [f"/camera/{number}" for number in range(MAX_NAMES, 2 * MAX_NAMES)]
    assert all(list(rows) == ["row 0"] for rows in by_name.values())


def test_a_restored_one_goes_on_as_the_first() -> None:
    first, second = Usuals(50), Usuals(50)
    rng = np.random.default_rng(0)
    shares = rng.uniform(0, 0.6, 90)
    for share in shares[:61]:
        first.compare(ROWS, {"fused": towards(share)})
    second.restore(first.state())
    for share in shares[61:]:
        vectors = {"fused": towards(share)}
        assert second.compare(ROWS, vectors) == first.compare(ROWS, vectors)

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from situations import TOPICS, observe, window

from operators.fusion import LEARNED, CrossAttention
from pipeline.messages import Array, Embedding, Observation

QUERIES = {
    "vision.query": np.array([2.0, 0, 0], np.float32),
    "vision.bias": np.array(1.0, np.float32),
    "imu.query": np.array([0, 0, -3.0], np.float32),
    "imu.bias": np.array(-1.0, np.float32),
}


@pytest.fixture
def learned(tmp_path: Path) -> CrossAttention:
    save_file(QUERIES, tmp_path / "queries.safetensors")
    return CrossAttention(weights=str(tmp_path / "queries.safetensors"))


def fuse(vectors: dict[str, list[float]], fusion: CrossAttention | None = None) -> Observation:
    embeddings = [
        Embedding(topic=topic, modality=TOPICS[topic], stamp=0, vector=_unit(vector))
        for topic, vector in vectors.items()
    ]
    return (fusion or CrossAttention())(window(0, {}), embeddings)


def _unit(vector: list[float]) -> Array:
    return np.array(vector, np.float32) / np.linalg.norm(vector).astype(np.float32)


def test_one_topic_speaks_alone(learned: CrossAttention) -> None:
    for fusion in (CrossAttention(), learned):
        fused = fuse({"/imu": [3, 4, 0]}, fusion)
        np.testing.assert_allclose(fused.fused, [0.6, 0.8, 0])
        assert fused.weights == {"/imu": 1.0}


def test_without_queries_it_is_the_mean() -> None:
    fused = fuse({"/camera": [1, 0, 0], "/imu": [0, 1, 0], "/microphone": [1, 0, 0]})
    np.testing.assert_allclose(fused.fused, np.array([2, 1, 0]) / np.sqrt(5), atol=1e-6)
    assert list(fused.weights.values()) == pytest.approx([1 / 3] * 3)


def test_weights_are_the_softmax_of_what_queries_find_in_vectors(learned: CrossAttention) -> None:
    fused = fuse({"/camera": [0.6, 0.8, 0], "/imu": [0, 0, 1]}, learned)
    camera, imu = np.exp(2 * 0.6 + 1), np.exp(-3.0 - 1)
    assert fused.weights == pytest.approx({"/camera": camera / (camera + imu), "/imu": imu / (camera + imu)})
    expected = camera * np.array([0.6, 0.8, 0]) + imu * np.array([0, 0, 1])
    np.testing.assert_allclose(fused.fused, expected / np.linalg.norm(expected), atol=1e-6)


def test_a_sense_without_a_query_has_the_mean_bias(learned: CrossAttention) -> None:
    weights = fuse({"/microphone": [0, 1, 0], "/imu": [1, 0, 0]}, learned).weights
    assert weights["/microphone"] / weights["/imu"] == pytest.approx(np.exp(0 + 1))


def test_queries_of_another_space_say_nothing(learned: CrossAttention) -> None:
    weights = fuse({"/camera": [1, 0], "/imu": [0, 1]}, learned).weights
    assert weights["/camera"] / weights["/imu"] == pytest.approx(np.exp(2))
    assert CrossAttention(space="openclip:ViT-B-32").space not in LEARNED


def test_order_changes_nothing(learned: CrossAttention) -> None:
    one = fuse({"/camera": [1, 2, 3], "/imu": [0, 1, 4]}, learned)
    other = fuse({"/imu": [0, 1, 4], "/camera": [1, 2, 3]}, learned)
    assert one.fused.tobytes() == other.fused.tobytes()


def test_opposites_still_give_a_unit_vector() -> None:
    np.testing.assert_allclose(fuse({"/imu": [-1, 0], "/camera": [1, 0]}).fused, [1, 0])


def test_own_window_is_handed_on() -> None:
    whole = observe(3, {"/imu": np.ones(256)})
    assert CrossAttention()(whole.window, list(whole.embeddings.values())).window is whole.window


def test_without_embeddings_nothing_is_fused(learned: CrossAttention) -> None:
    fuse({"/imu": [1, 0, 0]}, learned)
    assert fuse({}, learned).fused.tolist() == [0, 0, 0]


def test_queries_come_along_for_mini() -> None:
    weights = fuse({"/camera": [1.0] * 512, "/imu": [1.0] * 512}, CrossAttention(space="mini")).weights
    assert weights["/camera"] != pytest.approx(weights["/imu"], abs=1e-3)


@pytest.mark.parametrize("state", [{"vision.query": QUERIES["vision.query"]}, {"meaning.weight": np.zeros(3)}, {}])
def test_a_file_of_something_else_is_refused(tmp_path: Path, state: dict[str, Array]) -> None:
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match=r"other\.safetensors: holds no queries"):
        CrossAttention(weights=str(tmp_path / "other.safetensors"))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"cut\.safetensors: damaged"):
        CrossAttention(weights=str(tmp_path / "cut.safetensors"))

import numpy as np
import pytest
from situations import TOPICS, observe, window

from operators.fusion import CrossAttention
from pipeline.messages import Array, Embedding, Observation


def fuse(vectors: dict[str, list[float]], temperature: float = 0.5) -> Observation:
    embeddings = [
        Embedding(topic=topic, modality=TOPICS[topic], stamp=0, vector=_unit(vector))
        for topic, vector in vectors.items()
    ]
    return CrossAttention(temperature)(window(0, {}), embeddings)


def _unit(vector: list[float]) -> Array:
    return np.array(vector, np.float32) / np.linalg.norm(vector).astype(np.float32)


def test_one_topic_speaks_alone() -> None:
    fused = fuse({"/imu": [3, 4]})
    np.testing.assert_allclose(fused.fused, [0.6, 0.8])
    assert fused.weights == {"/imu": 1.0}


def test_senses_that_agree_outweigh_the_one_that_does_not() -> None:
    fused = fuse({"/camera": [1, 0.1, 0], "/imu": [0, 0, 1], "/microphone": [1, -0.1, 0]})
    assert fused.weights["/camera"] == pytest.approx(fused.weights["/microphone"])
    assert fused.weights["/imu"] < 0.9 * fused.weights["/camera"]


def test_attention_is_the_softmax_of_cosines() -> None:
    fused = fuse({"/camera": [1, 0], "/imu": [0.6, 0.8]}, temperature=0.2)
    own, other = np.exp(1 / 0.2), np.exp(0.6 / 0.2)
    assert fused.weights == pytest.approx({"/camera": 0.5, "/imu": 0.5})
    fused = fuse({"/camera": [1, 0], "/imu": [0.6, 0.8], "/microphone": [1, 0]}, temperature=0.2)
    agreed, alone = 2 * own / (2 * own + other), own / (own + 2 * other)
    assert fused.weights["/imu"] == pytest.approx((alone + 2 * (1 - agreed)) / 3)


def test_high_temperature_is_the_mean() -> None:
    fused = fuse({"/camera": [1, 0, 0], "/imu": [0, 1, 0], "/microphone": [1, 0, 0]}, temperature=1e6)
    np.testing.assert_allclose(fused.fused, np.array([2, 1, 0]) / np.sqrt(5), atol=1e-5)


def test_opposites_still_give_a_unit_vector() -> None:
    np.testing.assert_allclose(fuse({"/imu": [-1, 0], "/camera": [1, 0]}).fused, [1, 0])


def test_own_window_is_handed_on() -> None:
    whole = observe(3, {"/imu": np.ones(256)})
    assert CrossAttention()(whole.window, list(whole.embeddings.values())).window is whole.window


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_impossible_temperature_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature {temperature}"):
        CrossAttention(temperature)

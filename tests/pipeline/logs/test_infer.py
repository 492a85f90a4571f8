"""What a topic can be read as, by its name and its first message."""

from types import SimpleNamespace

import pytest

from pipeline.logs.infer import info_beside, is_thermal, modality_of

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


@pytest.mark.parametrize(
    ("topic", "encoding", "modality"),
    [
        ("/camera/image_raw", "rgb8", "vision"),
        ("/camera/image_raw", "bayer_grbg8", "vision"),
        ("/camera/image_raw", "mono8", "vision"),
        ("/camera/depth/image_raw", "16UC1", "depth"),
        ("/camera/depth/image", "32FC1", "depth"),
        ("/any", "mono16", "depth"),
        ("/flir/image_raw", "mono16", "thermal"),
        ("/thermal_camera/image", "16UC1", "thermal"),
        ("/lwir/image", "mono8", "thermal"),
        ("/ir/image", "mono8", "thermal"),
        ("/flir/color", "bgr8", "vision"),
        ("/mirror/stairs", "mono8", "vision"),
    ],
)
def test_raw_pictures(topic: str, encoding: str, modality: str) -> None:
    assert modality_of(topic, IMAGE, SimpleNamespace(encoding=encoding)) == modality


@pytest.mark.parametrize(
    ("topic", "form", "modality"),
    [
        ("/camera/compressed", "jpeg", "vision"),
        ("/camera/compressed", "rgb8; jpeg compressed bgr8", "vision"),
        ("/camera/depth/compressed", "16UC1; png compressed ", "depth"),
        ("/camera/depth/compressedDepth", "16UC1; compressedDepth png", "depth"),
        ("/thermal/compressed", "mono16; png compressed ", "thermal"),
        ("/lepton/compressed", "jpeg", "thermal"),
    ],
)
def test_packed_pictures(topic: str, form: str, modality: str) -> None:
    assert modality_of(topic, COMPRESSED, SimpleNamespace(format=form)) == modality


@pytest.mark.parametrize(("topic", "encoding"), [("/camera", "yuv422"), ("/thermal", "32FC1")])
def test_pictures_of_unknown_meaning_are_not_guessed(topic: str, encoding: str) -> None:
    with pytest.raises(ValueError, match=encoding):
        modality_of(topic, IMAGE, SimpleNamespace(encoding=encoding))


def test_float_depth_that_was_quantized_is_not_read() -> None:
    with pytest.raises(ValueError, match="compressedDepth"):
        modality_of("/depth", COMPRESSED, SimpleNamespace(format="32FC1; compressedDepth"))


def test_thermal_words_are_whole_words() -> None:
    assert is_thermal("/robot1/FLIR_boson/image")
    assert not is_thermal("/first/circle/image")


def test_audio_info_is_found_beside_its_audio() -> None:
    infos = {"/a/audio_info": 1, "/mic_info": 2, "/audio_info": 3}
    assert [info_beside(topic, infos) for topic in ("/a/audio", "/mic", "/audio", "/b/audio")] == [1, 2, 3, None]

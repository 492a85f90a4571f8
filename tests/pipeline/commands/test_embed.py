"""``rigbind embed`` and ``rigbind weights``, as somebody types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from golden import golden
from PIL import Image

from pipeline.commands.__main__ import main

PICTURE, SOUND = str(golden("img_320x240.png")), str(golden("audio_mono16k_short.wav"))


def rigbind(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command line; return its exit code."""
    monkeypatch.setattr("sys.argv", ["rigbind", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_table_has_every_pair(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert rigbind(monkeypatch, "embed", PICTURE, SOUND, "a dog") == 0
    told = capsys.readouterr().out
    assert told.count("1.000") == 3
    assert "a dog" in told


def test_json_holds_vectors_and_their_products(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rigbind(monkeypatch, "embed", SOUND, "a dog", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    vectors = np.array(told["vectors"])
    assert told["things"] == [SOUND, "a dog"]
    np.testing.assert_allclose(vectors @ vectors.T, told["similarity"], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_what_the_towers_see_is_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert rigbind(monkeypatch, "embed", PICTURE, SOUND, "a dog", "--show", str(tmp_path / "seen")) == 0
    names = ["1-vision.png", "2-audio.png", "3-text.png"]
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == names
    for name in names:
        with Image.open(tmp_path / "seen" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["embed", "nowhere.jpg"], "nowhere.jpg: No such file"),
        (["embed", "a dog", "--model", "maxi"], "no preset 'maxi'"),
        (["embed", "a dog", "--model", "imagebind"], "needs a weights after a colon"),
        (["embed", "a dog", "--model", f"imagebind:{PICTURE}"], "no checkpoint, or a damaged one"),
        (["embed", "a dog", "--model", "openclip:ViT-B-33"], "no architecture 'ViT-B-33'"),
        (["embed", PICTURE, "--device", "cuda:7"], "cuda:7"),
        (["weights", "info", "nowhere.pth"], "nowhere.pth: No such file"),
        (["weights", "info", PICTURE], "no checkpoint, or a damaged one"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    words: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rigbind(monkeypatch, *words) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err + captured.out


def test_weights_are_converted_and_described(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source, target = str(golden("tiny_state_dict.safetensors")), str(tmp_path / "imu.safetensors")
    assert rigbind(monkeypatch, "weights", "convert", source, target, "--modality", "imu", "--dtype", "bfloat16") == 0
    assert "imu" in capsys.readouterr().out
    assert rigbind(monkeypatch, "weights", "info", target) == 0
    told = capsys.readouterr().out
    assert "bfloat16" in told
    assert "SHA-256" in told
    assert "audio" not in told

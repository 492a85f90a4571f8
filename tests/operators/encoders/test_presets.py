import pytest

from operators.encoders.presets import built, mixed, preset, preset_names
from pipeline.messages import MODALITIES

NAMES = ["mini", "tiny", "imagebind:", "openclip:ViT-B-32/"]


def test_every_preset_is_tried_here() -> None:
    assert [name.partition(":")[0] for name in NAMES] == list(preset_names())


@pytest.mark.parametrize("name", NAMES)
def test_encoders_of_a_preset_can_be_built_and_share_a_dimension(name: str) -> None:
    encoders = {modality: built(part) for modality, part in preset(name).items()}
    assert {modality: encoder.modality for modality, encoder in encoders.items()} == {
        modality: modality for modality in encoders
    }
    assert len({encoder.dim for encoder in encoders.values()}) == 1


@pytest.mark.parametrize(
    ("name", "modalities"), [("mini", MODALITIES), ("tiny", MODALITIES), ("imagebind:w.pth", MODALITIES)]
)
def test_presets_of_all_senses_have_all(name: str, modalities: tuple[str, ...]) -> None:
    assert set(preset(name)) == set(modalities)


def test_what_follows_the_colon_reaches_every_encoder() -> None:
    assert {part["params"]["weights"] for part in preset("imagebind:some/huge.pth").values()} == {"some/huge.pth"}
    assert {part["params"]["model"] for part in preset("openclip:ViT-B-32/a/b.pt").values()} == {"ViT-B-32/a/b.pt"}


def test_modalities_may_come_from_different_presets() -> None:
    parts = mixed({"vision": "openclip:RN50/openai", "depth": "imagebind:w.pth", "imu": "tiny"})
    names = [part["use"].partition(":")[2] for part in parts.values()]
    assert names == ["OpenClipVision", "DepthEncoder", "ImuEncoder"]
    assert parts["depth"]["params"]["weights"] == "w.pth"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("maxi", "no preset 'maxi'; there is mini, tiny, imagebind, openclip"),
        ("mini:file", "'mini' takes nothing after a colon, and 'file' is there"),
        ("imagebind", "'imagebind' needs a weights after a colon: `imagebind:imagebind_huge.pth`"),
    ],
)
def test_wrong_names_are_told_what_there_is(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        preset(name)


def test_a_preset_without_the_modality_is_named() -> None:
    with pytest.raises(ValueError, match="'openclip:RN50' has no encoder for imu; it has vision, text"):
        mixed({"imu": "openclip:RN50"})

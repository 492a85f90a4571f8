import pytest

from operators.encoders.presets import preset, preset_names
from pipeline.build import build
from pipeline.config import Part
from pipeline.messages import MODALITIES


@pytest.mark.parametrize("name", preset_names())
def test_encoders_of_a_preset_can_be_built_and_share_a_dimension(name: str) -> None:
    encoders = {modality: build(Part(**part), name) for modality, part in preset(name).items()}
    assert {modality: encoder.modality for modality, encoder in encoders.items()} == {
        modality: modality for modality in MODALITIES
    }
    assert len({encoder.dim for encoder in encoders.values()}) == 1


def test_unknown_preset_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="no preset 'maxi'; there is mini"):
        preset("maxi")

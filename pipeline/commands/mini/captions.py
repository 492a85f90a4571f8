"""What the weights are taught to call things: the sentences of each label, in the words of set and simulator."""

from operators.sets import drone_ir_visible_audio, thermal_uav_hituav
from pipeline.commands.eval.simulator import SENTENCES as HAPPENINGS

TERRAINS = {
    "asphalt": ("driving on asphalt", "a paved road"),
    "flooring": ("driving on an indoor floor", "a smooth floor"),
    "ice": ("driving on ice", "an icy ground"),
    "sandy loam": ("driving on sandy loam", "soft soil"),
    "snow": ("driving on snow", "a snowy ground"),
}

CAPTIONS: dict[str, tuple[str, ...]] = {
    **HAPPENINGS,
    **{name: sentences for name, sentences in thermal_uav_hituav.SENTENCES.items() if name != "background"},
    **{name: sentences for name, sentences in drone_ir_visible_audio.SENTENCES.items() if name != "background"},
    **TERRAINS,
}

CALM = ("nothing unusual", "an empty scene", "background noise", "empty ground")
"""What is said of a scene in which nothing is."""

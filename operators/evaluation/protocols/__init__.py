"""How each set is tested: its protocol, by the name of the set."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from operators.evaluation.embedder import Embedder
from operators.evaluation.outcome import Outcome
from operators.evaluation.protocols.flyers import drone
from operators.evaluation.protocols.motion import scenarios, terrain
from operators.evaluation.protocols.pairs import depth_pairs, thermal_pairs
from operators.evaluation.protocols.rooms import nyu, sun
from operators.evaluation.protocols.sounds import audioset, captions, esc10, esc50, motor
from operators.evaluation.protocols.thermal import hituav, night_persons
from operators.sets.item import Item

Aims = Mapping[str, tuple[str, float]]


class Protocol(Struct, frozen=True):
    """What is done with items, and with those that may be learned from; ``aims`` are what ``mini`` should reach."""

    run: Callable[[Embedder, Sequence[Item], Sequence[Item]], Outcome]
    aims: Aims = {}
    learns: bool = False  # whether examples are learned from at all

    @property
    def summary(self) -> str:
        """The first sentence of its description."""
        return " ".join((self.run.__doc__ or "").split("\n\n")[0].split())


PROTOCOLS: Mapping[str, Protocol] = {
    "audio_esc10": Protocol(esc10, {"top1": (">=", 0.85)}, learns=True),
    "rgb_thermal_roadscene": Protocol(thermal_pairs, {"r1": (">=", 0.85), "r10": (">=", 0.98)}),
    "rgb_thermal_tno": Protocol(thermal_pairs),
    "rgbd_imu_tum_fr1_rpy": Protocol(depth_pairs, {"r1_over_baseline": (">=", 3.0)}),
    "thermal_uav_hituav": Protocol(
        hituav, {"target_auroc": (">=", 0.8), "target_top1": (">=", 0.8), "person_car_top1": (">=", 0.8)}, learns=True
    ),
    "drone_ir_visible_audio": Protocol(
        drone,
        {f"{sense}_top1": (">=", 0.5) for sense in ("ir", "visible", "audio")}
        | {f"{sense}_shot5_top1": (">=", 0.8) for sense in ("ir", "visible", "audio")}
        | {"fused_gain": (">=", 0.05)},
        learns=True,
    ),
    "drone_motor_prop_audio": Protocol(motor, {"watch_auroc": (">=", 0.95)}, learns=True),
    "imu_terrain_borealtc": Protocol(terrain, {"top1": (">=", 0.8)}, learns=True),
    "esc50": Protocol(esc50, learns=True),
    "audioset": Protocol(audioset),
    "clotho": Protocol(captions),
    "audiocaps": Protocol(captions),
    "sun_rgbd": Protocol(sun),
    "nyu_depth": Protocol(nyu),
    "llvip": Protocol(night_persons),
    "ego4d": Protocol(scenarios),
}

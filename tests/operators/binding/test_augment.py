from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from operators.binding.augment import augmented, box_of, cropped, part_of, widened
from operators.binding.recipe import Recipe, recipe_for
from operators.sets.item import Item
from operators.sets.reading import clip_of
from pipeline.messages import Array, Clip

PLAIN = Recipe()


def grid(rows: int, columns: int) -> Array:
    """A frame whose pixels say where they are, in thousandths of its sides."""
    y, x = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return np.stack([x, y], axis=2)


def still(modality: str, frame: Array) -> list[Clip]:
    return [clip_of("/one", modality, 0, 1, [(0, frame)])]


def pair(name: str = "a") -> Item:
    senses = {"vision": partial(still, "vision", grid(120, 160)), "thermal": partial(still, "thermal", grid(60, 64))}
    return Item(name=name, senses=senses | {"audio": partial(still, "audio", np.arange(9))}, group="flight")


def frame(item: Item, sense: str) -> Array:
    clips: Sequence[Clip] = item.senses[sense]()
    return clips[0].samples[0].data


def test_one_part_of_both_images_is_seen() -> None:
    for number in range(8):
        part = cropped(pair(), number, seed=0)
        picture, warmth = frame(part, "vision"), frame(part, "thermal")
        for corner in ((0, 0), (-1, -1)):
            np.testing.assert_allclose(picture[corner], warmth[corner], atol=0.03)
        assert np.array_equal(frame(part, "audio"), np.arange(9))


def test_parts_differ_by_number_name_and_seed_and_never_by_run() -> None:
    parts = [cropped(pair(), 0, 0), cropped(pair(), 1, 0), cropped(pair("b"), 0, 0), cropped(pair(), 0, 1)]
    assert len({frame(part, "vision").tobytes() for part in parts}) == 4
    assert frame(cropped(pair(), 0, 0), "vision").tobytes() == frame(parts[0], "vision").tobytes()


def test_parts_stay_in_the_group_of_the_whole() -> None:
    found = widened([pair()], "thermal", recipe_for("thermal", {"crops": 3}))
    assert [item.group for item in found] == ["flight"] * 4
    assert len({item.name for item in found}) == 4


def test_sound_and_what_has_no_picture_are_not_cropped() -> None:
    recipe = recipe_for("thermal", {"crops": 3})
    alone = Item(name="alone", senses={"thermal": pair().senses["thermal"]})
    assert len(widened([pair()], "audio", recipe)) == len(widened([alone], "thermal", recipe)) == 1


def test_a_mirrored_part_is_mirrored() -> None:
    whole = part_of(grid(10, 20), (0, 0, 1, 1, True))
    assert whole[0, 0, 0] == 1
    assert whole[0, -1, 0] == 0


def test_parts_lie_within_the_image_and_hold_some_of_it() -> None:
    rng = np.random.default_rng(0)
    for left, top, right, bottom, _ in (box_of(rng) for _ in range(200)):
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert (right - left) * (bottom - top) > 0.3


def test_images_lose_a_part_as_often_as_is_said() -> None:
    images = torch.rand(400, 1, 32, 32) + 1
    torch.manual_seed(0)
    hidden = (augmented(images, "thermal", Recipe(erase=0.25)) != images).flatten(1).any(1).float().mean()
    assert 0.15 < hidden < 0.35
    assert torch.equal(augmented(images, "thermal", PLAIN), images)


def test_spectrograms_lose_whole_bands_and_no_time() -> None:
    torch.manual_seed(0)
    patches = torch.rand(20, 3, 96, 64)
    changed = augmented(patches, "audio", Recipe(mask=12)) != patches
    bands = changed.all(2).sum(-1)
    assert bands.max() <= 12
    assert (bands > 0).float().mean() > 0.6
    assert torch.equal(changed.any(2), changed.all(2) | changed.any(2) & (patches.amin((1, 2)) == 0)[:, None])
    melted = torch.rand(20, 1, 128, 204)
    assert (augmented(melted, "audio", Recipe(mask=12)) != melted).any(3).sum(-1).max() <= 12


def test_motion_is_turned_as_one() -> None:
    torch.manual_seed(0)
    motion = torch.zeros(200, 6, 50)
    motion[:, 2] = 9.81
    shaken = augmented(motion, "imu", Recipe(shake=0.05))
    length = shaken[:, :3].norm(dim=1)[:, 0]
    assert abs(float(length.mean()) - 9.81) < 0.2
    assert 0.2 < float(length.std()) < 1.0
    assert 0.2 < float(shaken[:, 0, 0].std()) < 1.0
    assert shaken[:, 3:].abs().max() == 0
    assert torch.equal(augmented(motion, "imu", PLAIN), motion)

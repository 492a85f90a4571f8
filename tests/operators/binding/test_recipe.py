import pytest

from operators.binding.recipe import DEFAULTS, recipe_for


@pytest.mark.parametrize(("modality", "temperature"), [("audio", 0.05), ("depth", 0.2), ("thermal", 0.1), ("imu", 0.2)])
def test_temperatures_are_those_of_the_paper(modality: str, temperature: float) -> None:
    assert recipe_for(modality, {}).temperature == temperature


def test_what_is_said_counts_more_than_what_is_usual() -> None:
    assert recipe_for("thermal", {"temperature": 0.3, "crops": 0}).temperature == 0.3


def test_a_head_learns_from_inputs_as_they_are_unless_asked_otherwise() -> None:
    assert DEFAULTS["thermal"]["erase"] > 0
    assert recipe_for("thermal", {"mode": "head"}).erase == 0
    assert recipe_for("thermal", {"mode": "head", "erase": 0.1}).erase == 0.1


def test_a_sense_of_ones_own_has_a_recipe() -> None:
    assert recipe_for("force", {}).epochs > 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"epochs": 0}, "epochs"),
        ({"temperature": 0.0}, "temperature"),
        ({"mode": "some"}, "some"),
        ({"held": 1.0}, "held"),
        ({"batch": 1}, "batch"),
        ({"learning_rate": 1.0}, "learning_rate"),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=f"^recipe: .*{told}"):
        recipe_for("imu", changes)

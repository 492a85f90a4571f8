import pytest
import torch
from torch import nn

from operators.binding.learning import chosen, merged
from operators.binding.recipe import Recipe


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(8 * 4, 6), nn.Linear(6, 5))


def learn(model: nn.Module, mode: str) -> nn.Module:
    """Return the model after three steps."""
    parameters = chosen(model, Recipe(mode=mode, rank=2))  # type: ignore[arg-type]
    optimizer = torch.optim.AdamW(parameters, 0.05)
    for _ in range(3):
        optimizer.zero_grad()
        model(X).square().sum().backward()
        optimizer.step()
    return model


X = torch.rand(4, 3, 4, 4, generator=torch.Generator().manual_seed(1))


def changed(model: nn.Module) -> set[str]:
    before = network().state_dict()
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}


def test_a_head_is_the_last_linear_layer() -> None:
    assert changed(learn(network(), "head")) == {"4.weight", "4.bias"}


def test_a_network_says_what_its_head_is() -> None:
    model = network()
    model.heads = ("3",)  # type: ignore[assignment]
    assert changed(learn(model, "head")) == {"3.weight", "3.bias"}


def test_full_is_all_that_is_not_frozen() -> None:
    model = network()
    model[1].requires_grad_(False)
    assert changed(learn(model, "full")) == {f"{n}.{part}" for n in (0, 3, 4) for part in ("weight", "bias")}


def test_low_rank_changes_begin_as_none_and_are_merged_into_weights() -> None:
    model = network()
    chosen(model, Recipe(mode="lora", rank=2))
    torch.testing.assert_close(model(X), network()(X))
    learned = learn(network(), "lora")
    said = learned(X).detach()
    whole = merged(learned)
    assert changed(whole) == {"0.weight", "3.weight", "4.weight"}
    torch.testing.assert_close(whole(X), said)
    difference = whole.state_dict()["3.weight"] - network().state_dict()["3.weight"]
    assert torch.linalg.matrix_rank(difference, rtol=1e-4) == 2


def test_low_rank_changes_are_the_same_for_one_seed_and_leave_chance_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = chosen(network_seeded(3), Recipe(mode="lora"))
    assert torch.rand(1) == expected
    for one, other in zip(first, chosen(network_seeded(4), Recipe(mode="lora")), strict=True):
        assert torch.equal(one, other)


def network_seeded(seed: int) -> nn.Module:
    state = torch.random.get_rng_state()
    model = network()
    torch.random.set_rng_state(state)
    return model


def test_nothing_to_learn_is_an_error() -> None:
    with pytest.raises(ValueError, match="leaves nothing of Sequential to learn"):
        chosen(network().requires_grad_(False), Recipe())

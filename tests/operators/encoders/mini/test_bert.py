"""Our BERT beside torch's own transformer: random weights, in the key layout of the published ones."""

import pytest
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.mini import conversion
from operators.encoders.mini.bert import HEADS, LAYERS, POSITIONS, VOCABULARY, WIDE, WIDTH, Bert

THEIRS = {
    "attention.output.dense": "self_attn.out_proj",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
"""A layer's parts in the published weights, and in ``nn.TransformerEncoderLayer``."""


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return 0.1 * torch.randn(shape, generator=generator)

    state = {"embeddings.word_embeddings.weight": drawn(VOCABULARY, WIDTH)}
    state |= {"embeddings.position_embeddings.weight": drawn(POSITIONS, WIDTH)}
    state |= {"embeddings.token_type_embeddings.weight": drawn(2, WIDTH)}
    parts = {"intermediate.dense": (WIDE, WIDTH), "output.dense": (WIDTH, WIDE)}
    parts |= {f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")}
    parts |= {"attention.output.dense": (WIDTH, WIDTH)}
    linear = {f"encoder.layer.{layer}.{name}": shape for layer in range(LAYERS) for name, shape in parts.items()}
    norms = [
        f"encoder.layer.{layer}.{name}.LayerNorm" for layer in range(LAYERS) for name in ("attention.output", "output")
    ]
    for name, shape in linear.items():
        state |= {f"{name}.weight": drawn(*shape), f"{name}.bias": drawn(shape[0])}
    for name in ("embeddings.LayerNorm", *norms):
        state |= {f"{name}.weight": 1 + drawn(WIDTH), f"{name}.bias": drawn(WIDTH)}
    return state


def reference(published: dict[str, Tensor], tokens: Tensor) -> Tensor:
    """Return (N, W): the mean over what is no padding, of torch's layers."""
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, WIDE, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
    )
    encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
    state = {}
    for number in range(LAYERS):
        theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
        for end in ("weight", "bias"):
            heads = [published[f"{theirs}.attention.self.{name}.{end}"] for name in ("query", "key", "value")]
            state[f"{ours}.self_attn.in_proj_{end}"] = torch.cat(heads)
            state |= {f"{ours}.{name}.{end}": published[f"{theirs}.{old}.{end}"] for old, name in THEIRS.items()}
    encoder.load_state_dict(state)
    x = published["embeddings.word_embeddings.weight"][tokens]
    x = x + published["embeddings.position_embeddings.weight"][: tokens.shape[1]]
    x = x + published["embeddings.token_type_embeddings.weight"][0]
    weight, bias = (published[f"embeddings.LayerNorm.{end}"] for end in ("weight", "bias"))
    x = encoder(functional.layer_norm(x, (WIDTH,), weight, bias, eps=1e-12), src_key_padding_mask=tokens == 0)
    rows = [row[sentence != 0].mean(0) for row, sentence in zip(x, tokens, strict=True)]
    return functional.normalize(torch.stack(rows), dim=1)


def loaded(data: bytes) -> Bert:
    network = Bert()
    network.load_state_dict(conversion.text(data))
    return network


@torch.no_grad()
def test_sentences_are_those_of_the_reference(published: dict[str, Tensor]) -> None:
    tokens = torch.tensor([[101, 7592, 2088, 102, 0, 0], [101, 30521, 1, 5, 9, 102], [101, 102, 0, 0, 0, 0]])
    network = loaded(save(published))
    torch.testing.assert_close(network(tokens), reference(published, tokens), atol=2e-5, rtol=0)
    torch.testing.assert_close(network(tokens[:1, :4]), network(tokens)[:1], atol=1e-5, rtol=0)


@torch.no_grad()
def test_weights_that_are_named_after_the_model_are_read_too(published: dict[str, Tensor]) -> None:
    tokens = torch.tensor([[101, 7592, 102]])
    renamed = {f"bert.{name}": tensor for name, tensor in published.items()}
    assert torch.equal(loaded(save(renamed))(tokens), loaded(save(published))(tokens))

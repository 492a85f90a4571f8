"""What is read out of frozen networks, learned: whitened sentences, concepts, meanings and layouts.

N = things, F = features, L = labels, C = concepts, M = dimensions of meaning, A = of layout, W = of a sentence.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor, nn
from torch.nn import functional

from operators.encoders.mini.concepts import PROTOTYPES
from operators.encoders.mini.joint import LAYOUT, MEANING

BATCH = 256

SYNONYMS = 0.5
"""Labels whose sentences have a larger cosine than this are not told from each other."""

DROPPED = 0.3
"""Share of features that a step does not see: there are more of them than independent things to learn from."""


RADII = (0.5, 1.25)
"""Bounds of a prototype's radius, in medians."""

HELD = 0.01
"""How strongly layouts are held near the directions that they begin as, per squared deviation."""


class Examples:
    """Features (N, F) with what is true of them, (N, L) in {0, 1}; a row without any is of a calm scene.

    Of several examples each is drawn from as often.
    """

    def __init__(self, features: Tensor, truth: Tensor) -> None:
        self.features = features
        self.truth = truth


def whitening(groups: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return (M, W) and (M,): sentences by the strongest axes in which names differ, each weighed down.

    ``groups`` are the names (N, W) that each sense knows, and count alike however many there are. Names are alike in
    what is common to all words; what is left tells them apart. Variances are shrunk towards their mean by as much as
    it, so that the weakest axes are not noise alone.
    """
    mean = torch.stack([names_NW.mean(0) for names_NW in groups]).double().mean(0)
    spread = [(names_NW.double() - mean).T @ (names_NW.double() - mean) / len(names_NW) for names_NW in groups]
    variances, axes = torch.linalg.eigh(torch.stack(spread).mean(0))
    scaled = axes[:, -MEANING:] * (variances[-MEANING:] + variances.mean()).rsqrt()
    return scaled.T.float().contiguous(), -(scaled.T @ mean).float()


def fit_concepts(examples: Sequence[Examples], steps: int = 800, seed: int = 0) -> nn.Linear:
    """Return logistic regression from features to labels, each for itself, with as much decay as features call for."""
    mean, std = _moments(examples)
    layer = _seeded(examples[0].features.shape[1], examples[0].truth.shape[1], seed)
    optimizer, schedule = _optimizer([layer], steps, decay=0.3)
    for x, truth in _batches(examples, steps, seed):
        loss = functional.binary_cross_entropy_with_logits(layer(_dropped((x - mean) / std)), truth)
        _go(loss, optimizer, schedule)
    return _absorbed(layer, mean, std)


def fit_prototypes(examples: Sequence[Examples], seed: int = 0) -> dict[str, Tensor]:
    """Return ``scale`` (F,), ``prototypes`` (P, F) and ``radii`` (P,) of ``Concepts``: k-means, and how far it reaches.

    A radius is the distance that 95 of 100 members are within, and between half and one and a quarter of the median
    radius: what was never seen to vary may still do so, and a loose crowd is not at home in all that is between it.
    """
    features = torch.cat([each.features for each in examples])
    scale = 1 / (features.std(0) + 0.1 * features.std())
    scaled = features * scale
    centres, members = kmeans2(scaled.numpy(), PROTOTYPES, minit="++", seed=seed)
    prototypes, place = torch.from_numpy(centres).float(), torch.from_numpy(members).long()
    distances = (scaled - prototypes[place]).norm(dim=1)
    radii = torch.stack([_reach(distances[place == number]) for number in range(PROTOTYPES)])
    return {
        "scale": scale,
        "prototypes": prototypes,
        "radii": radii.clamp(*(share * float(radii.median()) for share in RADII)),
    }


def _reach(distances: Tensor) -> Tensor:
    return distances.quantile(0.95) if len(distances) else torch.tensor(0.0)


def fit_meaning(
    examples: Sequence[Examples], labels_LM: Tensor, calm_M: Tensor, temperature: float, steps: int = 800, seed: int = 0
) -> nn.Linear:
    """Return the linear map from features to meaning that InfoNCE finds, sentences being the frozen anchor.

    What is true of a thing attracts it in equal parts, ``calm_M`` where nothing is; of the other sentences those that
    mean nearly the same do not repel it. ``temperature`` as in ImageBind's table 9 (arXiv 2305.05665).
    """
    mean, std = _moments(examples)
    layer = _seeded(examples[0].features.shape[1], MEANING, seed)
    anchors = functional.normalize(torch.cat([labels_LM, calm_M[None]]), dim=1)
    alike = (anchors @ anchors.T > SYNONYMS).float()
    optimizer, schedule = _optimizer([layer], steps, decay=0.3)
    for x, truth in _batches(examples, steps, seed):
        due = torch.cat([truth, (truth.sum(1, keepdim=True) == 0).float()], dim=1)
        spared = (due @ alike > 0) & (due == 0)
        vectors = functional.normalize(layer(_dropped((x - mean) / std)), dim=1)
        logits = (vectors @ anchors.T / temperature).masked_fill(spared, -torch.inf)
        shares = due / due.sum(1, keepdim=True)
        loss = -(shares * functional.log_softmax(logits, 1).masked_fill(spared, 0)).sum(1).mean()
        _go(loss, optimizer, schedule)
    return _absorbed(layer, mean, std)


def fit_layouts(
    pictures: Tensor, others: Mapping[str, Tensor], deviation: Tensor, steps: int = 800, seed: int = 1
) -> dict[str, nn.Linear]:
    """Return one linear map a sense from cells (N, F) to layout, that of ``vision`` included, by symmetric InfoNCE.

    Row by row ``pictures`` and ``others`` show one scene. All maps begin as the same random directions, which already
    tell scenes apart across senses, and are held near them, since simulated scenes are few and plain. ``deviation``
    (F,) of the cells puts loud channels in proportion. Every second batch is mirrored.
    """
    generator = torch.manual_seed(seed)  # the global one: dropout takes no other
    start = torch.linalg.qr(torch.randn(pictures.shape[1], LAYOUT, generator=generator))[0].T.contiguous()
    layers = {name: _begun(start) for name in ("vision", *others)}
    optimizer, schedule = _optimizer(list(layers.values()), steps, decay=0.0, rate=1e-3)
    for step in range(steps):
        rows = torch.randperm(len(pictures), generator=generator)[:BATCH]
        vectors = {}
        for name, cells in {"vision": pictures, **others}.items():
            x = cells[rows] / deviation
            x = mirrored(x) if step % 2 else x
            noise = 0.1 * torch.randn(x.shape, generator=generator)
            vectors[name] = functional.normalize(layers[name](functional.dropout(x, 0.1) + noise), dim=1)
        pull = sum(((layer.weight - start) ** 2).sum() for layer in layers.values())
        losses = [_symmetric(vectors["vision"], vectors[name], 0.1) for name in others]
        _go(torch.stack(losses).sum() + HELD * pull, optimizer, schedule)
    return {name: _absorbed(layer, torch.zeros_like(deviation), deviation) for name, layer in layers.items()}


def mirrored(cells: Tensor, grid: int = 4) -> Tensor:
    """Return flattened cells (N, channels × grid × grid) of the pictures mirrored left to right."""
    return cells.view(len(cells), -1, grid, grid).flip(3).flatten(1)


def _symmetric(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    logits, place = one @ other.T / temperature, torch.arange(len(one))
    return (functional.cross_entropy(logits, place) + functional.cross_entropy(logits.T, place)) / 2


def _batches(examples: Sequence[Examples], steps: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    count = max(BATCH // len(examples), 1)
    for _ in range(steps):
        drawn = [(each, torch.randint(len(each.features), (count,), generator=generator)) for each in examples]
        yield (
            torch.cat([each.features[rows] for each, rows in drawn]),
            torch.cat([each.truth[rows] for each, rows in drawn]),
        )


def _moments(examples: Sequence[Examples]) -> tuple[Tensor, Tensor]:
    features = torch.cat([each.features for each in examples])
    return features.mean(0), features.std(0) + 0.01 * features.std()


def _dropped(x: Tensor) -> Tensor:
    return functional.dropout(x, DROPPED) + 0.1 * torch.randn_like(x)


def _seeded(inputs: int, outputs: int, seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs)


def _begun(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.zero_()
    return layer


def _absorbed(layer: nn.Linear, mean: Tensor, std: Tensor) -> nn.Linear:
    """Return the layer that takes features as they are, and does what ``layer`` does with standardized ones."""
    weight = (layer.weight / std).detach()
    absorbed = _begun(weight)
    with torch.no_grad():
        absorbed.bias.copy_(layer.bias - weight @ mean)
    return absorbed


def _optimizer(
    layers: Sequence[nn.Linear], steps: int, decay: float, rate: float = 2e-3
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimizer = torch.optim.AdamW(parameters, rate, weight_decay=decay)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def _go(loss: Tensor, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    schedule.step()

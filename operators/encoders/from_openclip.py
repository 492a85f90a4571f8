"""OpenCLIP's ViT weights by ImageBind's keys: its vision and text towers are such ones (arXiv 2305.05665, section 3).

The mapping was found by matching shapes and verified by equal outputs. Two things a state dict does not say: heads,
which are the preset's, and the activation: models called ``quickgelu``, and OpenAI's, are not ImageBind's and give
other answers. OpenCLIP's layer norms have an epsilon of 1e-5 and ImageBind's 1e-6, which moves outputs by some 1e-5.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

BLOCKS = {
    "ln_1": "norm_1",
    "ln_2": "norm_2",
    "attn": "attn",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}

VISION, TEXT = "modality_preprocessors.vision", "modality_preprocessors.text"

OTHERS = {
    "visual.class_embedding": f"{VISION}.cls_token",
    "visual.positional_embedding": f"{VISION}.pos_embedding_helper.pos_embed",
    "visual.conv1.weight": f"{VISION}.rgbt_stem.proj.1.weight",
    "visual.ln_pre.weight": "modality_trunks.vision.pre_transformer_layer.0.weight",
    "visual.ln_pre.bias": "modality_trunks.vision.pre_transformer_layer.0.bias",
    "visual.ln_post.weight": "modality_heads.vision.0.weight",
    "visual.ln_post.bias": "modality_heads.vision.0.bias",
    "visual.proj": "modality_heads.vision.2.weight",
    "token_embedding.weight": f"{TEXT}.token_embedding.weight",
    "positional_embedding": f"{TEXT}.pos_embed",
    "ln_final.weight": "modality_heads.text.proj.0.weight",
    "ln_final.bias": "modality_heads.text.proj.0.bias",
    "text_projection": "modality_heads.text.proj.1.weight",
    "logit_scale": "modality_postprocessors.text.1.log_logit_scale",
}

CONSTANTS = ("attn_mask",)
"""Entries that are no weights."""

_BLOCK = re.compile(r"(visual\.)?transformer\.resblocks\.(\d+)\.(ln_1|ln_2|attn|mlp\.c_fc|mlp\.c_proj)\.(.+)")


def is_openclip(keys: Iterable[str]) -> bool:
    """Say whether ``keys`` are those of an OpenCLIP model."""
    return any(key.startswith("visual.") or key == "logit_scale" for key in keys)


def imagebind_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of vision and text by ImageBind's keys and in its shapes.

    A picture is a film of two equal frames: each of its frames gets half of the patches' weights. Raise ValueError
    naming the keys that no ImageBind tower has: other architectures than ViT cannot be mapped.
    """
    unknown = [key for key in state if imagebind_name(key) is None and key not in CONSTANTS]
    if unknown:
        more = f" and {len(unknown) - 4} more" if len(unknown) > 4 else ""
        raise ValueError(f"no ViT as ImageBind's towers are: it also has {', '.join(unknown[:4])}{more}")
    named = {key: imagebind_name(key) for key in state}
    return {name: _shaped(key, state[key]) for key, name in named.items() if name is not None}


def imagebind_name(key: str) -> str | None:
    """Return ImageBind's name of OpenCLIP's ``key``, or None if it has none.

    >>> imagebind_name("visual.transformer.resblocks.3.mlp.c_fc.bias")
    'modality_trunks.vision.blocks.3.mlp.fc1.bias'
    """
    if match := _BLOCK.fullmatch(key):
        visual, number, part, rest = match.groups()
        return f"modality_trunks.{'vision' if visual else 'text'}.blocks.{number}.{BLOCKS[part]}.{rest}"
    return OTHERS.get(key)


def _shaped(key: str, tensor: Tensor) -> Tensor:
    match key:
        case "visual.class_embedding":
            return tensor[None, None]
        case "visual.positional_embedding" | "positional_embedding":
            return tensor[None]
        case "visual.conv1.weight":
            return (tensor / 2).unsqueeze(2).repeat(1, 1, 2, 1, 1)
        case "visual.proj" | "text_projection":
            return tensor.T.contiguous()
        case _:
            return tensor

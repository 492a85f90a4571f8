import json
from typing import Any

import numpy as np
import pytest
from golden import golden

from operators.encoders.text import TextEncoder

GOLDEN = json.loads(golden("tokenizer.json").read_text())
MARKED = "<|startoftext|>inside<|endoftext|>"


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda entry: entry["text"][:20])
def test_tokens_are_those_of_the_reference(entry: dict[str, Any]) -> None:
    assert TextEncoder(marks=True).tokenize([entry["text"]])[0].tolist() == entry["tokens"]
    if entry["text"] != MARKED:
        assert TextEncoder().tokenize([entry["text"]])[0].tolist() == entry["tokens"]


@pytest.mark.parametrize("mark", ["<|endoftext|>", "<end_of_text>", "<End_Of_Text>", "<start_of_text>"])
def test_a_mark_that_somebody_writes_is_letters(mark: str) -> None:
    tokens = TextEncoder().tokenize([f"a {mark} dog"])[0]
    assert (tokens == 49406).sum() == (tokens == 49407).sum() == 1
    assert tokens.max() == tokens[tokens.argmax()] == 49407
    assert 1929 in tokens  # dog, after the mark


def test_a_text_of_a_hundred_thousand_characters_is_cut() -> None:
    tokens = TextEncoder().tokenize(["word " * 20_000, "x" * 100_000])
    assert tokens.shape == (2, 77)
    assert tokens[:, -1].tolist() == [49407, 49407]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="a text is a string, this one is 7"):
        TextEncoder().tokenize(["a dog", 7])  # type: ignore[list-item]


def test_other_sentences_have_other_vectors() -> None:
    encoder = TextEncoder()
    one, same, other = encoder.embed(encoder.tokenize(["a dog barks", "a dog barks", "glass breaks"]))
    np.testing.assert_allclose(one, same, atol=1e-6)
    assert one @ other < 0.9999
    assert encoder.scale == pytest.approx(1 / 0.07)

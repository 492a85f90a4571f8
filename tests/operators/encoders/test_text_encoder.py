import numpy as np

from operators.encoders.text import LENGTH, TextEncoder


def test_tokens_are_bytes_and_long_texts_are_cut() -> None:
    tokens = TextEncoder().tokenize(["é", "a" * 500])
    assert tokens.shape == (2, LENGTH)
    assert tokens[0, :3].tolist() == [0xC3 + 1, 0xA9 + 1, 0]
    assert set(tokens[1].tolist()) == {ord("a") + 1}


def test_other_sentences_have_other_vectors() -> None:
    encoder = TextEncoder()
    one, same, other = encoder.embed(encoder.tokenize(["a dog barks", "a dog barks", "glass breaks"]))
    np.testing.assert_array_equal(one, same)
    assert one @ other < 0.9999

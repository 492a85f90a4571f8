import numpy as np
import pytest
import torch

from operators.encoders.mini.joint import DIM, MEANING
from operators.encoders.mini.text import LENGTH, MiniText, Sentences
from pipeline.messages import Array

CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def encoder() -> MiniText:
    return MiniText()


def pieces(encoder: MiniText, text: str) -> list[int]:
    return encoder.tokenize([text])[0].tolist()  # type: ignore[no-any-return]


def test_words_are_cut_into_the_longest_known_pieces(encoder: MiniText) -> None:
    assert pieces(encoder, "embeddings") == [CLS, 7861, 8270, 4667, 2015, SEP]  # em ##bed ##ding ##s


@pytest.mark.parametrize(
    ("text", "plain"),
    [("A DOG", "a dog"), ("Café naïve", "cafe naive"), ("  a\tdog \n", "a dog"), ("a dog.", "a dog .")],
)
def test_case_accents_and_blanks_make_no_difference(encoder: MiniText, text: str, plain: str) -> None:
    assert pieces(encoder, text) == pieces(encoder, plain)


def test_a_word_of_no_known_piece_is_unknown(encoder: MiniText) -> None:
    assert pieces(encoder, "🤖") == [CLS, 100, SEP]


def test_shorter_sentences_are_followed_by_padding_that_does_not_count(encoder: MiniText) -> None:
    tokens = encoder.tokenize(["a dog", "a dog that barks at the postman"])
    assert tokens.dtype == np.int64
    assert tokens[0].tolist() == [CLS, 1037, 3899, SEP, *[0] * 7]
    np.testing.assert_allclose(encoder.embed(tokens)[0], encoder.embed(encoder.tokenize(["a dog"]))[0], atol=1e-5)


def test_a_text_of_a_hundred_thousand_characters_is_cut(encoder: MiniText) -> None:
    tokens = encoder.tokenize(["word " * 20_000, "x" * 100_000])
    assert tokens.shape == (2, LENGTH)
    assert tokens[0, -1] == SEP


def test_no_text_gives_no_vectors(encoder: MiniText) -> None:
    assert encoder.embed(encoder.tokenize([])).shape == (0, DIM)


def test_what_is_no_text_is_refused(encoder: MiniText) -> None:
    with pytest.raises(ValueError, match="a text is a string, this one is 7"):
        encoder.tokenize(["a dog", 7])  # type: ignore[list-item]


@torch.inference_mode()
def test_sentences_are_as_alike_as_they_were_published(encoder: MiniText) -> None:
    network = encoder.network()
    assert isinstance(network, Sentences)
    sentences = ["dog barking", "puppy makes noise", "the stock market fell today"]
    bark, puppy, stocks = network.bert(torch.from_numpy(encoder.tokenize(sentences)))
    assert bark @ puppy == pytest.approx(0.5918, abs=0.005)  # of the published float32 weights
    assert bark @ stocks == pytest.approx(0.0304, abs=0.005)


def nearest(encoder: MiniText, names: list[str], text: str) -> str:
    vectors: Array = encoder.embed(encoder.tokenize([*names, text]))
    return names[int((vectors[:-1] @ vectors[-1]).argmax())]


@pytest.mark.parametrize(
    ("text", "due"),
    [("a puppy", "dog"), ("an automobile", "car"), ("a man walking", "person"), ("flames and smoke", "fire")],
)
def test_a_sentence_is_nearest_to_what_it_means(encoder: MiniText, text: str, due: str) -> None:
    assert nearest(encoder, ["dog", "car", "person", "fire", "glass", "helicopter"], text) == due


def test_a_sentence_says_nothing_of_layout(encoder: MiniText) -> None:
    vectors = encoder.embed(encoder.tokenize(["a dog on the left"]))
    assert vectors.shape == (1, DIM)
    assert not vectors[:, MEANING:].any()

"""Choosing the entropy coder by name."""

import pytest

from latentpress.ans import available_entropy_coders, get_entropy_coder, set_entropy_coder
from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.errors import ConfigurationError


def test_ans_is_available_and_the_default() -> None:
    assert available_entropy_coders() == ["ans"]
    assert get_entropy_coder() == "ans"
    set_entropy_coder("ans")
    assert EntropyBottleneck(2, entropy_coder="ans").entropy_coder == "ans"
    assert GaussianConditional(None).entropy_coder == "ans"


def test_an_unknown_coder_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"\['ans'\].*'huffman'"):
        set_entropy_coder("huffman")
    with pytest.raises(ConfigurationError, match="huffman"):
        EntropyBottleneck(2, entropy_coder="huffman")

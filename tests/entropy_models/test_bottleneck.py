"""EntropyBottleneck: training, tables, coding."""

import copy
import pickle

import pytest
import torch

from latentpress.entropy_models import EntropyBottleneck
from latentpress.errors import BitstreamError, ConfigurationError


@pytest.fixture
def bottleneck() -> EntropyBottleneck:
    model = EntropyBottleneck(6)
    with torch.no_grad():
        model.quantiles[:, 0, 1] = torch.linspace(-1.3, 1.3, 6)
    return model.eval()


def test_evaluation_rounds_about_the_medians(bottleneck) -> None:
    x = torch.randn(2, 6, 3, 5) * 4
    x_hat, _ = bottleneck(x)
    medians = bottleneck.quantiles[:, 0, 1].reshape(1, 6, 1, 1)
    assert torch.equal(x_hat, torch.round(x - medians) + medians)


def test_training_adds_noise_of_half_a_step(bottleneck) -> None:
    x = torch.randn(2, 6, 30, 50)
    noise = bottleneck.train()(x)[0] - x
    assert noise.abs().max() <= 0.5 + 1e-6
    assert noise.unique().numel() > x.numel() / 2


def test_likelihoods_of_all_integers_sum_to_one(bottleneck) -> None:
    integers = torch.arange(-3000, 3001).float().repeat(6, 1)[None]
    _, likelihoods = bottleneck(integers + bottleneck._get_medians().reshape(1, 6, 1))
    torch.testing.assert_close(likelihoods.sum(2), torch.ones(1, 6), rtol=1e-3, atol=0)


def test_likelihoods_are_bounded_below(bottleneck) -> None:
    _, likelihoods = bottleneck(torch.full((1, 6, 1), 1e6))
    assert (likelihoods == likelihoods.new_tensor(1e-9)).all()


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 7), (2, 6, 3, 5), (1, 6, 2, 3, 4), (0, 6, 3, 5)])
def test_latents_of_any_number_of_dimensions_round_trip(bottleneck, shape: tuple[int, ...]) -> None:
    bottleneck.update()
    x = torch.randn(shape) * 20
    strings = bottleneck.compress(x)
    assert len(strings) == shape[0]
    assert torch.equal(bottleneck.decompress(strings, shape[2:]), bottleneck(x)[0])


def test_values_far_outside_the_tables_round_trip(bottleneck) -> None:
    bottleneck.update()
    x = torch.tensor([0.0, 1e3, -1e4, 1e6, -1e8, 2e9]).reshape(1, 6, 1)
    assert torch.equal(bottleneck.decompress(bottleneck.compress(x), (1,)), bottleneck(x)[0])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1e20])
def test_values_that_are_not_numbers_are_refused(bottleneck, bad: float) -> None:
    bottleneck.update()
    x = torch.zeros(1, 6, 4)
    x[0, 3, 2] = bad
    with pytest.raises(ConfigurationError, match="not a number"):
        bottleneck.compress(x)


def test_the_string_of_an_element_does_not_depend_on_the_batch_or_the_layout(bottleneck) -> None:
    bottleneck.update()
    x = torch.randn(5, 6, 4, 4) * 5
    strings = bottleneck.compress(x)
    assert strings == [bottleneck.compress(element[None])[0] for element in x]
    assert strings == bottleneck.compress(x.to(memory_format=torch.channels_last))


def test_the_string_costs_what_the_likelihoods_say(bottleneck) -> None:
    bottleneck.update(update_quantiles=True)
    x = torch.randn(1, 6, 64, 64) * 3
    bits = -bottleneck(x)[1].log2().sum().item()
    assert 8 * len(bottleneck.compress(x)[0]) == pytest.approx(bits, rel=0.005)


def test_update_keeps_tables_unless_forced(bottleneck) -> None:
    assert bottleneck.update()
    tables = bottleneck.quantized_cdf.clone()
    with torch.no_grad():
        bottleneck.biases[0] += 0.3
    assert not bottleneck.update()
    assert torch.equal(bottleneck.quantized_cdf, tables)
    assert bottleneck.update(force=True)
    assert not torch.equal(bottleneck.quantized_cdf, tables)


def test_compressing_uses_tables_made_anew(bottleneck) -> None:
    bottleneck.update()
    x = torch.randn(1, 6, 8)
    before = bottleneck.compress(x)
    with torch.no_grad():
        bottleneck.matrices[0] += 1
    bottleneck.update(force=True)
    after = bottleneck.compress(x)
    assert after != before
    assert torch.equal(bottleneck.decompress(after, (8,)), bottleneck(x)[0])


def test_bisection_puts_quantiles_where_the_loss_wants_them(reference_bottleneck) -> None:
    bottleneck = reference_bottleneck(16)
    assert bottleneck.loss() > 100
    bottleneck.update(update_quantiles=True)
    assert bottleneck.loss() < 0.01
    logits = bottleneck._logits_cumulative(bottleneck.quantiles, stop_gradient=True)
    torch.testing.assert_close(logits, bottleneck.target.expand_as(logits), rtol=1e-4, atol=1e-4)


def test_the_auxiliary_loss_trains_the_quantiles_and_nothing_else(bottleneck) -> None:
    bottleneck.loss().backward()
    touched = {name for name, parameter in bottleneck.named_parameters() if parameter.grad is not None}
    assert touched == {"quantiles"}


def test_the_rate_trains_the_density_and_not_the_quantiles(bottleneck) -> None:
    _, likelihoods = bottleneck.train()(torch.randn(2, 6, 4, 4))
    (-likelihoods.log()).sum().backward()
    untouched = {name for name, parameter in bottleneck.named_parameters() if parameter.grad is None}
    assert untouched == {"quantiles"}


def test_likelihoods_stay_in_single_precision_under_autocast(bottleneck) -> None:
    x = torch.randn(2, 6, 4, 4) * 3
    _, expected = bottleneck(x)
    with torch.autocast("cpu", torch.bfloat16):
        _, likelihoods = bottleneck(x)
        loss = bottleneck.loss()
    assert likelihoods.dtype == loss.dtype == torch.float32
    torch.testing.assert_close(likelihoods, expected)


def test_half_precision_latents_keep_their_type(bottleneck) -> None:
    x_hat, likelihoods = bottleneck(torch.randn(1, 6, 4).bfloat16())
    assert x_hat.dtype == torch.bfloat16
    assert likelihoods.dtype == torch.float32


def test_double_precision_passes_a_gradient_check() -> None:
    bottleneck = EntropyBottleneck(2).double().eval()

    def likelihood(x: torch.Tensor) -> torch.Tensor:
        return bottleneck._likelihood(x)[0]

    assert torch.autograd.gradcheck(likelihood, torch.randn(2, 1, 3, dtype=torch.double, requires_grad=True))


def test_copies_and_pickles_code_alike(bottleneck) -> None:
    bottleneck.update()
    x = torch.randn(1, 6, 4)
    strings = bottleneck.compress(x)
    for copied in (copy.deepcopy(bottleneck), pickle.loads(pickle.dumps(bottleneck))):
        assert copied.compress(x) == strings


def test_a_checkpoint_brings_its_tables(bottleneck) -> None:
    bottleneck.update()
    x = torch.randn(1, 6, 4)
    fresh = EntropyBottleneck(6).eval()
    fresh.load_state_dict(bottleneck.state_dict())
    assert fresh.compress(x) == bottleneck.compress(x)


def test_a_checkpoint_without_tables_loads_over_tables(bottleneck) -> None:
    empty = copy.deepcopy(bottleneck).state_dict()
    bottleneck.update()
    bottleneck.load_state_dict(empty)
    assert bottleneck.offset.numel() == 0


def test_damaged_tables_in_a_checkpoint_are_refused(bottleneck) -> None:
    bottleneck.update()
    bottleneck._cdf_length[2] = 10_000
    with pytest.raises(ConfigurationError, match="table 2"):
        bottleneck.compress(torch.zeros(1, 6, 1))


def test_coding_in_inference_mode_notices_new_tables(bottleneck) -> None:
    with torch.inference_mode():
        bottleneck.update()
        x = torch.randn(1, 6, 4)
        before = bottleneck.compress(x)
        bottleneck._offset.add_(1)
        assert bottleneck.compress(x) != before


def test_coding_before_update_says_what_to_do(bottleneck) -> None:
    with pytest.raises(ConfigurationError, match=r"call update\(\)"):
        bottleneck.compress(torch.zeros(1, 6, 1))
    with pytest.raises(ConfigurationError, match=r"call update\(\)"):
        bottleneck.decompress([b"\0" * 8], (1,))


def test_a_latent_of_another_width_is_refused(bottleneck) -> None:
    bottleneck.update()
    for call in (bottleneck, bottleneck.compress):
        with pytest.raises(ConfigurationError, match=r"\(N, 6, ...\), found \(1, 5, 2\)"):
            call(torch.zeros(1, 5, 2))


def test_a_wrong_size_is_noticed(bottleneck) -> None:
    bottleneck.update()
    strings = bottleneck.compress(torch.randn(1, 6, 4, 4) * 5)
    for size in ((4, 5), (3, 4), (0, 0)):
        with pytest.raises(BitstreamError):
            bottleneck.decompress(strings, size)
    with pytest.raises(ConfigurationError, match="height, width"):
        bottleneck.decompress(strings, (-4, 4))


@pytest.mark.parametrize("arguments", [{"channels": 0}, {"channels": 4, "tail_mass": 0.0}])
def test_impossible_arguments_are_refused(arguments: dict) -> None:
    with pytest.raises(ConfigurationError, match="at least one channel"):
        EntropyBottleneck(**arguments)


def test_another_precision_of_the_coder_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="16 bits"):
        EntropyBottleneck(4, entropy_coder_precision=12)


@pytest.mark.parametrize("tail", [1e6, 1e30, float("nan")])
def test_quantiles_too_far_apart_are_refused_with_a_remedy(bottleneck, tail: float) -> None:
    with torch.no_grad():
        bottleneck.quantiles[2, 0, 2] = tail
    with pytest.raises(ConfigurationError, match="update_quantiles=True"):
        bottleneck.update()
    assert bottleneck.update(update_quantiles=True)

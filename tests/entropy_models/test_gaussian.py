"""GaussianConditional: likelihoods, table indexes, tables, coding."""

import copy
import pickle

import pytest
import torch

from latentpress.entropy_models import GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError


@pytest.fixture(scope="module")
def gaussian(scale_table) -> GaussianConditional:
    model = GaussianConditional(None).eval()
    model.update_scale_table(scale_table)
    return model


def _latent(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    scales = torch.exp(torch.randn(shape) * 1.5)
    means = torch.randn(shape) * 4
    return means + scales * torch.randn(shape), scales, means


def test_likelihoods_are_masses_of_unit_bins() -> None:
    y = torch.tensor([0.0, 1.0, -2.0, 5.0], dtype=torch.double)
    scales = torch.tensor([0.5, 1.0, 3.0, 1.0], dtype=torch.double)
    normal = torch.distributions.Normal(torch.zeros_like(scales), scales)
    expected = normal.cdf(y + 0.5) - normal.cdf(y - 0.5)
    _, likelihoods = GaussianConditional(None).eval()(y, scales)
    torch.testing.assert_close(likelihoods, expected, rtol=1e-6, atol=1e-9)


def test_likelihoods_keep_their_digits_in_both_tails() -> None:
    y = torch.tensor([-7.0, 7.0])
    model = GaussianConditional(None, likelihood_bound=0).eval()
    _, likelihoods = model(y, torch.ones(2))
    assert likelihoods[0] == likelihoods[1]
    # The mass of (6.5, 7.5) under the standard normal, to double precision.
    assert likelihoods[0].item() == pytest.approx(4.0128e-11, rel=1e-3)


def test_small_scales_are_raised_to_the_bound() -> None:
    model = GaussianConditional(None, scale_bound=0.5).eval()
    y = torch.tensor([0.0, 1.0])
    assert torch.equal(model(y, torch.tensor([-3.0, 0.0]))[1], model(y, torch.tensor([0.5, 0.5]))[1])


def test_evaluation_rounds_about_the_means(gaussian) -> None:
    y, scales, means = _latent(2, 3, 4, 4)
    assert torch.equal(gaussian(y, scales, means)[0], torch.round(y - means) + means)
    assert torch.equal(gaussian(y, scales)[0], torch.round(y))


def test_quantisation_modes_agree(gaussian) -> None:
    y, _, means = _latent(2, 3, 4, 4)
    symbols = gaussian.quantize(y, "symbols", means)
    assert symbols.dtype == torch.int32
    assert torch.equal(gaussian.dequantize(symbols, means), gaussian.quantize(y, "dequantize", means))
    with pytest.raises(ConfigurationError, match="'noise', 'dequantize', 'symbols'"):
        gaussian.quantize(y, "floor")


def test_indexes_count_the_scales_strictly_below(gaussian, scale_table) -> None:
    around = torch.cat([torch.nextafter(scale_table, scale_table + way) for way in (-1, 1)])
    extremes = torch.tensor([-1.0, 0.0, 1e-30, 0.11, 256.0, 1e30, float("inf")])
    scales = torch.cat([scale_table, around, extremes, torch.rand(5000) * 300, torch.rand(5000)])
    bounded = scales.clamp(min=0.11)
    expected = (scale_table[:-1] < bounded[:, None]).sum(1)
    indexes = gaussian.build_indexes(scales)
    assert indexes.dtype == torch.int32
    assert torch.equal(indexes.long(), expected)


@pytest.mark.parametrize(
    "table",
    [
        [1.0],
        [0.05, 0.07, 3.0],
        [1.0, 1.0000001, 1.0000002, 5.0],
        [0.2, 1e-3 + 0.2, 1e30],
        [1e-40, 1e-30, 2.0],
    ],
    ids=["one", "below the bound", "neighbouring floats", "far apart", "subnormal"],
)
def test_indexes_are_right_for_any_increasing_table(table: list[float]) -> None:
    model = GaussianConditional(table)
    entries = model.scale_table
    near = torch.cat([torch.nextafter(entries, entries * 0), torch.nextafter(entries, entries * 2)])
    scales = torch.cat([entries, near, torch.rand(1000) * 6])
    expected = (entries[:-1] < scales.clamp(min=0.11)[:, None]).sum(1)
    assert torch.equal(model.build_indexes(scales).long(), expected)


def test_indexes_keep_the_shape_of_any_layout(gaussian) -> None:
    scales = torch.rand(2, 3, 4, 5) * 10
    indexes = gaussian.build_indexes(scales)
    assert torch.equal(gaussian.build_indexes(scales.permute(0, 2, 3, 1)), indexes.permute(0, 2, 3, 1))
    assert gaussian.build_indexes(torch.zeros(2, 0, 3)).shape == (2, 0, 3)


@pytest.mark.parametrize("with_means", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (2, 5, 4, 6), (2, 0, 3), (0, 4)])
def test_latents_round_trip(gaussian, shape: tuple[int, ...], with_means: bool) -> None:
    y, scales, means = _latent(*shape)
    means = means if with_means else None
    indexes = gaussian.build_indexes(scales)
    strings = gaussian.compress(y, indexes, means)
    y_hat = gaussian.decompress(strings, indexes, means=means)
    assert torch.equal(y_hat, gaussian(y, scales, means)[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_latents_of_any_precision_round_trip(gaussian, dtype: torch.dtype) -> None:
    y, scales, means = (x.to(dtype) for x in _latent(2, 3, 4, 4))
    indexes = gaussian.build_indexes(scales)
    y_hat = gaussian.decompress(gaussian.compress(y, indexes, means), indexes, means=means)
    assert y_hat.dtype == dtype
    assert torch.equal(y_hat, gaussian.quantize(y, "dequantize", means))


def test_means_broadcast(gaussian) -> None:
    y, scales, _ = _latent(2, 3, 4, 4)
    means = torch.randn(1, 3, 1, 1)
    indexes = gaussian.build_indexes(scales)
    strings = gaussian.compress(y, indexes, means)
    assert strings == gaussian.compress(y, indexes, means.expand_as(y))
    assert torch.equal(gaussian.decompress(strings, indexes, means=means), torch.round(y - means) + means)


def test_bytes_serve_as_indexes_and_layouts_do_not_matter(gaussian) -> None:
    y, scales, means = _latent(2, 6, 4, 4)
    indexes = gaussian.build_indexes(scales)
    strings = gaussian.compress(y, indexes, means)
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int64):
        assert gaussian.compress(y, indexes.to(dtype), means) == strings
        decoded = gaussian.decompress(strings, indexes.to(dtype), means=means)
        assert torch.equal(decoded, torch.round(y - means) + means)
    last = torch.channels_last
    permuted = y.to(memory_format=last), indexes.to(memory_format=last), means.to(memory_format=last)
    assert gaussian.compress(*permuted) == strings


def test_ties_round_to_even_as_in_torch(gaussian) -> None:
    y = torch.arange(-20.5, 20.5).reshape(1, -1)
    indexes = gaussian.build_indexes(torch.full_like(y, 8.0))
    assert torch.equal(gaussian.decompress(gaussian.compress(y, indexes), indexes), torch.round(y))


def test_values_on_the_edge_of_exact_rounding_round_trip(gaussian) -> None:
    powers = 2.0 ** torch.arange(15, 31)
    y = torch.cat(
        [powers, -powers, powers - 0.5, -powers + 0.5, powers + 1, torch.nextafter(powers, powers * 2)]
    )
    indexes = torch.zeros(1, len(y), dtype=torch.int32)
    decoded = gaussian.decompress(gaussian.compress(y[None], indexes), indexes)
    assert torch.equal(decoded, torch.round(y)[None])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 2.0**31, -1e38])
def test_values_that_are_not_numbers_are_refused(gaussian, bad: float) -> None:
    y = torch.zeros(2, 50)
    y[1, 20] = bad
    with pytest.raises(ConfigurationError, match="not a number"):
        gaussian.compress(y, torch.zeros(2, 50, dtype=torch.int32))


def test_the_string_costs_what_the_likelihoods_say(gaussian) -> None:
    scales = torch.exp(torch.randn(1, 100_000))
    y = scales * torch.randn(1, 100_000)
    bits = -gaussian(y, scales)[1].log2().sum().item()
    coded = 8 * len(gaussian.compress(y, gaussian.build_indexes(scales))[0])
    assert bits * 0.999 < coded < bits * 1.01  # 64 scales cost a little


def test_shapes_that_do_not_fit_are_refused(gaussian) -> None:
    y, indexes = torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.int32)
    strings = gaussian.compress(y, indexes)
    for call in (
        lambda: gaussian.compress(y, indexes[:, :2]),
        lambda: gaussian.compress(y[0], indexes[0]),
        lambda: gaussian.compress(y, indexes, torch.zeros(5)),
        lambda: gaussian.compress(y, indexes.float()),
        lambda: gaussian.decompress(strings[:1], indexes),
        lambda: gaussian.decompress(strings, indexes, means=torch.zeros(5)),
    ):
        with pytest.raises(ConfigurationError, match="Expected"):
            call()


def test_indexes_beyond_the_tables_are_refused(gaussian) -> None:
    y = torch.zeros(1, 3)
    for index in (64, -1):
        with pytest.raises(ConfigurationError, match="between 0 and 63"):
            gaussian.compress(y, torch.full((1, 3), index, dtype=torch.int32))
        with pytest.raises(ConfigurationError, match="between 0 and 63"):
            gaussian.decompress([b"\1" * 32], torch.full((1, 3), index, dtype=torch.int8))


def test_truncated_strings_are_refused(gaussian) -> None:
    y, scales, means = _latent(1, 300)
    indexes = gaussian.build_indexes(scales)
    (string,) = gaussian.compress(y, indexes, means)
    for size in range(len(string)):
        with pytest.raises(BitstreamError):
            gaussian.decompress([string[:size]], indexes, means=means)


def test_nothing_works_before_there_is_a_scale_table() -> None:
    model = GaussianConditional(None)
    for call in (model.update, lambda: model.build_indexes(torch.ones(2))):
        with pytest.raises(ConfigurationError, match="update_scale_table"):
            call()
    with pytest.raises(ConfigurationError, match=r"call update\(\)"):
        model.compress(torch.zeros(1, 2), torch.zeros(1, 2, dtype=torch.int32))


@pytest.mark.parametrize("table", [[], [1.0, 1.0], [2.0, 1.0], [0.0, 1.0], [-1.0, 1.0], [1.0, float("inf")]])
def test_what_is_no_scale_table_is_refused(table: list[float]) -> None:
    with pytest.raises(ConfigurationError, match="increasing"):
        GaussianConditional(table)
    with pytest.raises(ConfigurationError, match="increasing"):
        GaussianConditional(None).update_scale_table(table)


def test_scales_too_wide_for_a_table_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="65535 slots"):
        GaussianConditional([1.0, 1e30]).update()


def test_the_bound_defaults_to_the_first_scale_if_asked() -> None:
    model = GaussianConditional([0.3, 1.0], scale_bound=None)
    assert model.lower_bound_scale.bound.item() == pytest.approx(0.3)
    for arguments in ((None, None), ([0.3, 1.0], -1.0)):
        with pytest.raises(ConfigurationError, match="positive number"):
            GaussianConditional(arguments[0], scale_bound=arguments[1])


def test_tables_are_kept_unless_forced(scale_table) -> None:
    model = GaussianConditional(scale_table.tolist())
    assert model.update()
    assert not model.update()
    assert not model.update_scale_table([1.0, 2.0])
    assert model.update_scale_table([1.0, 2.0], force=True)
    assert model.offset.numel() == 2


def test_a_checkpoint_brings_its_scale_table_and_tables(gaussian) -> None:
    fresh = GaussianConditional(None)
    fresh.load_state_dict(gaussian.state_dict())
    assert torch.equal(fresh.scale_table, gaussian.scale_table)
    y, scales, means = _latent(1, 20)
    indexes = gaussian.build_indexes(scales)
    assert fresh.compress(y, indexes, means) == gaussian.compress(y, indexes, means)


def test_copies_and_pickles_code_alike(gaussian) -> None:
    y, scales, means = _latent(1, 20)
    indexes = gaussian.build_indexes(scales)
    for copied in (copy.deepcopy(gaussian), pickle.loads(pickle.dumps(gaussian))):
        assert copied.compress(y, indexes, means) == gaussian.compress(y, indexes, means)


def test_likelihoods_stay_in_single_precision_under_autocast(gaussian) -> None:
    y, scales, means = _latent(2, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        _, likelihoods = gaussian(y, scales, means)
        _, from_half = gaussian(y.bfloat16(), scales.bfloat16(), means.bfloat16())
    assert likelihoods.dtype == from_half.dtype == torch.float32
    torch.testing.assert_close(likelihoods, gaussian(y, scales, means)[1])


@pytest.mark.slow
def test_training_compiles_into_one_graph(gaussian) -> None:
    def rate(y: torch.Tensor, scales: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
        return -gaussian(y, scales, means, training=False)[1].log2().sum()

    inputs = _latent(2, 3, 4, 4)
    torch.testing.assert_close(torch.compile(rate, fullgraph=True)(*inputs), rate(*inputs))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_indexes_and_strings(gaussian) -> None:
    y, scales, means = _latent(2, 3, 16, 16)
    indexes = gaussian.build_indexes(scales)
    strings = gaussian.compress(y, indexes, means)
    on_gpu = copy.deepcopy(gaussian).cuda()
    assert torch.equal(on_gpu.build_indexes(scales.cuda()).cpu(), indexes)
    assert on_gpu.compress(y.cuda(), indexes.cuda(), means.cuda()) == strings
    decoded = on_gpu.decompress(strings, indexes.cuda(), means=means.cuda())
    assert decoded.is_cuda
    assert torch.equal(decoded.cpu(), gaussian.decompress(strings, indexes, means=means))

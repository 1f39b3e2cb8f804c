"""The autoregressive engine from Python: what torch computes, whatever must not matter, and hostile input."""

import math

import pytest
import torch
from torch import Tensor, nn

from latentpress.entropy_models import GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs.autoregressive import AutoregressiveCoder
from latentpress.layers import CheckerboardMaskedConv2d, MaskedConv2d

ORDERS = ("wavefront", "raster")


def scale_table() -> list[float]:
    return torch.exp(torch.linspace(math.log(0.11), math.log(256), 64)).tolist()


def make_coder(channels: int = 6, kernel_size: int = 5, **options: object) -> AutoregressiveCoder:
    gaussian_conditional = GaussianConditional(scale_table())
    gaussian_conditional.update()
    return AutoregressiveCoder(
        MaskedConv2d(channels, 2 * channels, kernel_size, padding=kernel_size // 2),
        nn.Sequential(
            nn.Conv2d(4 * channels, 20, 1),
            nn.LeakyReLU(inplace=True),
            nn.Sequential(nn.Conv2d(20, 17, 1), nn.ReLU()),
            nn.Conv2d(17, 2 * channels, 1),
        ),
        gaussian_conditional,
        **options,
    )


def make_latent(shape: tuple[int, int, int, int] = (1, 6, 7, 11)) -> tuple[Tensor, Tensor]:
    n, c, h, w = shape
    return 4 * torch.randn(n, c, h, w), 2 * torch.randn(n, 2 * c, h, w)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [(1, 6, 1, 1), (2, 6, 1, 9), (3, 6, 8, 1), (1, 6, 7, 11), (1, 6, 0, 4)])
def test_decoder_gets_what_the_encoder_says_it_gets(order, shape):
    coder, (y, params) = make_coder(), make_latent(shape)
    strings, y_hat = coder.compress(y, params, order)
    assert len(strings) == shape[0]
    assert torch.equal(coder.decompress(strings, params, order), y_hat)


@pytest.mark.parametrize("kernel_size", [3, 5, 7])
def test_values_are_the_latent_rounded_about_the_means_that_the_networks_give(kernel_size):
    coder, (y, params) = make_coder(kernel_size=kernel_size), make_latent()
    _, y_hat = coder.compress(y, params)
    with torch.no_grad():
        context = coder.context_prediction(y_hat)
        _, means = coder.entropy_parameters(torch.cat((params, context), dim=1)).chunk(2, dim=1)
    assert torch.allclose(y_hat, torch.round(y - means) + means, atol=1e-4)


def test_symbols_follow_the_order_row_column_channel_in_raster_streams():
    coder, (y, params) = make_coder(), make_latent((1, 6, 3, 4))
    (string,), y_hat = coder.compress(y, params, "raster")
    with torch.no_grad():
        context = coder.context_prediction(y_hat)
        scales, means = coder.entropy_parameters(torch.cat((params, context), dim=1)).chunk(2, dim=1)
    indexes = coder.gaussian_conditional.build_indexes(scales).permute(0, 2, 3, 1).reshape(1, -1)
    symbols = torch.round(y_hat - means).int().permute(0, 2, 3, 1).reshape(1, -1)
    assert coder.gaussian_conditional.coding_tables().encode(symbols, indexes) == [string]


def test_both_orders_give_the_same_values():
    coder, (y, params) = make_coder(), make_latent()
    assert torch.equal(coder.compress(y, params, "raster")[1], coder.compress(y, params, "wavefront")[1])


@pytest.mark.parametrize("order", ORDERS)
def test_bytes_depend_neither_on_threads_nor_on_the_batch_nor_on_the_layout(order, threads):
    coder, (y, params) = make_coder(), make_latent((3, 6, 9, 10))
    threads(1)
    strings, y_hat = coder.compress(y, params, order)
    threads(2)
    assert coder.compress(y, params, order)[0] == strings
    assert [coder.compress(y[i : i + 1], params[i : i + 1], order)[0][0] for i in range(3)] == strings
    channels_last = [x.contiguous(memory_format=torch.channels_last) for x in (y, params)]
    assert coder.compress(*channels_last, order)[0] == strings
    assert torch.equal(coder.decompress(strings, channels_last[1], order), y_hat)


@pytest.mark.parametrize("order", ORDERS)
def test_every_kernel_gives_the_same_bytes(order):
    coder, (y, params) = make_coder(), make_latent()
    expected = coder.compress(y, params, order)[0]
    assert AutoregressiveCoder.kernels()[-1] == "portable"
    for kernel in AutoregressiveCoder.kernels():
        networks = coder.context_prediction, coder.entropy_parameters, coder.gaussian_conditional
        assert AutoregressiveCoder(*networks, kernel=kernel).compress(y, params, order)[0] == expected


def test_weights_changed_behind_torchs_back_are_used():
    coder, (y, params) = make_coder(), make_latent()
    before = coder.compress(y, params)[1]
    coder.entropy_parameters[-1].bias.data.add_(0.25)
    after = coder.compress(y, params)[1]
    assert not torch.equal(before, after)


def test_other_types_are_computed_in_float32_and_given_back():
    coder, (y, params) = make_coder(), make_latent()
    strings, y_hat = coder.compress(y.double(), params.double())
    assert y_hat.dtype == torch.float64
    assert strings == coder.compress(y, params)[0]
    assert coder.decompress(strings, params.double()).dtype == torch.float64


@pytest.mark.parametrize("order", ORDERS)
def test_damaged_strings_are_refused(order):
    coder, (y, params) = make_coder(), make_latent()
    (string,), _ = coder.compress(y, params, order)
    for damaged in (b"", string[:7], string[:-4], string[: len(string) // 2], string + bytes(4)):
        with pytest.raises(BitstreamError):
            coder.decompress([damaged], params, order)
    with pytest.raises(BitstreamError, match="Expected 1 strings"):
        coder.decompress([string, string], params, order)


def test_flipped_bits_give_an_error_or_values_but_nothing_worse():
    coder, (y, params) = make_coder(), make_latent()
    (string,), y_hat = coder.compress(y, params)
    refused = 0
    for place in range(0, len(string), 7):
        damaged = bytearray(string)
        damaged[place] ^= 1 << place % 8
        try:
            assert coder.decompress([bytes(damaged)], params).shape == y_hat.shape
        except BitstreamError:
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e10])
def test_values_that_are_no_numbers_or_too_large_are_refused(bad):
    coder, (y, params) = make_coder(), make_latent()
    y[0, 2, 3, 4] = bad
    with pytest.raises(ConfigurationError, match="cannot be coded"):
        coder.compress(y, params)


def test_shapes_that_do_not_fit_are_refused():
    coder, (y, params) = make_coder(), make_latent()
    for wrong_y, wrong_params in (
        (y[:, :5], params),
        (y, params[:, :7]),
        (y[..., 1:], params),
        (y[0], params),
        (y.repeat(2, 1, 1, 1), params),
    ):
        with pytest.raises(ConfigurationError):
            coder.compress(wrong_y, wrong_params)
    with pytest.raises(ConfigurationError):
        coder.decompress([b"12345678"], params[:, :7])


@pytest.mark.parametrize(
    "context",
    [
        nn.Conv2d(6, 12, 5, padding=2),
        CheckerboardMaskedConv2d(6, 12, 5, padding=2),
        MaskedConv2d(6, 12, 5, padding=2, mask_type="B"),
        MaskedConv2d(6, 12, 5, padding=1),
        MaskedConv2d(6, 12, 5, padding=2, groups=2),
        MaskedConv2d(6, 6, 5, padding=2),
        MaskedConv2d(6, 12, 1),
    ],
)
def test_other_context_networks_are_refused(context):
    coder, (y, params) = make_coder(), make_latent()
    other = AutoregressiveCoder(context, coder.entropy_parameters, coder.gaussian_conditional)
    with pytest.raises(ConfigurationError):
        other.compress(y, params)


@pytest.mark.parametrize(
    "parameters",
    [
        nn.GELU(),
        nn.Sequential(),
        nn.Sequential(nn.LeakyReLU(), nn.Conv2d(24, 12, 1)),
        nn.Sequential(nn.Conv2d(24, 12, 1), nn.ReLU(), nn.LeakyReLU()),
        nn.Conv2d(24, 12, 3, padding=1),
        nn.Conv2d(24, 12, 1, stride=2),
        nn.Conv2d(12, 12, 1),
        nn.Conv2d(24, 6, 1),
    ],
)
def test_other_entropy_parameters_are_refused(parameters):
    coder, (y, params) = make_coder(), make_latent()
    other = AutoregressiveCoder(coder.context_prediction, parameters, coder.gaussian_conditional)
    with pytest.raises(ConfigurationError):
        other.compress(y, params)


def test_a_single_convolution_and_a_closing_activation_are_entropy_parameters_too():
    y, params = make_latent()
    base = make_coder()
    for parameters in (
        nn.Conv2d(24, 12, 1, bias=False),
        nn.Sequential(nn.Identity(), nn.Conv2d(24, 12, 1), nn.LeakyReLU(0.3)),
    ):
        coder = AutoregressiveCoder(base.context_prediction, parameters, base.gaussian_conditional)
        _, y_hat = coder.compress(y, params)
        with torch.no_grad():
            means = parameters(torch.cat((params, coder.context_prediction(y_hat)), dim=1)).chunk(2, dim=1)[1]
        assert torch.allclose(y_hat, torch.round(y - means) + means, atol=1e-4)


def test_wrong_names_are_refused():
    coder, (y, params) = make_coder(), make_latent()
    with pytest.raises(ConfigurationError, match="wavefront"):
        coder.compress(y, params, "spiral")
    with pytest.raises(ConfigurationError, match="portable"):
        make_coder(kernel="abacus").compress(y, params)


def test_tables_are_needed():
    coder = make_coder()
    without = AutoregressiveCoder(
        coder.context_prediction, coder.entropy_parameters, GaussianConditional(None)
    )
    with pytest.raises(ConfigurationError, match="update"):
        without.compress(*make_latent())

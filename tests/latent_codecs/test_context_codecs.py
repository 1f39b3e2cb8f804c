"""The codecs that predict parts of a latent from other parts, and those with gains."""

import pytest
import torch
from torch import nn

from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs import (
    ChannelGroupsLatentCodec,
    CheckerboardLatentCodec,
    GainHyperLatentCodec,
    GainHyperpriorLatentCodec,
    GaussianConditionalLatentCodec,
    LatentCodec,
    RasterScanLatentCodec,
)
from latentpress.layers import CheckerboardMaskedConv2d, MaskedConv2d
from latentpress.models import get_scale_table

SIDE = 6


def _with_tables(codec: LatentCodec) -> LatentCodec:
    for module in codec.modules():
        if isinstance(module, GaussianConditional):
            module.update_scale_table(get_scale_table())
        elif isinstance(module, EntropyBottleneck):
            module.update()
    return codec.eval()


def _checkerboard(channels: int = 4, side: int = SIDE, **options: str) -> CheckerboardLatentCodec:
    return CheckerboardLatentCodec(
        {"y": GaussianConditionalLatentCodec(quantizer="ste")},
        nn.Sequential(nn.Conv2d(side + 8, 12, 1), nn.ReLU(), nn.Conv2d(12, 2 * channels, 1)),
        CheckerboardMaskedConv2d(channels, 8, 5, padding=2),
        **options,
    )


def _groups() -> LatentCodec:
    return ChannelGroupsLatentCodec(
        {
            "y0": GaussianConditionalLatentCodec(entropy_parameters=nn.Conv2d(SIDE, 2, 1)),
            "y1": GaussianConditionalLatentCodec(entropy_parameters=nn.Conv2d(SIDE + 5, 6, 1)),
        },
        {"y1": nn.Conv2d(1, 5, 3, padding=1)},
        groups=[1, 3],
    )


def _groups_of_checkerboards() -> LatentCodec:
    return ChannelGroupsLatentCodec(
        {"y0": _checkerboard(2), "y1": _checkerboard(2, SIDE + 5)},
        {"y1": nn.Conv2d(2, 5, 3, padding=1)},
        groups=[2, 2],
    )


CODECS = {
    "checkerboard": _checkerboard,
    "checkerboard, odd anchors": lambda: _checkerboard(anchor_parity="odd"),
    "channel groups": _groups,
    "channel groups of checkerboards": _groups_of_checkerboards,
}


def _latent(count: int = 2, height: int = 6, width: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    return 3 * torch.randn(count, 4, height, width), torch.randn(count, SIDE, height, width)


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("size", [(6, 8), (5, 7), (1, 2)])
def test_decoding_gives_what_the_encoder_says_and_the_forward_pass_gives(name, size):
    codec = _with_tables(CODECS[name]())
    y, side = _latent(2, *size)
    coded = codec.compress(y, side)
    decoded = codec.decompress(coded["strings"], coded["shape"], side)
    assert torch.equal(decoded["y_hat"], coded["y_hat"])
    with torch.no_grad():
        torch.testing.assert_close(codec(y, side)["y_hat"], coded["y_hat"], rtol=0, atol=1e-5)
    assert ((coded["y_hat"] - y).abs() <= 0.5 + 1e-5).all()


@pytest.mark.parametrize("name", [*CODECS, "raster"])
def test_images_get_the_same_strings_alone_and_in_a_batch(name):
    codec = _with_tables({**CODECS, "raster": _raster_with_wide_side}[name]())
    y, side = _latent(3)
    together = codec.compress(y, side)["strings"]
    for index in range(3):
        alone = codec.compress(y[index : index + 1], side[index : index + 1])["strings"]
        assert alone == [[latent[index]] for latent in together]


@pytest.mark.parametrize("name", [*CODECS, "raster"])
def test_training_gives_every_parameter_a_gradient(name):
    codec = {**CODECS, "raster": _raster_with_wide_side}[name]().train()
    y, side = _latent()
    y.requires_grad_()
    out = codec(y, side)
    assert out["likelihoods"]["y"].shape == y.shape
    (out["y_hat"].square().sum() - out["likelihoods"]["y"].log().sum()).backward()
    assert y.grad is not None
    assert [name for name, parameter in codec.named_parameters() if parameter.grad is None] == []


def _raster_with_wide_side() -> LatentCodec:
    """The engine wants twice the latent's channels as side information."""

    class Widened(RasterScanLatentCodec):
        def forward(self, y, params):
            return super().forward(y, _widened(params))

        def compress(self, y, params):
            return super().compress(y, _widened(params))

    return Widened(
        GaussianConditional(None),
        nn.Sequential(nn.Conv2d(16, 12, 1), nn.LeakyReLU(), nn.Conv2d(12, 8, 1)),
        MaskedConv2d(4, 8, 5, padding=2),
    )


def _widened(params: torch.Tensor) -> torch.Tensor:
    return torch.cat((params, params[:, :2]), dim=1)


@pytest.mark.parametrize("order", ["raster", "wavefront"])
def test_a_raster_scan_codec_rounds_about_means_predicted_from_its_own_output(order):
    codec = _with_tables(_raster_with_wide_side())
    codec.order = order
    y, side = _latent()
    coded = codec.compress(y, side)
    decoded = codec.decompress(coded["strings"], coded["shape"], _widened(side))
    assert torch.equal(decoded["y_hat"], coded["y_hat"])
    with torch.no_grad():
        context = codec.context_prediction(coded["y_hat"])
        _, means = codec.entropy_parameters(torch.cat((_widened(side), context), 1)).chunk(2, 1)
    torch.testing.assert_close(coded["y_hat"], (y - means).round() + means, rtol=0, atol=1e-4)


def test_the_forward_pass_of_a_raster_scan_codec_rounds_the_latent_itself():
    codec = _with_tables(_raster_with_wide_side())
    y, side = _latent()
    assert torch.equal(codec(y, side)["y_hat"], y.round())


@pytest.mark.parametrize("method", ["onepass", "twopass", "twopass_faster"])
def test_anchors_do_not_depend_on_context_and_the_others_only_on_anchors(method):
    codec = _with_tables(_checkerboard(forward_method=method))
    y, side = _latent(1)
    row, column = torch.meshgrid(torch.arange(6), torch.arange(8), indexing="ij")
    anchors = (row + column) % 2 == 0
    before = codec(y, side)["likelihoods"]["y"]
    moved_others = codec(torch.where(anchors, y, y + 5), side)["likelihoods"]["y"]
    assert torch.equal(moved_others[..., anchors], before[..., anchors])
    moved_anchor = y.clone()
    moved_anchor[..., 2, 2] += 5
    changed = (codec(moved_anchor, side)["likelihoods"]["y"] != before).any(1)[0]
    near = ((row - 2).abs() <= 2) & ((column - 2).abs() <= 2)
    assert not changed[anchors & (row + column != 4)].any()
    assert not changed[~near].any()
    assert changed[~anchors & near].any()


def test_the_methods_of_a_checkerboard_agree_on_the_quantised_latent_in_evaluation():
    y, side = _latent()
    torch.manual_seed(3)
    two = _with_tables(_checkerboard(forward_method="twopass"))
    torch.manual_seed(3)
    faster = _with_tables(_checkerboard(forward_method="twopass_faster"))
    torch.testing.assert_close(faster(y, side)["y_hat"], two(y, side)["y_hat"])
    torch.testing.assert_close(faster(y, side)["likelihoods"], two(y, side)["likelihoods"])


def test_a_later_group_depends_on_the_earlier_ones_but_not_the_other_way_round():
    codec = _with_tables(_groups())
    y, side = _latent(1)
    before = codec(y, side)["likelihoods"]["y"]
    later, earlier = y.clone(), y.clone()
    later[:, 1:] += 5
    earlier[:, :1] += 5
    assert torch.equal(codec(later, side)["likelihoods"]["y"][:, :1], before[:, :1])
    assert not torch.equal(codec(earlier, side)["likelihoods"]["y"][:, 1:], before[:, 1:])


def _gained() -> GainHyperpriorLatentCodec:
    h_a, h_s = nn.Conv2d(4, 3, 5, stride=2, padding=2), nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1)
    return _with_tables(
        GainHyperpriorLatentCodec(
            {
                "y": GaussianConditionalLatentCodec(),
                "hyper": GainHyperLatentCodec(EntropyBottleneck(3), h_a, h_s),
            }
        )
    )


def test_gains_may_differ_within_a_batch_and_choose_rate_and_error():
    codec = _gained()
    y = torch.randn(1, 4, 8, 8).expand(2, -1, -1, -1)
    gain = torch.tensor([2.0, 20.0]).reshape(2, 1, 1, 1).expand(2, 4, 1, 1)
    one = torch.ones(2, 3, 1, 1)
    coded = codec.compress(y, gain, one, 1 / gain, one)
    decoded = codec.decompress(coded["strings"], coded["shape"], 1 / gain, one)
    assert torch.equal(decoded["y_hat"], coded["y_hat"])
    assert torch.equal(codec(y, gain, one, 1 / gain, one)["y_hat"], coded["y_hat"])
    error = (coded["y_hat"] - y).abs().amax((1, 2, 3))
    assert error[0] > 0.1
    assert error[1] <= 0.5 / 20 + 1e-5
    coarse, fine = coded["strings"][0]
    assert len(coarse) < len(fine)


def test_a_gained_codec_with_its_gains_settled_codes_like_any_other():
    codec, y = _gained(), torch.randn(1, 4, 8, 8)
    gain, one = torch.full((1, 4, 1, 1), 3.0), torch.ones(1, 3, 1, 1)
    settled = codec.at(gain, one, 1 / gain, one)
    coded = settled.compress(y)
    assert coded["strings"] == codec.compress(y, gain, one, 1 / gain, one)["strings"]
    assert torch.equal(settled.decompress(coded["strings"], coded["shape"])["y_hat"], coded["y_hat"])
    assert torch.equal(settled(y)["y_hat"], coded["y_hat"])


def test_strings_of_the_wrong_structure_are_refused():
    y, side = _latent()
    for make in (_checkerboard, _groups, _groups_of_checkerboards):
        codec = _with_tables(make())
        coded = codec.compress(y, side)
        with pytest.raises(BitstreamError):
            codec.decompress(coded["strings"][:1], coded["shape"], side)
        with pytest.raises(BitstreamError):
            codec.decompress([*coded["strings"][:-1], [b"\0" * 4] * 2], coded["shape"], side)


@pytest.mark.parametrize(
    "make",
    [
        lambda: _checkerboard(anchor_parity="left"),
        lambda: _checkerboard(forward_method="threepass"),
        lambda: CheckerboardLatentCodec({}, nn.Identity(), CheckerboardMaskedConv2d(1, 1, 3, padding=1)),
        lambda: ChannelGroupsLatentCodec({"y0": _checkerboard()}, {}, groups=[2, 2]),
        lambda: _groups()(torch.zeros(1, 5, 2, 2), torch.zeros(1, SIDE, 2, 2)),
    ],
)
def test_arguments_that_do_not_fit_are_refused(make):
    with pytest.raises(ConfigurationError):
        make()

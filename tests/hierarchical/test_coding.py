"""Images to strings and back: exactness, batches, truncation, damage."""

import pytest
import torch

from latentpress.errors import BitstreamError, ConfigurationError, ImageError
from latentpress.models.hierarchical.arithmetic import FIXED_POINT, FLOAT32, kernel_version
from latentpress.models.hierarchical.compiled import eager
from latentpress.models.hierarchical.discrete_gaussian import DiscreteGaussian, log_spaced, raw_thresholds
from latentpress.models.hierarchical.distributions import bound_log_scale


@pytest.mark.parametrize("kind", ["qres", "qarv"])
def test_decoding_gives_what_evaluation_predicts(kind, request, image) -> None:
    model = request.getfixturevalue(kind)
    x = image(2)
    with torch.no_grad():
        expected = model(x)["x_hat"]
    strings = model.encode(x)
    assert len(strings) == model.num_latents
    assert torch.equal(model.decode(strings, (1, 2)), expected)


@pytest.mark.parametrize("kind", ["qres", "qarv", "lossless"])
def test_a_string_made_in_a_batch_decodes_alone_on_another_number_of_threads(kind, request, image) -> None:
    model = request.getfixturevalue(kind)
    x = image(3)
    strings = model.encode(x)
    together = model.decode(strings, (1, 2))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        alone = model.decode([[latent[1]] for latent in strings], (1, 2))
        assert model.encode(x[1:2]) == [[latent[1]] for latent in strings]
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(alone, together[1:2])


@pytest.mark.parametrize("kind", ["qres", "qarv", "lossless"])
def test_fixed_point_strings_decode_to_the_same_bits_whatever_the_kernels(kind, request, image) -> None:
    model = request.getfixturevalue(kind)
    x = image(2)
    strings = model.encode(x, arithmetic=FIXED_POINT)
    decoded = model.decode(strings, (1, 2), arithmetic=FIXED_POINT)
    with kernel_version("portable"):
        assert model.encode(x, arithmetic=FIXED_POINT) == strings
        assert torch.equal(model.decode(strings, (1, 2), arithmetic=FIXED_POINT), decoded)
    in_single_precision = model.decode(model.encode(x), (1, 2))
    assert float((decoded - in_single_precision).square().mean()) < 1e-4
    if kind == "lossless":
        assert torch.equal((decoded * 255).round(), (x * 255).round())


def test_fixed_point_is_refused_where_there_are_no_kernels(qres, image) -> None:
    with eager(), pytest.raises(ConfigurationError, match="own kernels"):
        qres.encode(image(), arithmetic=FIXED_POINT)
    with eager():
        assert qres.fastest_arithmetic() == FLOAT32
    with pytest.raises(ConfigurationError, match="float32 or fixed-point"):
        qres.encode(image(), arithmetic="roman")


@pytest.mark.parametrize("shape", [(1, 64, 64), (2, 128, 64), (1, 192, 320)])
@pytest.mark.parametrize("content", ["smooth", "noise", "black", "white"])
def test_lossless_coding_is_lossless(lossless, image, shape, content) -> None:
    batch, height, width = shape
    x = {
        "smooth": image(batch, height, width),
        "noise": (torch.rand(batch, 3, height, width) * 255).round() / 255,
        "black": torch.zeros(batch, 3, height, width),
        "white": torch.ones(batch, 3, height, width),
    }[content]
    decoded = lossless.decode(lossless.encode(x), (height // 64, width // 64))
    assert torch.equal((decoded * 255).round(), (x * 255).round())


def test_lossless_coding_refuses_pixels_that_are_not_of_eight_bits(lossless) -> None:
    with pytest.raises(ImageError, match="8 bits"):
        lossless.encode(torch.full((1, 3, 64, 64), 0.3337))


def test_compress_returns_strings_by_latent_and_the_coarsest_shape(qres, lossless, image) -> None:
    x = image(2)
    compressed = qres.compress(x)
    assert compressed[-1] == (2, 32, 1, 2)
    assert all(len(latent) == 2 for latent in compressed[:-1])
    assert torch.equal(qres.decompress(compressed), qres.decode(compressed[:-1], (1, 2)))
    compressed = lossless.compress(x)
    assert compressed[-2] == (2, 32, 1, 2)
    assert torch.equal(lossless.decompress(compressed), x)


def test_first_latents_decode_to_an_image_that_later_ones_refine(qres, image) -> None:
    x = image()
    strings = qres.encode(x)
    coarse = [qres.decode(strings[:count], (1, 2)) for count in range(1, 5)]
    assert all(picture.shape == x.shape for picture in coarse)
    assert torch.equal(coarse[-1], qres.decode(strings, (1, 2)))
    assert not torch.equal(coarse[0], coarse[-1])
    sampled = qres.decode(strings[:2], (1, 2), temperature=1.0, generator=torch.Generator().manual_seed(0))
    again = qres.decode(strings[:2], (1, 2), temperature=1.0, generator=torch.Generator().manual_seed(0))
    assert torch.equal(sampled, again)
    assert not torch.equal(sampled, coarse[1])


def test_damaged_strings_are_refused(qres, image) -> None:
    strings = qres.encode(image())
    for damaged in (strings[0][0][:-4], strings[0][0] + bytes(4), b""):
        with pytest.raises(BitstreamError):
            qres.decode([[damaged], *strings[1:]], (1, 2))
    with pytest.raises(BitstreamError):
        qres.decode(strings, (2, 2))
    with pytest.raises(BitstreamError):
        qres.decode([*strings, strings[0]], (1, 2))


def test_a_foreign_encoder_that_rounded_a_scale_the_other_way_is_understood() -> None:
    gaussian = DiscreteGaussian(log_spaced(0.1, 20.0, 64))
    thresholds = raw_thresholds(log_spaced(0.1, 20.0, 64), 0.11, 2.3, 1.0)
    torch.manual_seed(3)
    raw = 2 * torch.randn(1, 8, 16, 16)
    raw[0, 0, 0, 0] = thresholds[40]
    raw[0, 3, 5, 5] = thresholds[45] + 1e-6
    foreign = raw.clone()
    foreign[0, 0, 0, 0] += 2e-6
    foreign[0, 3, 5, 5] -= 2e-6
    mean = torch.randn_like(raw)
    value = mean + torch.randn_like(raw) * bound_log_scale(raw).exp()
    string = gaussian.encode(value, mean, foreign)
    assert string != gaussian.encode(value, mean, raw)
    assert torch.equal(gaussian.decode(string, mean, raw), torch.round(value - mean) + mean)


def test_thresholds_find_the_table_that_the_scale_itself_finds() -> None:
    gaussian = DiscreteGaussian(log_spaced(0.11, 20.0, 64))
    gaussian.make_tables()
    raw = torch.linspace(-8, 6, 100_003)
    thresholds = raw_thresholds(log_spaced(0.11, 20.0, 64), 0.11, 2.3, 1.0)
    indexes = torch.bucketize(raw, thresholds, out_int32=True)
    expected = gaussian.build_indexes(bound_log_scale(raw).exp())
    differing = indexes != expected
    assert int(differing.sum()) < 10  # where float32 exponentials round across an entry
    assert int((indexes - expected).abs().max()) <= 1


def test_coding_off_the_compiled_kernels_round_trips_too(qarv, image) -> None:
    x = image()
    with eager():
        strings = qarv.encode(x, 64)
        decoded = qarv.decode(strings, (1, 2), 64)
    assert torch.allclose(decoded, qarv.decode(qarv.encode(x, 64), (1, 2), 64), atol=0.1)


def test_arguments_are_checked(qres, qarv, image) -> None:
    with pytest.raises(ImageError, match="64"):
        qres.encode(torch.zeros(1, 3, 60, 64))
    with pytest.raises(ImageError):
        qres.encode(torch.zeros(3, 64, 64))
    with pytest.raises(ConfigurationError, match="16 to 2048"):
        qarv.encode(image(), 4)
    with pytest.raises(ConfigurationError, match="its own lambda"):
        qres.encode(image(), 4)


def test_compress_mode_makes_tables_and_leaves_training(qres) -> None:
    qres.train()
    assert not qres.compress_mode(True).training
    assert all(block.discrete_gaussian.quantized_cdf.numel() for block in qres.latent_blocks)
    assert qres.compress_mode(False).training
    qres.eval()

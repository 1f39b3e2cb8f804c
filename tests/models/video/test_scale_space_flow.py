"""What scale-space flow does: code a clip, frame by frame, train, and be stored."""

import copy

import pytest
import torch
from torch import Tensor

from latentpress import zoo
from latentpress.errors import BitstreamError, ConfigurationError, WeightsError
from latentpress.models.compiled import eager
from latentpress.models.video import ScaleSpaceFlow


@pytest.fixture(scope="module")
def net() -> ScaleSpaceFlow:
    torch.manual_seed(0)
    net = ScaleSpaceFlow(N=16, M=24).eval()
    with torch.no_grad():  # latents of magnitude 3 or so, so that coding has something to code
        for encoder in (net.img_encoder, net.motion_encoder, net.res_encoder):
            inputs = encoder[0].in_channels
            encoder[-1].weight.mul_(3 / encoder(torch.rand(1, inputs, 64, 64)).std())
        for hyperprior in (net.img_hyperprior, net.motion_hyperprior, net.res_hyperprior):
            hyperprior.hyper_decoder_scale.deconv3.bias.fill_(3)
    net.update()
    return net


@pytest.fixture
def clip() -> list[Tensor]:
    scene = torch.nn.functional.interpolate(torch.rand(1, 3, 20, 36), scale_factor=8, mode="bicubic")
    return [scene[..., 4 * i : 4 * i + 128, 6 * i : 6 * i + 256].clamp(0, 1) for i in range(3)]


def test_the_decoder_sees_what_the_encoder_refers_to(net, clip):
    strings, shapes = net.compress(clip)
    decoded = net.decompress(strings, shapes)
    x_ref = None
    for frame, frame_strings, shape, found in zip(clip, strings, shapes, decoded, strict=True):
        own_strings, own_shape, x_ref = net.encode_frame(frame, x_ref)
        assert (own_strings, own_shape) == (frame_strings, shape)
        assert torch.equal(x_ref, found)


def test_coding_agrees_with_the_forward_pass(net, clip):
    with torch.no_grad(), eager():
        out = net(clip)
        strings, shapes = net.compress(clip)
        decoded = net.decompress(strings, shapes)
    for found, expected in zip(decoded, out["x_hat"], strict=True):
        assert torch.allclose(found, expected, atol=1e-4)
    bits = [
        -v.double().log2().sum()
        for frame in out["likelihoods"]
        for part in frame.values()
        for v in part.values()
    ]
    coded = [*strings[0], *(s for frame in strings[1:] for part in frame.values() for s in part)]
    assert 8 * sum(len(string) for (string,) in coded) == pytest.approx(float(sum(bits)), rel=0.05)


def test_strings_are_the_same_whatever_the_number_of_threads(net, clip):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        strings, shapes = net.compress(clip[:1])
        torch.set_num_threads(1)
        decoded = net.decompress(strings, shapes)
    finally:
        torch.set_num_threads(before)
    assert torch.allclose(decoded[0], net.decompress(strings, shapes)[0], atol=1e-5)


def test_clips_of_a_batch_are_coded_by_themselves(net, clip):
    other = [frame.flip(3) for frame in clip]
    strings, shapes = net.compress([torch.cat(pair) for pair in zip(clip, other, strict=True)])
    single, _ = net.compress(other)
    assert [latent[1:] for latent in strings[0]] == single[0]
    for part in ("motion", "residual"):
        assert [latent[1:] for latent in strings[1][part]] == single[1][part]
    assert net.decompress(strings, shapes)[2].shape == (2, 3, 128, 256)


def test_what_is_coded_does_not_depend_on_the_layout_of_frames(net, clip):
    assert net.compress(
        [frame.contiguous(memory_format=torch.channels_last) for frame in clip]
    ) == net.compress(clip)


def test_every_parameter_is_trained(clip):
    net = ScaleSpaceFlow(N=8, M=12).train()
    clip = [frame[..., :128] for frame in clip]
    out = net(clip)
    distortion = sum((a - b).square().mean() for a, b in zip(out["x_hat"], clip, strict=True))
    rate = sum(
        -v.log2().sum() for frame in out["likelihoods"] for part in frame.values() for v in part.values()
    )
    (distortion + rate + sum(net.aux_loss())).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_later_frames_train_those_before_them_but_not_the_keyframe(clip):
    net = ScaleSpaceFlow(N=8, M=12).train()
    frames = [frame[..., :128].requires_grad_() for frame in clip]
    last = net(frames)["x_hat"][-1]
    first, second, third = torch.autograd.grad(last.sum(), frames, allow_unused=True)
    assert first is None
    assert second.any()
    assert third.any()


def test_there_is_an_auxiliary_loss_for_each_latent(net):
    losses = net.aux_loss()
    assert [loss.shape for loss in losses] == [torch.Size([])] * 3
    assert torch.equal(losses[1], net.res_hyperprior.entropy_bottleneck.loss())


def test_a_model_is_rebuilt_from_its_state_dict_with_its_tables(net, clip):
    rebuilt = ScaleSpaceFlow.from_state_dict(net.state_dict()).eval()
    assert (rebuilt.N, rebuilt.M) == (16, 24)
    assert rebuilt.compress(clip[:2]) == net.compress(clip[:2])
    assert copy.deepcopy(net).compress(clip[:1]) == net.compress(clip[:1])
    with pytest.raises(WeightsError, match=r"img_encoder\.0\.weight"):
        ScaleSpaceFlow.from_state_dict({"g_a.0.weight": torch.ones(1)})


def test_old_spellings_load(net):
    old = {f"module.{key.replace('matrices.', '_matrix')}": value for key, value in net.state_dict().items()}
    assert set(old).isdisjoint(net.state_dict())
    ScaleSpaceFlow(N=16, M=24).load_state_dict(old)


def test_the_model_needs_tables_to_code(clip):
    with pytest.raises(ConfigurationError, match=r"update\(\)"):
        ScaleSpaceFlow(N=8, M=12).eval().compress(clip)


def test_the_zoo_makes_it_and_loads_its_checkpoint(net, clip, tmp_path):
    small = zoo.create("ssf2020", quality=3, N=8, M=12)
    assert isinstance(small, ScaleSpaceFlow)
    assert not small.training
    zoo.save_checkpoint(net, tmp_path / "net.safetensors")
    loaded = zoo.create("ssf2020", checkpoint=tmp_path / "net.safetensors")
    assert loaded.compress(clip[:2]) == net.compress(clip[:2])
    assert zoo.fingerprint(loaded) == zoo.fingerprint(net)


@pytest.mark.parametrize("frames", [[], torch.rand(1, 3, 128, 128), 3])
def test_what_is_no_clip_is_refused(net, frames):
    for method in (net, net.compress):
        with pytest.raises(ConfigurationError, match="list of at least one frame"):
            method(frames)


@pytest.mark.parametrize("shape", [(1, 3, 64, 128), (1, 1, 128, 128), (3, 128, 128), (1, 3, 0, 128)])
def test_frames_that_do_not_fit_are_refused(net, shape):
    for method in (net, net.compress):
        with pytest.raises(ConfigurationError, match="multiples of 128"):
            method([torch.rand(shape)])
    with pytest.raises(ConfigurationError, match="one shape"):
        net([torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 256)])


def test_damaged_packets_are_refused(net, clip):
    strings, shapes = net.compress(clip[:2])
    with pytest.raises(BitstreamError):
        net.decompress([[[strings[0][0][0][:-9]], strings[0][1]]], shapes[:1])
    with pytest.raises(BitstreamError, match="as many frames"):
        net.decompress(strings, shapes[:1])
    with pytest.raises(BitstreamError, match="as many frames"):
        net.decompress([], [])
    with pytest.raises(BitstreamError, match="motion and residual"):
        net.decompress([strings[0], {"motion": strings[1]["motion"]}], shapes)
    with pytest.raises(BitstreamError, match="motion and residual"):
        net.decompress([strings[0], strings[0]], shapes)
    with pytest.raises(BitstreamError, match="for frames of"):
        net.decode_inter(torch.rand(1, 3, 128, 128), strings[1], shapes[1])


def test_a_subclass_may_warp_in_its_own_way(clip):
    class Still(ScaleSpaceFlow):
        @staticmethod
        def warp_volume(volume: Tensor, flow: Tensor, scale_field: Tensor) -> Tensor:
            return volume[:, :, 0]

    net = Still(N=8, M=12)
    with torch.no_grad():
        assert torch.equal(net.forward_prediction(clip[0], torch.ones_like(clip[0])), clip[0])

import pytest
import torch

from latentpress.layers import GDN, GDN1


def _formula(layer: GDN, x: torch.Tensor) -> torch.Tensor:
    beta = layer.beta_reparam(layer.beta)
    gamma = layer.gamma_reparam(layer.gamma)
    pooled = beta[:, None, None] + torch.einsum("ij,njhw->nihw", gamma, x.square())
    return x * pooled.sqrt() if layer.inverse else x / pooled.sqrt()


def _randomised(layer: GDN) -> GDN:
    with torch.no_grad():
        layer.gamma.add_(torch.rand_like(layer.gamma))
        layer.beta.add_(torch.rand_like(layer.beta))
    return layer


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("shape", [(2, 6, 5, 7), (1, 6, 1, 1), (1, 6, 64, 80)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_gdn_divides_or_multiplies_by_the_root_of_the_pooled_power(inverse, shape, layout):
    layer = _randomised(GDN(6, inverse=inverse))
    x = torch.randn(shape).contiguous(memory_format=layout)
    expected = _formula(layer, x)
    torch.testing.assert_close(layer(x), expected)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected)


def test_inference_leaves_the_input_alone():
    x = torch.randn(1, 4, 8, 8)
    kept = x.clone()
    with torch.inference_mode():
        GDN(4)(x)
    assert torch.equal(x, kept)


def test_a_changed_parameter_changes_the_next_inference():
    layer, x = GDN(4).eval(), torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        before = layer(x)
        layer.gamma.data.fill_(1.0)
        torch.testing.assert_close(layer(x), _formula(layer, x))
    assert not torch.allclose(layer(x), before)


def test_inverse_gdn_of_diagonal_gamma_nearly_undoes_gdn_of_small_values():
    x = 1e-3 * torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(GDN(4, inverse=True)(GDN(4)(x)), x)


def test_gdn1_divides_by_the_pooled_magnitude():
    layer, x = GDN1(3), torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(layer(x), x / (1 + 0.1 * x.abs()))
    torch.testing.assert_close(GDN1(3, inverse=True)(x), x * (1 + 0.1 * x.abs()))


def test_gradients_of_gdn_are_those_of_its_formula():
    layer = _randomised(GDN(3)).double()
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


def test_state_dict_keys_are_the_published_ones():
    assert set(GDN(2).state_dict()) == {
        "beta",
        "gamma",
        "beta_reparam.pedestal",
        "beta_reparam.lower_bound.bound",
        "gamma_reparam.pedestal",
        "gamma_reparam.lower_bound.bound",
    }


@pytest.mark.parametrize("inverse", [False, True])
def test_gradients_with_channels_innermost_are_those_of_the_formula(inverse, monkeypatch):
    monkeypatch.setattr("latentpress.layers.gdn.TRAINING_TILE_POSITIONS", 5)  # several tiles, one not full
    layer = _randomised(GDN(3, inverse=inverse)).double()
    x = torch.randn(2, 3, 3, 2, dtype=torch.float64).contiguous(memory_format=torch.channels_last)

    def as_function(x, beta, gamma):
        return torch.func.functional_call(layer, {"beta": beta, "gamma": gamma}, x)

    inputs = (x.requires_grad_(), layer.beta.detach().requires_grad_(), layer.gamma.detach().requires_grad_())
    assert "Tiles" in str(layer(x).grad_fn)
    assert torch.autograd.gradcheck(as_function, inputs)
    plain = torch.autograd.grad(_formula(layer, x).square().sum(), [x, layer.beta, layer.gamma])
    tiled = torch.autograd.grad(layer(x).square().sum(), [x, layer.beta, layer.gamma])
    for a, b in zip(plain, tiled, strict=True):
        torch.testing.assert_close(a, b)

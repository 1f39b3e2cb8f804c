"""What decoding depends on stays off the compiled kernels where it must be the same everywhere."""

import torch

from latentpress.latent_codecs.critical import evaluate
from latentpress.models.compiled import eager
from latentpress.models.video import ScaleSpaceFlow


def test_the_hyper_synthesis_computes_in_integers_with_and_without_compiled_kernels() -> None:
    torch.manual_seed(0)
    prior = ScaleSpaceFlow(N=32, M=48).eval().img_hyperprior
    z_hat = torch.randint(-9, 9, (1, 48, 4, 6)).float()
    with eager():
        expected = evaluate(prior._synthesise, z_hat, exact=True)
    assert torch.equal(evaluate(prior._synthesise, z_hat, exact=True), expected)
    with torch.no_grad():
        floats = prior._synthesise(z_hat)
    assert not torch.equal(floats, expected)
    torch.testing.assert_close(floats, expected, rtol=0, atol=0.02 * floats.abs().max().item())

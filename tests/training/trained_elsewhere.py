"""A program that trains: `python trained_elsewhere.py VALUES`, as JSON; alone, killed, or under torchrun."""

import json
import os
import signal
import sys
from typing import Any

import torch
from small_runs import SMALL, Ramps
from torch import Tensor

from latentpress.models import MeanScaleHyperprior
from latentpress.training import resolve, train


class WithoutNoise(MeanScaleHyperprior):
    """Rounds while training, too, so that what a crop contributes does not depend on its company."""

    def forward(self, x: Tensor) -> dict[str, Any]:
        y = self.g_a(x)
        z = self.h_a(y)
        z_hat, z_likelihoods = self.entropy_bottleneck(z, training=False)
        scales, means = self.h_s(z + (z_hat - z).detach()).chunk(2, 1)
        y_hat, y_likelihoods = self.gaussian_conditional(y, scales, means, training=False)
        x_hat = self.g_s(y + (y_hat - y).detach())
        return {"x_hat": x_hat, "likelihoods": {"y": y_likelihoods, "z": z_likelihoods}}


class CallCounter:
    """Counts the calls and returns of Python, and kills the process at one of them."""

    def __init__(self, kill_at: int | None) -> None:
        self.count, self.kill_at = 0, kill_at

    def __call__(self, *_: Any) -> None:
        self.count += 1
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    torch.set_num_threads(1)
    values = json.loads(sys.argv[1])
    counter = CallCounter(values.pop("kill_at", None))
    if values.pop("count_calls", False):
        sys.setprofile(counter)
    model = None
    if values.pop("without_noise", False):
        torch.manual_seed(0)
        model = WithoutNoise(4, 6)
    train(resolve({**SMALL, **values}), model=model, dataset=Ramps())
    sys.setprofile(None)
    print(counter.count)


if __name__ == "__main__":
    main()

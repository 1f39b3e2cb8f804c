"""Training images per second, beside CompressAI's modules in the same bare loop, in one run.

    python benchmarks/training.py --peer /path/to/python/with/compressai [--device cuda] [--batch 16]

A step is forward, rate-distortion loss, backward, clipping, a step of Adam, and the same of the auxiliary
loss. "engine" is a step of `latentpress.training.Trainer` on the same batch, as `latentpress train` makes
it; "engine bf16" is the same with `--bf16`. All take turns, each in a process of its own; the fastest step
of each counts, because what else the machine does only adds time. On a CPU, seconds are those of the
process, summed over its threads.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

MODELS = ("bmshj2018_factorized", "mbt2018_mean", "cheng2020_anchor")
KINDS = ("latentpress", "engine", "engine bf16", "compressai")
STEPS_IN_A_TURN = 2  # the first finds the caches full of another's data


def bare_step(model: Any) -> Callable[[Tensor], None]:
    """A training step as tutorials write it."""
    named = dict(model.named_parameters())
    net = [p for name, p in named.items() if not name.endswith(".quantiles")]
    quantiles = [p for name, p in named.items() if name.endswith(".quantiles")]
    optimizer, aux_optimizer = torch.optim.Adam(net, lr=1e-4), torch.optim.Adam(quantiles, lr=1e-3)

    def step(x: Tensor) -> None:
        optimizer.zero_grad()
        aux_optimizer.zero_grad()
        output = model(x)
        bits = sum(p.log().sum() for p in output["likelihoods"].values()) / -math.log(2)
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        (0.01 * 255**2 * F.mse_loss(output["x_hat"], x) + bits / pixels).backward()
        torch.nn.utils.clip_grad_norm_(net, 1.0)
        optimizer.step()
        model.aux_loss().backward()
        aux_optimizer.step()

    return step


def engine_step(model: Any, device: str, bf16: bool) -> Callable[[Tensor], None]:
    """A step of the engine, with its defaults otherwise."""
    from latentpress.training import Trainer, TrainingSettings
    from latentpress.training.processes import Processes

    settings = TrainingSettings().override({"lmbda": 0.01, "bf16": bf16})
    trainer = Trainer(model, settings, 1000, Processes(0, 1, torch.device(device)))
    return lambda x: trainer.train_step([x]) and None


def serve(kind: str, name: str, device: str, batch: int, patch: int, threads: int) -> None:
    """In a process of its own: time a step for each line of the standard input."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    try:
        if kind == "compressai":
            from compressai import zoo
        else:
            from latentpress import zoo
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    model = getattr(zoo, name)(quality=3).to(device).train()
    x = torch.rand(batch, 3, patch, patch, device=device)
    step = engine_step(model, device, "bf16" in kind) if "engine" in kind else bare_step(model)
    print(json.dumps({"parameters": sum(p.numel() for p in model.parameters())}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(min(timed(step, x) for _ in range(STEPS_IN_A_TURN))), flush=True)


def timed(step: Callable[[Tensor], None], x: Tensor) -> float:
    """Seconds of a step."""
    clock = time.perf_counter if x.is_cuda else time.process_time
    start = clock()
    step(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return clock() - start


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Print the images per second of each, and their ratio to the peer's."""
    from turns import Worker

    options = [str(getattr(arguments, key)) for key in ("device", "batch", "patch", "threads")]
    workers = {}
    for kind in arguments.kinds:
        python = arguments.peer if kind == "compressai" else sys.executable
        worker = Worker(python, __file__, kind, name, *options)
        facts = worker.read()
        if facts is None or "missing" in facts:
            print(f"{kind} is left out: {facts and facts['missing']} ({python}).")
            worker.close()
        else:
            workers[kind] = worker
    times: dict[str, list[float]] = {kind: [] for kind in workers}
    for turn in range(arguments.rounds + 1):
        for kind, worker in workers.items():
            seconds = worker.ask("step")
            if turn > 0:  # the first is to warm up
                times[kind].append(seconds)
    for kind in [kind for kind, values in times.items() if None in values]:
        print(f"{kind} is left out: its process ended while it was being measured.")
        del times[kind]
    fastest = {kind: min(values) for kind, values in times.items()}
    for kind, seconds in fastest.items():
        peer = f"{fastest['compressai'] / seconds:6.2f} x" if "compressai" in fastest else ""
        print(f"{name:22} {kind:12} {arguments.batch / seconds:8.2f} images/s {peer}")
    for worker in workers.values():
        worker.close()


def main() -> None:
    """Parse the command line and measure every model."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", default=sys.executable, help="python that has compressai")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--patch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", nargs=6, metavar=("KIND", "MODEL", "DEVICE", "BATCH", "PATCH", "THREADS"),
                        help=argparse.SUPPRESS)  # fmt: skip
    arguments = parser.parse_args()
    if arguments.serve:
        kind, name, device, *numbers = arguments.serve
        serve(kind, name, device, *map(int, numbers))
        return
    for name in arguments.models:
        measure(name, arguments)


if __name__ == "__main__":
    main()

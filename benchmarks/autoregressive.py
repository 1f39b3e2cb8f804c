"""How fast the autoregressive models code a photograph, as ratios against CompressAI 1.2.8 in one run.

    python benchmarks/autoregressive.py --peer /path/to/python/with/compressai

Both libraries get the same random weights, of quality 3's sizes, and the same image of 768x512. Whole
`compress` and `decompress` calls are timed, on two threads. Hooks on g_a, g_s, h_a and h_s tell what part of
a call the transforms take; what is left is the serial part, where symbols depend on one another. Each library
runs in a process of its own, and the two take turns. The table gives the fastest call of each, because what
else the machine does only adds time. Absolute times are those of this machine; ratios are what counts.
LatentPress is measured in both stream orders: wavefront, that of its own files, and raster, the peer's.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from turns import Worker

MODELS = {  # architecture: class and its arguments at quality 3
    "mbt2018": ("JointAutoregressiveHierarchicalPriors", (192, 192)),
    "cheng2020-anchor": ("Cheng2020Anchor", (128,)),
    "cheng2020-attn": ("Cheng2020Attention", (128,)),
}
TRANSFORMS = ("g_a", "g_s", "h_a", "h_s")
HEIGHT, WIDTH = 512, 768
THREADS = 2
LATENT_SPREAD = 3.0  # standard deviation that the latent is scaled to, about that of trained models


def image() -> Tensor:
    """A smooth random image with some grain, (1, 3, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, HEIGHT // 32, WIDTH // 32, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bicubic")
    return (smooth + 0.05 * torch.randn(1, 3, HEIGHT, WIDTH, generator=generator)).clamp(0, 1)


class Stopwatch:
    """Adds up the time that the transforms of a model take within a call."""

    def __init__(self, net: nn.Module) -> None:
        self.seconds = 0.0
        for name in TRANSFORMS:
            transform = getattr(net, name)
            transform.register_forward_pre_hook(self._start)
            transform.register_forward_hook(self._stop)

    def _start(self, *_: Any) -> None:
        self.started = time.perf_counter()

    def _stop(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self.started

    def measure(self, call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
        """The result of the call, and its milliseconds in all and within transforms."""
        self.seconds = 0.0
        started = time.perf_counter()
        with torch.inference_mode():
            result = call()
        total = time.perf_counter() - started
        return result, {"total": 1000 * total, "transforms": 1000 * self.seconds}


def make_model(package: str, name: str) -> Any:
    """The model with random weights, its tables not made yet."""
    if package == "compressai":
        import compressai.models as models
    else:
        import latentpress.models as models
    class_name, arguments = MODELS[name]
    torch.manual_seed(0)
    return getattr(models, class_name)(*arguments).eval()


def save_weights(name: str, path: Path) -> None:
    """Random weights for both libraries, with a latent, and scales to code it with, of ordinary size."""
    net = make_model("latentpress", name)
    with torch.inference_mode():
        spread = net.g_a(image()).std()
    last = [module for module in net.g_a.modules() if isinstance(module, nn.Conv2d)][-1]
    with torch.no_grad():
        last.weight.mul_(LATENT_SPREAD / spread)
        scales, _ = net.entropy_parameters[-1].bias.chunk(2)
        scales.add_(LATENT_SPREAD)
    torch.save(net.state_dict(), path)


def serve(package: str, name: str, weights: Path) -> None:
    """Answer each line `order` on standard input with timings of a round trip, as JSON."""
    torch.set_num_threads(THREADS)
    net = make_model(package, name)
    net.load_state_dict(torch.load(weights))
    net.update(force=True)
    stopwatch, x = Stopwatch(net), image()
    for line in sys.stdin:
        options = {} if package == "compressai" else {"order": line.strip()}
        coded, encode = stopwatch.measure(lambda: net.compress(x, **options))  # noqa: B023 - called at once
        _, decode = stopwatch.measure(lambda: net.decompress(**coded, **options))  # noqa: B023
        size = sum(len(strings[0]) for strings in coded["strings"])
        print(json.dumps({"encode": encode, "decode": decode, "bytes": size}), flush=True)


def fastest(trips: list[dict[str, Any]], direction: str) -> dict[str, float]:
    """Milliseconds of the fastest call, in all and by part; each part at its fastest."""
    calls = [trip[direction] for trip in trips]
    return {
        "total": min(call["total"] for call in calls),
        "transforms": min(call["transforms"] for call in calls),
        "serial": min(call["total"] - call["transforms"] for call in calls),
    }


def measure(name: str, peer: str | None, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Round trips by configuration: the peer's, and ours in both orders."""
    trips: dict[str, list[dict[str, Any]]] = {"peer": [], "wavefront": [], "raster": []}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        save_weights(name, weights)
        ours = Worker(sys.executable, __file__, "latentpress", name, str(weights))
        theirs = Worker(peer, __file__, "compressai", name, str(weights)) if peer else None
        for turn in range(rounds + 1):
            if theirs and turn < rounds:
                trips["peer"].append(theirs.ask("raster"))
            for order in ("wavefront", "raster"):
                trip = ours.ask(order)
                if turn > 0:  # the first only warms up
                    trips[order].append(trip)
        for worker in filter(None, (ours, theirs)):
            worker.close()
    return trips


def rows(name: str, trips: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Lines of the table for one model."""
    for direction in ("encode", "decode"):
        peer = fastest(trips["peer"], direction) if trips["peer"] else None
        for configuration in ("peer", "wavefront", "raster"):
            if not trips[configuration]:
                continue
            own = fastest(trips[configuration], direction)
            cells = []
            for part in ("total", "transforms", "serial"):
                ratio = f"{peer[part] / own[part]:6.1f}x" if peer and configuration != "peer" else " " * 7
                cells.append(f"{own[part]:8.0f} ms {ratio}")
            size = trips[configuration][0]["bytes"]
            print_name = name if configuration in ("peer", "wavefront") else ""
            yield f"{print_name:17}{direction:8}{configuration:10}" + "".join(cells) + f"{size:9}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", help="Python interpreter that has compressai")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=2, help="round trips of the peer, about 15 s each")
    parser.add_argument("--json", type=Path, help="also write all timings to this file")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        package, name, weights = arguments.serve
        serve(package, name, Path(weights))
        return
    results = {}
    print(f"{'model':17}{'':8}{'':10}{'total':>11}{'transforms':>19}{'serial':>19}{'bytes':>17}")
    for name in arguments.models:
        results[name] = measure(name, arguments.peer, arguments.rounds)
        print("\n".join(rows(name, results[name])), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

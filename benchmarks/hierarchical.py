"""How fast hierarchical VAEs code an image, as ratios against a plain rendering of the networks in one run.

    python benchmarks/hierarchical.py --peer /path/to/python/with/compressai
        [--image FILE] [--threads 2] [--rounds 3] [--models qres34m qarv_base]
        [--arithmetics fixed-point float32] [--kernels amx|avx512|avx2|portable]

The plain rendering (`plain_hierarchies.py`) is what a paper's repository has: PyTorch's own operators on NCHW
tensors, and CompressAI's entropy coder, which takes Python lists. It runs in the interpreter that `--peer`
names, which needs torch and compressai. We code in both of our arithmetics: in fixed point, which is what
`.ltp` files are in where it is the faster one, and in float32, as published streams are. All have the same
weights, random rather than trained, run in processes of their own and take turns. Times are wall-clock
seconds and CPU seconds of the process, the median of the rounds; the absolute ones are those of this machine,
the ratios are what counts.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from turns import Worker

HEIGHT, WIDTH = 512, 768
ARITHMETICS = ["fixed-point", "float32"]
LMB = {"qres34m": 32.0, "qarv_base": 256.0}


def fill(model: nn.Module) -> None:
    """Weights that keep activations in range and latents at a usual rate, whatever the key."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("gamma"):
                parameter.copy_(0.3 + 0.05 * noise)
            elif parameter.ndim > 1 and not name.endswith("bias"):
                parameter.copy_(noise / parameter[0].numel() ** 0.5)


def picture(path: Path | None) -> Tensor:
    """The image to code, (1, 3, H, W) in [0, 1]: a file's, or a smooth random one with some grain."""
    from latentpress.models.hierarchical.files import padded, read_image

    if path is not None:
        return padded(read_image(path), 64)
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, HEIGHT // 16, WIDTH // 16, generator=generator)
    smooth = nn.functional.interpolate(coarse, size=(HEIGHT, WIDTH), mode="bicubic")
    return (smooth + 0.02 * torch.randn(1, 3, HEIGHT, WIDTH, generator=generator)).clamp(0, 1)


def prepare(name: str, image: Path | None, task: Path) -> None:
    """Write the weights and the image that both sides work on."""
    from latentpress import zoo

    torch.manual_seed(0)
    model = zoo.get_model(name)
    fill(model)
    torch.save({"weights": model.state_dict(), "image": picture(image)}, task)


Coder = tuple[Callable[[Tensor], Any], Callable[[Any, tuple[int, int]], Tensor]]


def our_coder(name: str, weights: dict[str, Tensor], arithmetic: str, kernels: str) -> Coder:
    """Encoder and decoder of LatentPress, in one of its arithmetics, on kernels of a name."""
    from latentpress import zoo
    from latentpress.models.hierarchical.arithmetic import kernel_version

    model = zoo.get_model(name).eval()
    model.load_state_dict(weights)
    model.compress_mode()
    lmb = LMB[name]

    def encode(x: Tensor) -> Any:
        with kernel_version(kernels):
            return model.encode(x, lmb, arithmetic)

    def decode(strings: Any, grid: tuple[int, int]) -> Tensor:
        with kernel_version(kernels):
            return model.decode(strings, grid, lmb, arithmetic=arithmetic)

    return encode, decode


def plain_coder(name: str, weights: dict[str, Tensor]) -> Coder:
    """Encoder and decoder of the plain rendering."""
    from plain_hierarchies import PLAIN

    model = PLAIN[name]().eval()
    model.load(weights)
    lmb = LMB[name]
    return lambda x: model.encode(x, lmb), lambda strings, grid: model.decode(strings, grid, lmb)


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What came out, and its wall-clock and CPU seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def serve(side: str, name: str, task: Path, threads: int, kernels: str) -> None:
    """Answer each line on standard input with the times of a round trip, as JSON."""
    torch.set_num_threads(threads)
    given = torch.load(task)
    x = given["image"]
    weights = given["weights"]
    encode, decode = (
        plain_coder(name, weights) if side == "plain" else our_coder(name, weights, side, kernels)
    )
    for _ in sys.stdin:
        strings, encoding = timed(lambda: encode(x))
        x_hat, decoding = timed(lambda: decode(strings, (x.shape[2] // 64, x.shape[3] // 64)))  # noqa: B023
        answer = {
            "encode": encoding,
            "decode": decoding,
            "bytes": sum(len(latent[0]) for latent in strings),
            "error": float((x_hat - x).square().mean()),
        }
        print(json.dumps(answer), flush=True)


def measure(name: str, peer: str | None, given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Round trips of each side; the first, which warms up, left out."""
    trips: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.pt"
        prepare(name, given.image, task)
        arguments = (name, str(task), str(given.threads), given.kernels)
        workers = {
            arithmetic: Worker(sys.executable, __file__, arithmetic, *arguments)
            for arithmetic in given.arithmetics
        }
        if peer is not None:
            workers["plain"] = Worker(peer, __file__, "plain", *arguments)
        for turn in range(given.rounds + 1):
            for side, worker in workers.items():
                trip = worker.ask("again")
                if turn > 0:
                    trips.setdefault(side, []).append(trip)
        for worker in workers.values():
            worker.close()
    return trips


def report(name: str, trips: dict[str, list[dict[str, Any]]]) -> None:
    """Print the times of one model, and the ratios where there is something to compare with."""
    print(name)
    for side, runs in trips.items():
        print(f"  {side}: {runs[0]['bytes']} bytes, a mean squared error of {runs[0]['error']:.6f}")
    for direction in ("encode", "decode"):
        medians = {
            side: {
                clock: statistics.median(run[direction][clock] for run in runs) for clock in ("wall", "cpu")
            }
            for side, runs in trips.items()
        }
        plain = medians.pop("plain", None)
        for arithmetic, ours in medians.items():
            line = f"  {direction}, {arithmetic}: {ours['wall']:.2f} s ({ours['cpu']:.2f} s CPU)"
            if plain is not None:
                faster = {clock: plain[clock] / ours[clock] for clock in plain}
                line += (
                    f", plain {plain['wall']:.2f} s ({plain['cpu']:.2f} s CPU): "
                    f"{faster['wall']:.2f} times as fast ({faster['cpu']:.2f} by CPU)"
                )
            print(line, flush=True)


def usable_peer(python: str | None) -> str | None:
    """The interpreter of the plain rendering; None, and a sentence printed, where there is none."""
    check = [python, "-c", "import torch, compressai"] if python else ["false"]
    try:
        found = subprocess.run(check, capture_output=True, check=False).returncode == 0
    except OSError:
        found = False
    if found:
        return python
    print("There is no Python with torch and compressai at --peer, so that our times follow without a ratio.")
    return None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", help="Python interpreter that has torch and compressai")
    parser.add_argument("--image", type=Path, help="photograph to code; a synthetic one if left out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", nargs="+", choices=LMB, default=list(LMB))
    parser.add_argument("--arithmetics", nargs="+", choices=ARITHMETICS, default=ARITHMETICS)
    parser.add_argument("--kernels", default="", help="ours; the fastest that this CPU has if left out")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        side, name, task, threads, kernels = given.serve
        serve(side, name, Path(task), int(threads), kernels)
        return
    peer = usable_peer(given.peer)
    for name in given.models:
        report(name, measure(name, peer, given))


if __name__ == "__main__":
    main()

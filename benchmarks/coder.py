"""How fast the entropy coder is, as ratios against CompressAI 1.2.8 and constriction in one run.

    python benchmarks/coder.py --peer /path/to/python/with/compressai/and/constriction

Every coder gets the same latent, from float tensors to bytes and back, on one thread: a whole `compress` or
`decompress` call of a Gaussian entropy model with means and 64 scales. Each runs in a process of its own, and
the processes take turns, a few calls each. The table gives the fastest call of each, because what else the
machine does only adds time, and most to the slow ones. Absolute times are those of this machine; ratios are
what counts. A peer that is not installed is skipped with a sentence.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from turns import Worker

SHAPE = (1, 192, 32, 48)  # the latent of a 768x512 photograph
SCALES = 64
# Logarithm of the typical scale, and how far it varies: a low and a high rate.
RATES = {"low": (-0.5, 1.2), "high": (1.0, 1.2)}


def scale_table() -> np.ndarray:
    """The 64 scales of the published models."""
    return np.exp(np.linspace(np.log(0.11), np.log(256), SCALES)).astype(np.float32)


def latent(rate: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A latent with its scales and means, (N, C, H, W) float32 each."""
    centre, spread = RATES[rate]
    rng = np.random.default_rng(0)
    scales = np.exp(centre + spread * rng.standard_normal(SHAPE)).clip(0.11, 256)
    means = 3 * rng.standard_normal(SHAPE)
    values = means + scales * rng.standard_normal(SHAPE)
    return values.astype(np.float32), scales.astype(np.float32), means.astype(np.float32)


class EntropyModelCoder:
    """LatentPress and CompressAI, which have the same calls."""

    def __init__(self, package: str, rate: str) -> None:
        import torch

        torch.set_num_threads(1)
        if package == "compressai":
            from compressai.entropy_models import EntropyBottleneck, GaussianConditional
        else:
            from latentpress.entropy_models import EntropyBottleneck, GaussianConditional
        self.values, self.scales, self.means = map(torch.from_numpy, latent(rate))
        self.gaussian = GaussianConditional(scale_table().tolist()).eval()
        self.bottleneck = EntropyBottleneck(SHAPE[1]).eval()
        self.update()
        self.build_indexes()
        self.compress()

    def compress(self) -> None:
        self.strings = self.gaussian.compress(self.values, self.indexes, self.means)

    def decompress(self) -> None:
        self.result = self.gaussian.decompress(self.strings, self.indexes, means=self.means)

    def build_indexes(self) -> None:
        self.indexes = self.gaussian.build_indexes(self.scales)

    def update(self) -> None:
        self.gaussian.update()
        for model in (self.gaussian, self.bottleneck):
            model._offset.resize_(0)  # what was there would be kept
            model.update()

    def checksum(self) -> str:
        return hashlib.sha256(self.strings[0]).hexdigest()

    def bits(self) -> float:
        return 8 * len(self.strings[0])

    def is_right(self) -> bool:
        return bool((self.result == (self.values - self.means).round() + self.means).all())


class ConstrictionCoder:
    """constriction's stack (ANS) and queue (range) coders on its quantised Gaussians, with the same 64
    scales."""

    def __init__(self, kind: str, rate: str) -> None:
        import constriction

        self.stream, self.kind = constriction.stream, kind
        self.values, scales, self.means = (x.reshape(-1) for x in latent(rate))
        table = scale_table()
        self.indexes = np.searchsorted(table[:-1], scales)
        self.table = table.astype(np.float64)
        self.family = constriction.stream.model.QuantizedGaussian(-2000, 2000)
        self.zeros = np.zeros(self.values.shape)
        self.compress()

    def compress(self) -> None:
        symbols = np.rint(self.values - self.means).astype(np.int32)
        parameters = self.zeros, self.table[self.indexes]
        if self.kind == "stack":
            coder = self.stream.stack.AnsCoder()
            coder.encode_reverse(symbols, self.family, *parameters)
        else:
            coder = self.stream.queue.RangeEncoder()
            coder.encode(symbols, self.family, *parameters)
        self.words = coder.get_compressed()

    def decompress(self) -> None:
        coders = self.stream.stack.AnsCoder, self.stream.queue.RangeDecoder
        coder = coders[self.kind == "queue"](self.words)
        symbols = coder.decode(self.family, self.zeros, self.table[self.indexes])
        self.result = symbols.astype(np.float32) + self.means

    def checksum(self) -> str:
        return hashlib.sha256(self.words.tobytes()).hexdigest()

    def bits(self) -> float:
        return 8 * self.words.nbytes

    def is_right(self) -> bool:
        return bool((self.result == np.rint(self.values - self.means) + self.means).all())


CODERS: dict[str, Callable[[str], Any]] = {
    "latentpress": lambda rate: EntropyModelCoder("latentpress", rate),
    "compressai": lambda rate: EntropyModelCoder("compressai", rate),
    "constriction stack": lambda rate: ConstrictionCoder("stack", rate),
    "constriction queue": lambda rate: ConstrictionCoder("queue", rate),
}
CALLS_IN_A_TURN = 3  # the first finds the caches full of another coder's data
OPERATIONS = ("compress", "decompress", "build_indexes", "update")


def serve(name: str, rate: str) -> None:
    """In a coder's own process: time an operation for each line that names one."""
    try:
        coder = CODERS[name](rate)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    coder.decompress()
    ready = {"checksum": coder.checksum(), "bits": coder.bits(), "right": coder.is_right()}
    print(
        json.dumps(ready | {"operations": [name for name in OPERATIONS if hasattr(coder, name)]}), flush=True
    )
    for line in sys.stdin:
        operation = getattr(coder, line.strip())
        print(json.dumps(min(timed(operation) for _ in range(CALLS_IN_A_TURN))), flush=True)


def timed(operation: Callable[[], None]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    operation()
    return time.perf_counter() - start


class Coder(Worker):
    """A coder's process, as the parent sees it; `facts` is what it says of itself when it is ready."""

    def __init__(self, python: str, name: str, rate: str) -> None:
        super().__init__(python, __file__, name, rate)
        self.facts: dict[str, Any] = self.read() or {"missing": "its process did not start"}


def measure(workers: dict[str, Coder], rounds: int) -> dict[tuple[str, str], float]:
    """Return the seconds of the fastest call of each operation of each coder, the coders taking turns."""
    times: dict[tuple[str, str], list[float]] = {}
    for round_number in range(rounds + 1):
        for operation in OPERATIONS:
            for name, worker in workers.items():
                if operation not in worker.facts["operations"]:
                    continue
                if operation == "update" and round_number > 3:  # slow with one of them, and steady with all
                    continue
                seconds = worker.ask(operation)
                if round_number > 0:  # the first is to warm up
                    times.setdefault((operation, name), []).append(seconds)
    return {key: min(values) for key, values in times.items()}


def report(rate: str, workers: dict[str, Coder], fastest: dict[tuple[str, str], float]) -> None:
    """Print what was measured at one rate."""
    symbols = int(np.prod(SHAPE))
    print(f"\n{rate} rate, {symbols} symbols, {workers['latentpress'].facts['bits'] / symbols:.2f} bits each")
    print(f"  {'':14} {'':20} {'milliseconds':>12} {'M symbols/s':>12} {'latentpress is':>20}")
    for (operation, name), seconds in sorted(fastest.items(), key=lambda item: OPERATIONS.index(item[0][0])):
        rate_of = "" if operation == "update" else f"{symbols / seconds / 1e6:.1f}"
        ratio = seconds / fastest[operation, "latentpress"]
        verdict = "" if name == "latentpress" else f"{ratio:.1f} times as fast"
        print(f"  {operation:14} {name:20} {seconds * 1e3:12.3f} {rate_of:>12} {verdict:>20}")
    for name, worker in workers.items():
        if not worker.facts["right"]:
            print(f"  {name} did not decode what it had encoded.")
    ours = workers["latentpress"].facts
    if "compressai" in workers:
        same = workers["compressai"].facts["checksum"] == ours["checksum"]
        print(f"  The strings of latentpress and compressai are {'the same bytes' if same else 'DIFFERENT'}.")


def main() -> None:
    """Parse the command line, run all coders at both rates, print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default=sys.executable, help="python that has compressai and constriction")
    parser.add_argument("--rounds", type=int, default=15, help="timed calls of each operation")
    parser.add_argument("--serve", nargs=2, metavar=("CODER", "RATE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(*arguments.serve)
        return
    for rate in RATES:
        workers = {}
        for name in CODERS:
            worker = Coder(sys.executable if name == "latentpress" else arguments.peer, name, rate)
            if "missing" in worker.facts:
                print(f"{name} is left out: {worker.facts['missing']} ({arguments.peer}).")
                worker.close()
            else:
                workers[name] = worker
        report(rate, workers, measure(workers, arguments.rounds))
        for worker in workers.values():
            worker.close()


if __name__ == "__main__":
    main()

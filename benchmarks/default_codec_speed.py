"""How fast the default codec is, as ratios against CompressAI's bmshj2018-hyperprior of quality 3 in one run.

    python benchmarks/default_codec_speed.py IMAGE --peer /path/to/python/with/compressai

Both code the same image: LatentPress from pixels to a whole file and back, with its bundled weights, and
CompressAI from a tensor to strings and back, with untrained weights, which take the same time. The two take
turns; the table gives the fastest and the median call of each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from turns import Worker

THREADS = 2


def serve_latentpress(path: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Encoder and decoder of the default codec, for the image at `path`."""
    import latentpress

    image = Image.open(path).convert("RGB")
    return lambda: latentpress.compress(image), latentpress.decompress


def serve_compressai(path: str) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Encoder and decoder of the peer, for the image at `path`."""
    import torch
    from compressai.zoo import bmshj2018_hyperprior

    net = bmshj2018_hyperprior(3).eval()
    net.update()
    pixels = np.asarray(Image.open(path).convert("RGB"))
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255

    def encode() -> Any:
        with torch.no_grad():
            return net.compress(x)

    def decode(coded: Any) -> Any:
        with torch.no_grad():
            return net.decompress(coded["strings"], coded["shape"])

    return encode, decode


def serve(library: str, path: str) -> None:
    """Answer every line with the milliseconds of one round trip."""
    import torch

    torch.set_num_threads(THREADS)
    encode, decode = {"latentpress": serve_latentpress, "compressai": serve_compressai}[library](path)
    for _ in sys.stdin:
        started = time.perf_counter()
        coded = encode()
        encoded = time.perf_counter()
        decode(coded)
        decoded = time.perf_counter()
        times = {"encode": 1e3 * (encoded - started), "decode": 1e3 * (decoded - encoded)}
        print(json.dumps(times), flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", nargs="?", help="an image of 768x512")
    parser.add_argument("--peer", help="Python interpreter that has compressai")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(*arguments.serve)
        return
    if arguments.image is None or arguments.peer is None:
        parser.error("give an image and --peer")
    workers = {
        "compressai": Worker(arguments.peer, __file__, "compressai", arguments.image),
        "latentpress": Worker(sys.executable, __file__, "latentpress", arguments.image),
    }
    times: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
    for turn in range(arguments.rounds + 2):  # the first two warm up
        for name, worker in workers.items():
            answer = worker.ask("again")
            if answer is None:
                sys.exit(f"{name} did not start: see above.")
            if turn >= 2:
                times[name].append(answer)
    for worker in workers.values():
        worker.close()
    for direction in ("encode", "decode"):
        for kind, pick in (("fastest", min), ("median", statistics.median)):
            ours, peer = (pick(t[direction] for t in times[name]) for name in ("latentpress", "compressai"))
            print(
                f"{direction} {kind:8} latentpress {ours:6.0f} ms, compressai {peer:6.0f} ms: "
                f"{ours / peer:.2f} of the time"
            )


if __name__ == "__main__":
    main()

"""How fast scale-space flow codes video, as ratios against CompressAI 1.2.8 in one run; and its memory.

    python benchmarks/video.py --peer /path/to/python/with/compressai [--clip FILE] [--frames 5] [--rounds 3]
    python benchmarks/video.py --stream 100 [--clip FILE]

Both libraries get the same random weights, of the published sizes, and the same frames of 640x384: of a file,
or a smooth random scene that moves. Whole `compress` and `decompress` calls are timed, a keyframe and the
frames after it, on two threads. Each library runs in a process of its own, and the two take turns; the table
gives medians, and CPU seconds beside wall-clock ones. Absolute times are those of this machine; ratios are
what counts. LatentPress is measured as it is ("tiles", if this CPU has matrix tiles, AMX) and as
on a CPU that has none ("no tiles").

With `--stream`, that many frames are coded and decoded one at a time, and the resident memory of the process
is printed as they go by.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from turns import Worker

HEIGHT, WIDTH = 384, 640
THREADS = 2
LATENT_SPREAD = 3.0  # standard deviation that the latents are scaled to, about that of trained models


def scene(count: int) -> list[Tensor]:
    """Frames (1, 3, H, W) of a smooth random scene that drifts, with some grain."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, 20, 40, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, scale_factor=24, mode="bicubic")
    drift = [(index % 64, 2 * index % 192) for index in range(count)]
    views = [smooth[..., y : y + HEIGHT, x : x + WIDTH] for y, x in drift]
    return [(v + 0.02 * torch.randn(v.shape, generator=generator)).clamp(0, 1) for v in views]


def clip_frames(path: Path, count: int) -> list[Tensor]:
    """Frames of a video file, scaled to fill the size and cropped; the file starts over at its end."""
    import av

    frames: list[Tensor] = []
    while len(frames) < count:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                scale = max(HEIGHT / frame.height, WIDTH / frame.width)
                size = {"width": -(-frame.width * scale // 1), "height": -(-frame.height * scale // 1)}
                pixels = frame.reformat(**{k: int(v) for k, v in size.items()}, format="rgb24").to_ndarray()
                x = torch.from_numpy(pixels[:HEIGHT, :WIDTH].copy()).permute(2, 0, 1)[None]
                frames.append(x.contiguous().float() / 255)
                if len(frames) == count:
                    break
    return frames


def prepare(clip: Path | None, count: int, path: Path) -> None:
    """Write frames, and weights with which latents, and scales to code them with, are of ordinary size."""
    from latentpress.models.video import ScaleSpaceFlow

    frames = scene(count) if clip is None else clip_frames(clip, count)
    torch.manual_seed(0)
    net = ScaleSpaceFlow().eval()
    first, second = frames[0], frames[min(1, count - 1)]
    seen = {"img": first, "motion": torch.cat([first, second], dim=1), "res": second - first}
    with torch.no_grad():
        for name, x in seen.items():
            encoder = net.get_submodule(f"{name}_encoder")
            encoder[-1].weight.mul_(LATENT_SPREAD / encoder(x).std())
            net.get_submodule(f"{name}_hyperprior.hyper_decoder_scale.deconv3").bias.fill_(LATENT_SPREAD)
    torch.save({"weights": net.state_dict(), "frames": frames}, path)


def load(package: str, task: Path) -> tuple[Any, list[Tensor]]:
    """The model with its tables, and the frames."""
    if package == "compressai":
        from compressai.models.video import ScaleSpaceFlow
    else:
        from latentpress.models.video import ScaleSpaceFlow
    torch.set_num_threads(THREADS)
    given = torch.load(task)
    net = ScaleSpaceFlow().eval()
    net.load_state_dict(given["weights"])
    net.update(force=True)
    return net, given["frames"]


def timed(call: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """The result of a call, and its wall-clock and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.no_grad():
        result = call()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def total_bytes(strings: Any) -> int:
    """Length of all strings in nested lists and dictionaries."""
    if isinstance(strings, bytes):
        return len(strings)
    return sum(map(total_bytes, strings.values() if isinstance(strings, dict) else strings))


def serve(package: str, mode: str, task: Path) -> None:
    """Answer each line on standard input with timings of a round trip, as JSON."""
    net, frames = load(package, task)
    if mode == "no tiles":
        from latentpress.models.video import strided

        core = strided._core
        network = None if core.minimal_kernels() == "portable" else core.MinimalNetwork
        strided._network = lambda: network
    for _ in sys.stdin:
        (strings, shapes), encode = timed(lambda: net.compress(frames))
        decoded, decode = timed(lambda: net.decompress(strings, shapes))  # noqa: B023 - called at once
        error = max(float((a - b).square().mean()) for a, b in zip(decoded, frames, strict=True))
        answer = {"encode": encode, "decode": decode, "bytes": total_bytes(strings), "error": error}
        print(json.dumps(answer), flush=True)


def compare(arguments: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Round trips of each configuration, after one each that only warms up."""
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.pt"
        prepare(arguments.clip, arguments.frames, task)
        workers = {
            "tiles": Worker(sys.executable, __file__, "latentpress", "tiles", str(task)),
            "no tiles": Worker(sys.executable, __file__, "latentpress", "no tiles", str(task)),
        }
        if arguments.peer:
            workers["peer"] = Worker(arguments.peer, __file__, "compressai", "plain", str(task))
        trips: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
        for turn in range(arguments.rounds + 1):
            for name, worker in workers.items():
                trip = worker.ask("go")
                if turn > 0:
                    trips[name].append(trip)
        for worker in workers.values():
            worker.close()
    return trips


def print_table(trips: dict[str, list[dict[str, Any]]], frames: int) -> None:
    """Medians of all configurations, and the peer's divided by ours."""

    def median(name: str, direction: str, clock: str) -> float:
        return statistics.median(trip[direction][clock] for trip in trips[name])

    print(f"{frames} frames of {WIDTH}x{HEIGHT}, {THREADS} threads")
    print(f"{'':9}{'':9}{'wall':>10}{'':9}{'CPU':>10}{'':9}{'bytes':>10}")
    for direction in ("encode", "decode"):
        for name in trips:
            cells = []
            for clock in ("wall", "cpu"):
                own = median(name, direction, clock)
                against = name != "peer" and "peer" in trips
                ratio = f"{median('peer', direction, clock) / own:7.2f}x" if against else " " * 8
                cells.append(f"{own:8.2f} s{ratio} ")
            print(f"{direction:9}{name:9}" + "".join(cells) + f"{trips[name][0]['bytes']:10}")


def resident_megabytes() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def stream(clip: Path | None, count: int) -> None:
    """Code and decode frames one at a time, and print the memory in use."""
    from latentpress.models.video import ScaleSpaceFlow

    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.pt"
        prepare(clip, min(count, 16), task)
        given = torch.load(task)
    net = ScaleSpaceFlow().eval()
    net.load_state_dict(given["weights"])
    net.update(force=True)
    frames = given["frames"]
    encoded = decoded = None
    for index in range(count):
        strings, shape, encoded = net.encode_frame(frames[index % len(frames)], encoded)
        decoded = net.decode_frame(strings, shape, decoded)
        if not torch.equal(encoded, decoded):
            raise SystemExit(f"Frame {index} was not decoded to what the encoder refers to.")
        if index in (0, 1, 2) or (index + 1) % 10 == 0:
            print(f"frame {index + 1:4}: {resident_megabytes():7.0f} MB resident", flush=True)
    print(f"most at any time: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main() -> None:
    """Print the table, or memory."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", help="Python interpreter that has compressai")
    parser.add_argument("--clip", type=Path, help="video file to take frames from")
    parser.add_argument("--frames", type=int, default=5, help="frames of the clip")
    parser.add_argument("--rounds", type=int, default=3, help="round trips of each")
    parser.add_argument("--stream", type=int, metavar="COUNT", help="measure memory over so many frames")
    parser.add_argument("--json", type=Path, help="also write all timings to this file")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        package, mode, task = arguments.serve
        serve(package, mode, Path(task))
    elif arguments.stream:
        stream(arguments.clip, arguments.stream)
    else:
        trips = compare(arguments)
        print_table(trips, arguments.frames)
        if arguments.json:
            arguments.json.write_text(json.dumps(trips, indent=1))


if __name__ == "__main__":
    main()

"""Coding with a hierarchy: an image to one string per latent block, coarse to fine, and back.

Images are coded one at a time, whatever the batch, so that a string made in a batch decodes alone. Encoder
and decoder run the same top-down path (`HierarchicalVAE.top_down`); they differ in where the latents come
from.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from latentpress._lazy import higher
from latentpress.entropy_models.precision import no_autocast
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs.batches import in_single
from latentpress.models.hierarchical.arithmetic import (
    ARITHMETICS,
    FIXED_POINT,
    FLOAT32,
    computing_in,
    fastest_arithmetic,
)
from latentpress.models.hierarchical.compiled import enabled, not_compiled, usable_for
from latentpress.models.hierarchical.files import AnyPath
from latentpress.models.hierarchical.hierarchy import HierarchicalVAE
from latentpress.models.hierarchical.latents import DiscreteLatentBlock
from latentpress.models.hierarchical.sources import Decoding, Encoding, FirstThen, Sampling
from latentpress.models.hierarchical.workspace import workspace

Strings = list[list[bytes]]  # by latent, then by image
_LARGEST_GRID = 2**16 - 1


class CodingHierarchy(HierarchicalVAE):
    """A hierarchy with quantised latents: it codes images.

    Attributes:
        name: what files made with it call it; the zoo's name for a model of the zoo.
    """

    name: str

    def update(self, force: bool = False) -> bool:
        """Make missing integer tables (all of them, with `force`); returns whether any was made."""
        made = [
            block.discrete_gaussian.make_tables(force)
            for block in self.latent_blocks
            if isinstance(block, DiscreteLatentBlock)
        ]
        return any(made)

    def compress_mode(self, mode: bool = True) -> "CodingHierarchy":
        """Make ready for coding (evaluation mode and integer tables), or, with False, for training again."""
        if mode:
            self.update()
        return self.train(not mode)

    def compress_file(self, source: AnyPath, target: AnyPath, lmb: float | None = None) -> None:
        """Compress an image file, of any size, into a `.ltp` file.

        Args:
            source: the image, in any format that Pillow reads.
            target: the file to write; one that exists is replaced.
            lmb: lambda of a variable-rate model, its default where None.
        """
        higher("compress_file_of")(self, source, target, lmb)

    def decompress_file(self, source: AnyPath, target: AnyPath | None = None) -> Tensor:
        """The image (1, 3, H, W) in [0, 1] of a file that `compress_file` wrote; also to `target`, if given.

        Raises:
            BitstreamError: the file is damaged, truncated or another model's.
        """
        image: Tensor = higher("decompress_file_of")(self, source, target)
        return image

    @property
    def num_strings(self) -> int:
        """Strings that one image is coded into."""
        return self.num_latents

    @not_compiled()
    @torch.inference_mode()
    @workspace()
    def encode(self, x: Tensor, lmb: float | None = None, arithmetic: str = FLOAT32) -> Strings:
        """Strings of images `x` (N, 3, H, W) in [0, 1], sides multiples of `downsampling_factor`.

        Args:
            x: the images.
            lmb: lambda of a variable-rate model, its default where None.
            arithmetic: "float32", as in published streams, or "fixed-point" (`arithmetic.py`), for models on
                a CPU.

        Returns `num_strings` lists, coarse to fine, of N strings each. On a CPU models of all types of number
        code in float32, on a copy of their weights that is kept, and under autocast too.

        Raises:
            ConfigurationError: it is called from compiled or traced code, where the kernels cannot run.
        """
        self.check_image(x)
        with self._coding_in(arithmetic) as model:
            emb = model.embed(model.resolve_lmb(lmb, 1))
            by_image = [model._encode_one(image, emb) for image in x.to(model.constant().dtype).split(1)]
        return [list(strings) for strings in zip(*by_image, strict=True)]

    def fastest_arithmetic(self) -> str:
        """The arithmetic that `encode` and `decode` are fastest in, where the model is now."""
        return fastest_arithmetic() if self._on_cpu() and enabled() else FLOAT32

    def _on_cpu(self) -> bool:
        return self.constant().device.type == "cpu"

    @contextmanager
    def _coding_in(self, arithmetic: str) -> Iterator["CodingHierarchy"]:
        """The model to code with: on a CPU one in float32, outside of autocast and of compiled graphs.

        Everything else would leave the kernels, and give strings that other machines cannot decode.
        """
        if arithmetic not in ARITHMETICS:
            raise ConfigurationError(f"Expected {' or '.join(ARITHMETICS)}, found {arithmetic!r}.")
        if arithmetic == FIXED_POINT and not (self._on_cpu() and enabled()):
            raise ConfigurationError(
                "Fixed point runs on the package's own kernels only: put the model on a CPU, out of eager()."
            )
        if not self._on_cpu():
            yield self
            return
        with no_autocast(self.constant()), computing_in(arithmetic):
            model = self if all(p.dtype == torch.float32 for p in self.parameters()) else in_single(self)
            if enabled() and not usable_for(model.constant()):
                raise ConfigurationError(
                    "A hierarchy codes on the package's own kernels only: call it outside of torch.compile, "
                    "torch.jit.trace and integer arithmetic."
                )
            yield model

    def _encode_one(self, image: Tensor, emb: Tensor | None) -> list[bytes]:
        source = Encoding(self.bottom_up(image, emb), stop_after=self.num_latents)
        self.top_down(source, 1, self.grid_of(image), emb)
        return source.strings

    @not_compiled()
    @torch.inference_mode()
    @workspace()
    def decode(
        self,
        strings: Sequence[Sequence[bytes]],
        grid: Sequence[int],
        lmb: float | None = None,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        arithmetic: str = FLOAT32,
    ) -> Tensor:
        """Images (N, 3, H, W) in [0, 1] from the strings of `encode`, or of its first latents only.

        Args:
            strings: by latent, then by image. Where finer latents are missing, the prior stands in: its means
                at temperature 0, samples of it at others.
            grid: rows and columns of the coarsest grid: the image's over `downsampling_factor`.
            lmb, arithmetic: as given to `encode`.
            temperature, generator: for latents that are missing.

        The images are in float32 if the model is on a CPU, else in its own type.

        Raises:
            BitstreamError: there are too many strings, or one of them is damaged.
            ConfigurationError: as for `encode`.
        """
        batch = self._check_strings(strings, grid)
        with self._coding_in(arithmetic) as model:
            emb = model.embed(model.resolve_lmb(lmb, 1))
            rest = Sampling(temperature, generator)
            images = [
                model._decode_one([latent[n] for latent in strings], grid, emb, rest) for n in range(batch)
            ]
        return torch.cat(images)

    def _decode_one(
        self, strings: Sequence[bytes], grid: Sequence[int], emb: Tensor | None, rest: Sampling
    ) -> Tensor:
        output = self.top_down(FirstThen(Decoding(strings), len(strings), rest), 1, grid, emb)
        assert output is not None
        return self.to_pixels(output)

    def _check_strings(self, strings: Sequence[Sequence[bytes]], grid: Sequence[int]) -> int:
        if len(grid) != 2 or not all(0 < side <= _LARGEST_GRID for side in grid):
            raise BitstreamError(
                f"Expected a grid of 1 to {_LARGEST_GRID} rows and columns, found {tuple(grid)}."
            )
        if not 0 < len(strings) <= self.num_strings:
            raise BitstreamError(
                f"Expected the strings of 1 to {self.num_strings} latents, found {len(strings)}; "
                "the stream is damaged or another model's."
            )
        batches = {len(latent) for latent in strings}
        if len(batches) != 1 or 0 in batches:
            raise BitstreamError(
                f"Expected as many strings for each latent as there are images, found {batches}."
            )
        return batches.pop()

    def latents_in(self, count: int | None) -> int:
        """`count` latents, checked; all of them where None."""
        if count is None:
            return self.num_latents
        if not 0 <= count <= self.num_latents:
            raise ConfigurationError(
                f"The model has {self.num_latents} latents; {count} of them cannot be used."
            )
        return count

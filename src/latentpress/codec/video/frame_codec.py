"""A model as a codec of frames, one after the other: what it needs to make strings of a frame and back.

Two kinds fit: an image model, for which every frame is a keyframe, and a video model, whose other frames
refer to the one before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from latentpress.codec.image_codec import ImageCodec, strings_of_one_image
from latentpress.codec.maker import Maker, Parameter
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs.critical import portably
from latentpress.zoo import fingerprint

Strings = tuple[bytes, ...]


class FrameCodec(ABC):
    """Codes frames `(1, 3, H, W)` in [0, 1], whose sides are multiples of `factor`.

    Attributes:
        maker: what files say of the model and of the options they were coded with.
        factor: what sides are multiples of.
        device: where frames are to be.
        inter: whether frames can refer to the one before.
    """

    maker: Maker
    factor: int
    device: torch.device
    inter: bool

    @abstractmethod
    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[Strings, Tensor | None]:
        """The strings of a frame, and the reference for the next one.

        Args:
            x: the frame.
            reference: what coding the frame before returned; None for a keyframe.
        """

    @abstractmethod
    def decode(self, strings: Sequence[bytes], height: int, width: int, reference: Tensor | None) -> Tensor:
        """The frame `(1, 3, H, W)` of strings, which is the reference for the next one, too; not clamped.

        Args:
            strings: what `encode` returned.
            height, width: of the frame, multiples of `factor`.
            reference: what decoding the frame before returned; None for a keyframe.

        Raises:
            BitstreamError: the strings are damaged.
        """


class ImageFrames(FrameCodec):
    """An image model: every frame is coded by itself.

    Args:
        codec: the model.
        options: what it is told when it codes, from `codec.options` or `codec.options_from`.
    """

    inter = False

    def __init__(self, codec: ImageCodec, options: Mapping[str, Any]) -> None:
        self._codec, self._options = codec, dict(options)
        self.maker, self.factor, self.device = codec.maker(options), codec.factor, codec.device

    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[Strings, Tensor | None]:
        return self._codec.encode_tensor(x, self._options), None

    def decode(self, strings: Sequence[bytes], height: int, width: int, reference: Tensor | None) -> Tensor:
        if reference is not None:
            raise BitstreamError(
                f"Expected keyframes alone from {self.maker.model}, an image model, found another frame: "
                "the file is damaged."
            )
        return self._codec.decode_tensor(strings, height, width, self._options)


class VideoFrames(FrameCodec):
    """A video model with the methods `encode_keyframe`, `encode_inter` and so on of `ScaleSpaceFlow`.

    Args:
        model: in eval mode, with its coder tables built.
        name: what files call the model.
        parameters: recorded in every file, and expected in every file, because they say which weights of
            that name these are.

    Example:
        >>> from latentpress.models.video import ScaleSpaceFlow
        >>> model = ScaleSpaceFlow(N=4, M=8).eval()
        >>> model.update()
        True
        >>> codec = VideoFrames(model, "my-model")
        >>> strings, reference = codec.encode(torch.rand(1, 3, 128, 128), None)
        >>> torch.equal(codec.decode(strings, 128, 128, None), reference)
        True
    """

    inter = True
    _PARTS = ("motion", "residual")
    _STRINGS_EACH = 2  # y and z

    def __init__(self, model: Any, name: str, parameters: Mapping[str, Parameter] | None = None) -> None:
        self._model = model
        self.maker = Maker(name, fingerprint(model), dict(parameters or {}))
        self.factor = int(model.downsampling_factor)
        self.device = next(model.parameters()).device

    @torch.inference_mode()
    @portably()
    def encode(self, x: Tensor, reference: Tensor | None) -> tuple[Strings, Tensor | None]:
        height, width = x.shape[-2:]
        if reference is None:
            x_hat, coded = self._model.encode_keyframe(x)
            self._check_shape(coded["shape"], height, width)
            return strings_of_one_image(coded["strings"]), x_hat
        x_hat, coded = self._model.encode_inter(x, reference)
        strings: Strings = ()
        for part in self._PARTS:
            self._check_shape(coded["shape"][part], height, width)
            strings += strings_of_one_image(coded["strings"][part])
        return strings, x_hat

    @torch.inference_mode()
    @portably()
    def decode(self, strings: Sequence[bytes], height: int, width: int, reference: Tensor | None) -> Tensor:
        parts = 1 if reference is None else len(self._PARTS)
        if len(strings) != parts * self._STRINGS_EACH:
            raise BitstreamError(
                f"Expected {parts * self._STRINGS_EACH} strings of {self.maker.model} for the frame, "
                f"found {len(strings)}: the file is damaged."
            )
        shape = (height // self.factor, width // self.factor)
        nested = [[string] for string in strings]
        x_hat: Tensor
        if reference is None:
            x_hat = self._model.decode_keyframe(nested, shape)
            return x_hat
        each = self._STRINGS_EACH
        by_part = {part: nested[i * each : (i + 1) * each] for i, part in enumerate(self._PARTS)}
        x_hat = self._model.decode_inter(reference, by_part, dict.fromkeys(self._PARTS, shape))
        return x_hat

    def _check_shape(self, shape: Sequence[int], height: int, width: int) -> None:
        if tuple(shape) != (height // self.factor, width // self.factor):
            raise ConfigurationError(
                f"Expected the model's shape to be the padded frame's over {self.factor}, found {shape}: "
                "this model cannot be stored in a .ltp file."
            )

"""Scale-space flow of Agustsson et al. (CVPR 2020): each frame is the one before, warped, and a residual."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from latentpress.entropy_models.precision import no_autocast
from latentpress.errors import BitstreamError, ConfigurationError
from latentpress.latent_codecs.batches import image_by_image
from latentpress.models.base import CompressionModel
from latentpress.models.compiled import eager
from latentpress.models.video.scale_space import gaussian_volume, warp, warp_volume
from latentpress.models.video.transforms import Hyperprior, analysis_transform, synthesis_transform
from latentpress.registry import register_model

__all__ = ["ScaleSpaceFlow"]

Strings = Any  # [of y, of z] of a keyframe; {"motion": [...], "residual": [...]} of a later frame


@register_model("ssf2020")
class ScaleSpaceFlow(CompressionModel):
    """Scale-space flow: motion with a third coordinate, which is how blurred the prediction is.

    .. code-block:: none

                      ┌────────────────┐    ┌───────────────────┐    ┌────────────────┐
          x_cur, x_ref┤ motion_encoder ├─►──┤ motion_hyperprior ├─┬──┤ motion_decoder ├─► flow, scale
                      └────────────────┘    └───────────────────┘ │  └────────────────┘        │
                                                                  │                            ▼
                                        x_ref ──────────────── gaussian_volume ──────► warp_volume ─► x_pred
                                                                  │
                      ┌────────────────┐    ┌───────────────────┐ │  ┌────────────────┐
        x_cur - x_pred┤  res_encoder   ├─►──┤  res_hyperprior   ├─┴──┤  res_decoder   ├─► + x_pred = x_hat
                      └────────────────┘    └───────────────────┘    └────────────────┘

    The first frame of a clip is a keyframe with a coder of its own (`img_encoder`, `img_hyperprior`,
    `img_decoder`); every later frame refers to the reconstruction before it. From Agustsson, Minnen,
    Johnston, Ballé, Hwang, Toderici, "Scale-space flow for end-to-end optimized video compression" (CVPR
    2020).

    Coding one frame at a time needs the memory of one frame: `encode_keyframe` and `encode_inter` return the
    reconstruction that the next frame refers to, and `decode_keyframe` and `decode_inter` return the same
    one, to the bit on the same machine with the same number of threads. What the decoder must reproduce to
    read the strings at all depends on side information alone, never on pixels: another thread count or
    machine can move reconstructions by the last bits, and these moves add up until the next keyframe, but
    no string becomes unreadable by them.

    Frames are (N, 3, H, W) in [0, 1] with sides that are multiples of 128. Reconstructions are not clamped:
    references are used as they are, so clamp what you show, not what you hand back in.

    Args:
        num_levels: blurred slices of the scale space.
        sigma0: standard deviation of each of its blurs, in pixels.
        scale_field_shift: kept as an attribute; the published networks sample the scale space without it.
        N: channels inside the transforms.
        M: channels of each latent.

    Example:
        >>> net = ScaleSpaceFlow(N=8, M=12).eval()
        >>> net.update()
        True
        >>> clip = [torch.rand(1, 3, 128, 128) for _ in range(3)]
        >>> strings, shapes = net.compress(clip)
        >>> [frame.shape for frame in net.decompress(strings, shapes)][-1]
        torch.Size([1, 3, 128, 128])
        >>> x_ref, packet = net.encode_keyframe(clip[0])
        >>> torch.equal(net.decode_keyframe(packet["strings"], packet["shape"]), x_ref)
        True
    """

    downsampling_factor = 128

    def __init__(
        self,
        num_levels: int = 5,
        sigma0: float = 1.5,
        scale_field_shift: float = 1.0,
        N: int = 128,
        M: int = 192,
    ) -> None:
        super().__init__()
        self.img_encoder = analysis_transform(3, N, M)
        self.img_decoder = synthesis_transform(M, N, 3)
        self.img_hyperprior = Hyperprior(M)
        self.res_encoder = analysis_transform(3, N, M)
        self.res_decoder = synthesis_transform(2 * M, N, 3)
        self.res_hyperprior = Hyperprior(M)
        self.motion_encoder = analysis_transform(2 * 3, N, M)
        self.motion_decoder = synthesis_transform(M, N, 2 + 1)
        self.motion_hyperprior = Hyperprior(M)
        self.num_levels = num_levels
        self.sigma0 = sigma0
        self.scale_field_shift = scale_field_shift
        self.N = N
        self.M = M

    def forward(self, frames: Sequence[Tensor]) -> dict[str, list[Any]]:
        """Reconstruct a clip, differentiably in training mode.

        This pass computes in float32 throughout. Coding may take the faster kernels of `StridedChain`, whose
        latents differ in the fifth digit, so that one in some ten thousand symbols is rounded the other way.

        The first inter frame does not train the keyframe that it refers to; later ones train those before
        them.

        Args:
            frames: at least one frame (N, 3, H, W), in the order of time.

        Returns:
            `"x_hat"`, a list of frames, and `"likelihoods"`, a list with a dictionary for each: of the
            keyframe `{"keyframe": {"y", "z"}}`, of the others
            `{"motion": {"y", "z"}, "residual": {"y", "z"}}`.

        Raises:
            ConfigurationError: `frames` is not a list of frames of one shape that fits the model.
        """
        first, *others = self._checked(frames)
        x_hat, likelihoods = self.forward_keyframe(first)
        reconstructions, all_likelihoods = [x_hat], [likelihoods]
        x_ref = x_hat.detach()
        for frame in others:
            x_ref, likelihoods = self.forward_inter(frame, x_ref)
            reconstructions.append(x_ref)
            all_likelihoods.append(likelihoods)
        return {"x_hat": reconstructions, "likelihoods": all_likelihoods}

    def forward_keyframe(self, x: Tensor) -> tuple[Tensor, dict[str, dict[str, Tensor]]]:
        """Reconstruction of a frame `x` (N, 3, H, W) by itself, and its likelihoods."""
        with eager():
            y_hat, likelihoods = self.img_hyperprior(self.img_encoder(x))
            return self.img_decoder(y_hat), {"keyframe": likelihoods}

    def forward_inter(self, x_cur: Tensor, x_ref: Tensor) -> tuple[Tensor, dict[str, dict[str, Tensor]]]:
        """Reconstruction of `x_cur` (N, 3, H, W) from `x_ref`, the frame before, and its likelihoods."""
        with eager():
            y_motion = self.motion_encoder(torch.cat([x_cur, x_ref], dim=1))
            motion_hat, motion = self.motion_hyperprior(y_motion)
            x_pred = self.forward_prediction(x_ref, self.motion_decoder(motion_hat))
            residual_hat, residual = self.res_hyperprior(self.res_encoder(x_cur - x_pred))
            x_hat = x_pred + self.res_decoder(torch.cat([residual_hat, motion_hat], dim=1))
        return x_hat, {"motion": motion, "residual": residual}

    def forward_prediction(self, x_ref: Tensor, motion_info: Tensor) -> Tensor:
        """`x_ref` (N, 3, H, W), warped and blurred.

        `motion_info` (N, 3, H, W) is the flow across and down, and the scale field; see `warp_volume`.
        """
        if self.gaussian_volume is gaussian_volume and self.warp_volume is warp_volume:
            return warp(x_ref, motion_info, self.sigma0, self.num_levels)
        flow, scale_field = motion_info.split([2, 1], dim=1)  # a subclass has its own way
        return self.warp_volume(self.gaussian_volume(x_ref, self.sigma0, self.num_levels), flow, scale_field)

    gaussian_volume = staticmethod(gaussian_volume)
    warp_volume = staticmethod(warp_volume)

    @torch.no_grad()
    def encode_keyframe(self, x: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Code a frame `x` (N, 3, H, W) in [0, 1] by itself.

        Returns:
            The reconstruction, (N, 3, H, W), which the next frame refers to; and what `decode_keyframe`
            takes: `"strings"`, for y and for z a list of one `bytes` per clip, and `"shape"`, the height and
            width of z.

        Raises:
            ConfigurationError: there are no coder tables yet, or the frame does not fit the model.
        """
        self._checked([x])
        y_hat, packet = self.img_hyperprior.compress(self._each(self.img_encoder, x))
        return self._reconstruct_keyframe(y_hat), packet

    @torch.no_grad()
    def decode_keyframe(self, strings: Strings, shape: Sequence[int]) -> Tensor:
        """The reconstruction that `encode_keyframe` returned, from its strings and shape.

        Raises:
            BitstreamError: the strings are truncated or damaged.
        """
        return self._reconstruct_keyframe(self.img_hyperprior.decompress(strings, shape))

    @torch.no_grad()
    def encode_inter(self, x_cur: Tensor, x_ref: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Code a frame `x_cur` (N, 3, H, W) in [0, 1], given `x_ref`, the reconstruction before it.

        Returns:
            The reconstruction, and what `decode_inter` takes: `"strings"` and `"shape"`, each with the
            entries `"motion"` and `"residual"`, which are like those of a keyframe.

        Raises:
            ConfigurationError: there are no coder tables yet, or the frames do not fit the model.
        """
        self._checked([x_cur, x_ref])
        y_motion = self._each(self.motion_encoder, torch.cat([x_cur, x_ref], dim=1))
        motion_hat, motion = self.motion_hyperprior.compress(y_motion)
        x_pred = self._predict(x_ref, motion_hat)
        y_residual = self._each(self.res_encoder, x_cur - x_pred)
        residual_hat, residual = self.res_hyperprior.compress(y_residual)
        packet = {name: {"motion": motion[name], "residual": residual[name]} for name in ("strings", "shape")}
        return self._reconstruct_inter(x_pred, residual_hat, motion_hat), packet

    @torch.no_grad()
    def decode_inter(
        self, x_ref: Tensor, strings: Mapping[str, Strings], shapes: Mapping[str, Sequence[int]]
    ) -> Tensor:
        """The reconstruction that `encode_inter` returned, from `x_ref`, its strings and shapes.

        Raises:
            BitstreamError: the strings are truncated or damaged, or belong to another size of frame.
        """
        _check_parts(strings, shapes)
        motion_hat = self.motion_hyperprior.decompress(strings["motion"], shapes["motion"])
        residual_hat = self.res_hyperprior.decompress(strings["residual"], shapes["residual"])
        expected = (len(x_ref), self.M, x_ref.shape[-2] // 16, x_ref.shape[-1] // 16)
        if motion_hat.shape != expected or residual_hat.shape != expected:
            raise BitstreamError(
                f"Expected motion and residual of {expected[-2:]} for frames of {tuple(x_ref.shape[-2:])}, "
                f"found {tuple(motion_hat.shape[-2:])} and {tuple(residual_hat.shape[-2:])}."
            )
        return self._reconstruct_inter(self._predict(x_ref, motion_hat), residual_hat, motion_hat)

    def encode_frame(self, x: Tensor, x_ref: Tensor | None = None) -> tuple[Strings, Any, Tensor]:
        """Code the next frame of a stream: a keyframe if there is no `x_ref`.

        Returns:
            Strings and shape for `decode_frame`, and the reconstruction to give as `x_ref` with the frame
            after.
        """
        x_hat, packet = self.encode_keyframe(x) if x_ref is None else self.encode_inter(x, x_ref)
        return packet["strings"], packet["shape"], x_hat

    def decode_frame(self, strings: Strings, shape: Any, x_ref: Tensor | None = None) -> Tensor:
        """Decode the next frame of a stream, given the same kind of `x_ref` that it was coded with."""
        if x_ref is None:
            return self.decode_keyframe(strings, shape)
        return self.decode_inter(x_ref, strings, shape)

    def compress(self, frames: Sequence[Tensor]) -> tuple[list[Strings], list[Any]]:
        """Code a clip, the first frame as a keyframe; arguments are those of `forward`.

        Returns:
            Strings and shapes of each frame, as `encode_keyframe` and `encode_inter` give them.

        Raises:
            ConfigurationError: there are no coder tables yet, or the frames do not fit the model.
        """
        all_strings, shapes = [], []
        x_ref = None
        for frame in self._checked(frames):
            strings, shape, x_ref = self.encode_frame(frame, x_ref)
            all_strings.append(strings)
            shapes.append(shape)
        return all_strings, shapes

    def decompress(self, strings: Sequence[Strings], shapes: Sequence[Any]) -> list[Tensor]:
        """Decode what `compress` made: a list of frames (N, 3, H, W), not clamped.

        Raises:
            BitstreamError: strings are missing, truncated or damaged.
        """
        if not strings or len(strings) != len(shapes):
            raise BitstreamError(
                f"Expected strings and shapes of as many frames, and at least one, found {len(strings)} and "
                f"{len(shapes)}."
            )
        frames: list[Tensor] = []
        for frame_strings, shape in zip(strings, shapes, strict=True):
            frames.append(self.decode_frame(frame_strings, shape, frames[-1] if frames else None))
        return frames

    def aux_loss(self) -> list[Tensor]:  # type: ignore[override]
        """The auxiliary losses of the three hyperpriors (keyframe, residual, motion), each a scalar."""
        return [
            hyperprior.aux_loss()
            for hyperprior in (self.img_hyperprior, self.res_hyperprior, self.motion_hyperprior)
        ]

    @staticmethod
    def _each(network: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """`network(x)`, one clip at a time."""
        return image_by_image(network, x, torch.contiguous_format)

    # What follows is run by encoder and decoder alike, one clip at a time, so that their pixels agree.

    def _reconstruct_keyframe(self, y_hat: Tensor) -> Tensor:
        return self._each(self.img_decoder, y_hat).contiguous()

    def _predict(self, x_ref: Tensor, motion_hat: Tensor) -> Tensor:
        motion_info = self._each(self.motion_decoder, motion_hat)
        with no_autocast(x_ref):
            return self.forward_prediction(x_ref.contiguous(), motion_info.contiguous())

    def _reconstruct_inter(self, x_pred: Tensor, residual_hat: Tensor, motion_hat: Tensor) -> Tensor:
        latents = torch.cat([residual_hat, motion_hat], dim=1)
        return x_pred + self._each(self.res_decoder, latents).contiguous()

    def _checked(self, frames: Sequence[Tensor]) -> Sequence[Tensor]:
        """`frames` after checking that they are a clip that the model can take."""
        if not isinstance(frames, (list, tuple)) or not frames:
            found = "none" if isinstance(frames, (list, tuple)) else type(frames).__name__
            raise ConfigurationError(f"Expected a list of at least one frame (N, 3, H, W), found {found}.")
        shapes = {tuple(frame.shape) for frame in frames}
        factor = self.downsampling_factor
        for shape in shapes:
            fits = len(shape) == 4 and shape[1] == 3 and shape[2] % factor == 0 and shape[3] % factor == 0
            if len(shapes) > 1 or not fits or 0 in shape:
                raise ConfigurationError(
                    f"Expected frames (N, 3, H, W) of one shape with sides that are multiples of {factor}, "
                    f"found {', '.join(map(str, sorted(shapes)))}."
                )
        return frames

    @classmethod
    def _sizes(cls, state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
        return {
            "N": state_dict["img_encoder.0.weight"].size(0),
            "M": state_dict["img_encoder.6.weight"].size(0),
        }


def _check_parts(strings: Any, shapes: Any) -> None:
    for part in (strings, shapes):
        if not isinstance(part, Mapping) or part.keys() != {"motion", "residual"}:
            found = sorted(part) if isinstance(part, Mapping) else type(part).__name__
            raise BitstreamError(f"Expected the parts motion and residual of an inter frame, found {found}.")

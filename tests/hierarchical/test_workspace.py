"""Memory that is used again never changes under a tensor that still looks at it."""

import torch

from latentpress.models.hierarchical.workspace import empty, workspace


def test_memory_is_lent_again_once_no_tensor_looks_at_it() -> None:
    with workspace():
        first = empty(2, 3, 4)
        address = first.data_ptr()
        view = first.permute(2, 0, 1)[1:]
        del first
        assert empty(2, 3, 4).data_ptr() != address  # the view keeps it
        del view
        assert empty(4, 6).data_ptr() == address


def test_a_tensor_outlives_the_workspace() -> None:
    with workspace():
        kept = empty(5).fill_(7.0)
    other = empty(5).fill_(1.0)
    assert torch.equal(kept, torch.full((5,), 7.0))
    assert float(other.sum()) == 5.0


def test_decoded_images_are_not_overwritten_by_the_next_call(qarv, image) -> None:
    first = qarv.decompress(qarv.compress(image()))
    before = first.clone()
    qarv.decompress(qarv.compress(image(seed=1)))
    assert torch.equal(first, before)

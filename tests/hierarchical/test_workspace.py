"""Memory that is used again never changes under a tensor that still looks at it."""

import torch

from latentpress.models.hierarchical.workspace import _waiting, empty, workspace


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


def test_the_next_call_uses_the_memory_of_the_last_and_then_forgets_what_it_did_not_use() -> None:
    with workspace():
        address = empty(7, 11, 13).data_ptr()
    with workspace():
        assert empty(1001).data_ptr() == address
    with workspace():
        empty(2)
    kept = torch.zeros(1001)  # often what was given back, which must not be lent as well
    with workspace():
        empty(1001).fill_(1.0)
    assert float(kept.sum()) == 0.0


def test_calls_within_calls_share_no_memory() -> None:
    with workspace():
        outer = empty(100).fill_(1.0)
        with workspace():
            empty(100).fill_(2.0)
        assert float(outer.sum()) == 100.0


def test_little_memory_is_kept_between_calls(monkeypatch) -> None:
    monkeypatch.setattr("latentpress.models.hierarchical.workspace._MOST_KEPT", 4 * 50)
    with workspace():
        small, large = empty(40), empty(5000)
        del small, large
    own = _waiting[-1]
    assert {count: len(free) for count, free in own._before.items() if free} == {40: 1}

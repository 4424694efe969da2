"""Max-pooling with a low-pass filter before the decimation, against numpy and the plain pooling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.dsp.aliasing import band_energies
from otoscope.errors import InputError
from otoscope.models import SoundNet
from otoscope.models.smooth_pool import SmoothPool


@pytest.mark.parametrize(("size", "length"), [(2, 2), (2, 9), (4, 4), (8, 8), (8, 100)])
def test_it_is_the_filtered_maximum_at_every_nth_place(size: int, length: int) -> None:
    pool, x = SmoothPool(size), torch.randn(1, 1, length)
    highest = np.lib.stride_tricks.sliding_window_view(x.numpy().ravel(), size).max(-1)
    around = np.pad(highest, 2 * size, mode="edge")
    expected = np.convolve(around, pool.kernel.numpy(), mode="valid")[::size]
    assert len(expected) == length // size == nn.functional.max_pool1d(x, size).shape[-1]
    np.testing.assert_allclose(pool(x).numpy().ravel(), expected, atol=1e-5)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_it_folds_less_and_keeps_a_constant(size: int) -> None:
    torch.manual_seed(0)
    pool, noise = SmoothPool(size), torch.randn(8, 1, 8192).relu()
    highest = nn.functional.max_pool1d(noise, size, stride=1)
    smooth = nn.functional.conv1d(highest, pool.kernel[None, None])
    shares = [band_energies(one.double().flatten(0, 1), 0.5 / size) for one in (highest, smooth)]
    folded = [float((one.above / (one.above + one.below)).mean()) for one in shares]
    assert folded[1] < 0.3 * folded[0] and torch.allclose(pool(torch.ones(1, 1, 64)), torch.ones(1), atol=1e-6)


def test_soundnet_is_as_it_was_without_the_option_and_has_the_same_weights_with_it() -> None:
    torch.manual_seed(0)
    plain = SoundNet(4, 6400, 8000).eval()
    smooth = SoundNet(4, 6400, 8000, low_pass=True).eval()
    assert [type(m).__name__ for m in plain.modules() if "Pool" in type(m).__name__] == ["MaxPool1d"] * 3
    assert plain.state_dict().keys() == smooth.state_dict().keys()
    smooth.load_state_dict(plain.state_dict())
    x = torch.randn(2, 1, 6400)
    assert plain(x).shape == smooth(x).shape and not torch.allclose(plain(x), smooth(x))


def test_a_pooling_of_one_is_none() -> None:
    with pytest.raises(InputError, match="at least 2"):
        SmoothPool(1)

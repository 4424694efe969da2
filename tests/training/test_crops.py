"""Crops: what they hold, where they lie and how often."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from otoscope import InputError
from otoscope.contract import fill
from otoscope.training import centre_crop, random_crop, two_crops


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_filling_keeps_the_clip_and_comes_after_it() -> None:
    clip = torch.randn(2, 7)
    padded, repeated = fill(clip, 20), fill(clip, 20, "repeat")
    assert torch.equal(padded[:, :7], clip) and not padded[:, 7:].any()
    assert torch.equal(repeated, torch.cat([clip, clip, clip], 1)[:, :20])
    assert fill(clip, 7) is clip and fill(clip, 3) is clip


@pytest.mark.parametrize(("total", "length"), [(10, 4), (11, 4), (4, 4)])
def test_the_centre_has_as_much_on_both_sides(total: int, length: int) -> None:
    crop = centre_crop(torch.arange(total), length)
    before, after = int(crop[0]), total - 1 - int(crop[-1])
    assert len(crop) == length
    assert after - before == (total - length) % 2
    assert torch.equal(crop, torch.arange(before, before + length))


def test_every_place_of_a_random_crop_is_equally_likely() -> None:
    generator = seeded()
    starts = Counter(int(random_crop(torch.arange(12), 8, generator)[0]) for _ in range(5000))
    assert set(starts) == set(range(5))
    # Four deviations of a binomial count around 1000.
    assert all(abs(count - 1000) < 4 * (5000 * 0.2 * 0.8) ** 0.5 for count in starts.values())


def test_two_crops_are_equally_likely_at_every_pair_of_places() -> None:
    generator, total, length, draws = seeded(1), 9, 3, 8000
    clip = torch.arange(total)
    pairs = Counter(tuple(int(crop[0]) for crop in two_crops(clip, length, generator)) for _ in range(draws))
    possible = {(a, b) for a in range(7) for b in range(7) if abs(a - b) >= length}
    assert set(pairs) == possible
    share = 1 / len(possible)
    assert all(abs(n - draws * share) < 4 * (draws * share * (1 - share)) ** 0.5 for n in pairs.values())


@pytest.mark.parametrize("total", [2, 3, 19, 20, 21, 100])
@pytest.mark.parametrize("how", ["zeros", "repeat"])
def test_two_crops_share_nothing(total: int, how: str) -> None:
    clip = torch.arange(1, total + 1)[None]
    for seed in range(20):
        first, second = two_crops(clip, 10, seeded(seed), how)
        assert first.shape == second.shape == (1, 10)
        heard = [set(view[0].tolist()) - {0} for view in (first, second)]
        assert all(heard) and not heard[0] & heard[1]
        if total <= 20:
            assert heard[0] | heard[1] == set(range(1, total + 1))


def test_the_same_seed_gives_the_same_crops() -> None:
    clip = torch.randn(1, 1000)
    for one, other in zip(two_crops(clip, 100, seeded(3)), two_crops(clip, 100, seeded(3)), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(random_crop(clip, 100, seeded(3)), random_crop(clip, 100, seeded(3)))
    assert not torch.equal(random_crop(clip, 100, seeded(3)), random_crop(clip, 100, seeded(4)))


def test_what_cannot_be_cropped_is_said() -> None:
    with pytest.raises(InputError, match="no samples"):
        fill(torch.zeros(1, 0), 4)
    with pytest.raises(InputError, match="at least 1 sample, not 0"):
        random_crop(torch.zeros(4), 0, seeded())
    with pytest.raises(InputError, match="'zeros' or 'repeat', not 'mirror'"):
        centre_crop(torch.zeros(4), 8, "mirror")
    with pytest.raises(InputError, match="one sample"):
        two_crops(torch.zeros(1), 4, seeded())

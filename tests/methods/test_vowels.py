"""The vowel protocol: counts against a loop written from its definition, and the two models whose answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load
from otoscope.data.aev import Token, vowel_tokens
from otoscope.methods import vowel_protocol
from otoscope.methods.vowels import VOICES, measure_vowel, shares

RATE = 16_000


@pytest.fixture(autouse=True)
def built_in(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Praat is there, and tokens are the built-in ones but where a test asks for the data."""
    pytest.importorskip("parselmouth")
    if "data" not in request.fixturenames:
        monkeypatch.delenv("OTOSCOPE_DATA", raising=False)


class Passing(nn.Module):
    sample_rate, classes = RATE, ("all",)

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum((1, 2))[:, None] / 2


def taken(limit: int = 24, **changes: Any) -> Iterator[Token]:
    for token in vowel_tokens(limit=limit):
        yield replace(token, clip=torch.as_tensor(token.clip.values)[None, None], **changes)


def test_shares_are_counts_of_what_lies_within_a_deviation() -> None:
    result = vowel_protocol(load("vowel-name"), taken(36), sample_rate=RATE)
    expected: dict[tuple[Any, ...], list[bool]] = {}
    for i in range(result.sizes["token"]):
        one = result.isel(token=i)
        for signal in ("input", "relevance"):
            for measure in ("F0", "F1", "F2"):
                cell = one.sel(measure=measure)
                within = abs(float(cell.measured.sel(signal=signal)) - float(cell.known)) <= float(cell.deviation)
                key = (signal, one.token_group.item(), one.token_vowel.item(), measure)
                expected.setdefault(key, []).append(within)
    assert sum(map(len, expected.values())) == int(result["count"].sum()) == 36 * 2 * 3
    for (signal, group, vowel, measure), hits in expected.items():
        cell = result.sel(signal=signal, group=group, vowel=vowel, measure=measure)
        assert float(cell.share) == np.mean(hits)
        assert int(cell["count"]) == len(hits)
        assert 0 <= float(cell.low) <= float(cell.share) <= float(cell.high) <= 1


def test_a_model_that_passes_everything_is_as_right_as_the_measurement() -> None:
    result = vowel_protocol(Passing(), taken(), sample_rate=RATE, target=0)
    np.testing.assert_allclose(result.measured[1], result.measured[0], rtol=1e-4)
    assert float((result.share * result["count"]).sum() / result["count"].sum()) > 0.9


def test_more_than_nine_in_ten_are_right_in_clean_vowels(data: Any) -> None:
    """Praat on synthesised tokens of the measured talkers, a ninth of them."""
    if not (data / "aev" / "vowdata.dat").is_file():
        pytest.skip("OTOSCOPE_DATA has no aev/vowdata.dat")
    tokens = vowel_tokens(data / "aev", limit=186)
    measured = np.array([measure_vowel(one.clip.values, RATE, one.centre, VOICES[one.group]) for one in tokens])
    known, deviation = (np.array([getattr(one, name) for one in tokens]) for name in ("known", "deviation"))
    right = np.where(np.isnan(known), np.nan, np.abs(measured - known) <= deviation)
    assert (np.nanmean(right, axis=0) > 0.9).all(), np.nanmean(right, axis=0)


def test_naming_vowels_needs_f1_and_judging_the_register_does_not() -> None:
    """Same architecture, same sounds in training: only what they were asked differs."""
    right = {}
    for name in ("vowel-name", "vowel-register"):
        result = Scope(load(name)).vowels(vowel_tokens(limit=48))
        total = (result.share * result["count"]).sum(("group", "vowel")) / result["count"].sum(("group", "vowel"))
        right[name] = total.sel(signal="relevance")
    assert float(right["vowel-name"].sel(measure="F1")) > float(right["vowel-register"].sel(measure="F1")) + 0.3
    for total in right.values():
        assert float(total.sel(measure="F0")) > 0.85


def test_what_is_not_known_is_not_counted_and_what_is_not_found_is_wrong() -> None:
    dims = ("token", "measure")
    by_token = xr.Dataset(
        {
            "measured": (("signal", *dims), [[[100, 500, np.nan], [100, 500, 900]]]),
            "known": (dims, [[100, np.nan, 900], [109, 520, 900]]),
            "deviation": (dims, [[10, 10, 10], [10, 10, 10]]),
        },
        {
            "token_group": ("token", ["men", "men"]),
            "token_vowel": ("token", ["ah", "ah"]),
            "measure": ["F0", "F1", "F2"],
        },
    )
    result = shares(by_token, ["men"], ["ah", "iy"])
    np.testing.assert_array_equal(result["count"][0, 0], [[2, 1, 2], [0, 0, 0]])
    np.testing.assert_array_equal(result.share[0, 0], [[1, 0, 0.5], [np.nan] * 3])
    assert np.isnan(result.low[0, 0, 1]).all()


def test_a_vowel_is_measured_at_its_steady_state() -> None:
    """Two vowels one after the other: what is measured is the one around the time that is given."""
    first, second = (next(iter(vowel_tokens(groups=["men"], limit=12, seed=seed))).clip.values for seed in (0, 1))
    both = np.concatenate([first, second])
    for centre, alone in ((0.15, first), (0.45, second)):
        expected = measure_vowel(alone, RATE, 0.15, VOICES["men"])
        np.testing.assert_allclose(measure_vowel(both, RATE, centre, VOICES["men"]), expected, rtol=0.01)


@pytest.mark.parametrize("length", [2000, 12_000])
def test_a_model_of_one_length_hears_the_vowel_around_its_steady_state(length: int) -> None:
    model = Passing()
    model.input_length = length
    token = next(iter(vowel_tokens(limit=1)))
    seen = Scope(model)._vowel(replace(token, centre=0.2))
    assert seen.clip.shape == (1, 1, length)
    if length == 2000:
        np.testing.assert_array_equal(seen.clip[0, 0], token.clip[3200 - 1000 : 3200 + 1000])
        assert seen.centre == pytest.approx(1000 / RATE)
    else:
        assert seen.centre == 0.2


def test_vowels_shorter_than_a_model_takes_are_followed_by_silence() -> None:
    torch.manual_seed(0)
    scope = Scope(load("cnn12", width=0.1, n_classes=4))
    tokens = vowel_tokens(sample_rate=scope.sample_rate, limit=4)
    short = [replace(one, clip=one.clip[:1600], centre=0.1) for one in tokens]
    result = scope.vowels(short)
    assert result.sizes["token"] == 4 and result.attrs["model"] == "cnn12"
    assert (result.measured.sel(signal="input", measure="F0") > 0).all()


def test_progress_and_result_that_can_be_kept(tmp_path: Any) -> None:
    calls: list[tuple[int, int]] = []
    result = Scope(load("vowel-name")).vowels(vowel_tokens(limit=3), progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    result.otoscope.save(tmp_path / "vowels.nc")
    with xr.open_dataset(tmp_path / "vowels.nc") as back:
        np.testing.assert_array_equal(back.share, result.share)
        assert back.attrs["method"] == "vowel_protocol"
    with pytest.raises(InputError, match="holds no sound"):
        result.otoscope.write_audio(tmp_path / "vowels.wav")


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="there are no vowels to measure"):
        vowel_protocol(Passing(), [], sample_rate=RATE)
    with pytest.raises(InputError, match="is of the group 'dogs'; voices are known of men, women"):
        vowel_protocol(Passing(), taken(1, group="dogs"), sample_rate=RATE)


def test_a_formant_beyond_half_the_rate_is_not_measured() -> None:
    f0, f1, f2 = measure_vowel(np.sin(np.arange(1200) * 0.6), 2000, 0.3, VOICES["men"])
    assert f0 > 0 and f1 > 0 and np.isnan(f2)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="the seed has to be 0 or more, not -1"):
        vowel_tokens(limit=2, seed=-1)

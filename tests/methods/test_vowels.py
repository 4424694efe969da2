"""Shares of vowels: counts against a loop written from its definition, and the two models whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, load
from otoscope.data.aev import vowel_tokens
from otoscope.methods.targets import Question
from otoscope.methods.vowels import VOICES, _fitted, measure_vowel, percentages, shares, vowels, vowels_of
from otoscope.subject import Subject

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


def test_shares_are_counts_of_what_lies_within_a_deviation() -> None:
    result = vowels(Subject("vowel-name"), limit=36)
    expected: dict[tuple[Any, ...], list[bool]] = {}
    for i in range(result.sizes["token"]):
        one = result.isel(token=i)
        for signal in ("input", "relevance"):
            for measure in ("F0", "F1", "F2"):
                cell = one.sel(measure=measure)
                within = abs(float(cell.measured.sel(signal=signal)) - float(cell.known)) <= float(cell.deviation)
                key = (signal, one.token_group.item(), one.token_vowel.item(), measure)
                expected.setdefault(key, []).append(within)
    assert sum(map(len, expected.values())) == int(result["tokens"].sum()) == 36 * 2 * 3
    for (signal, group, vowel, measure), hits in expected.items():
        cell = result.sel(signal=signal, group=group, vowel=vowel, measure=measure)
        assert float(cell.share) == np.mean(hits)
        assert int(cell["tokens"]) == len(hits)
        assert 0 <= float(cell.ci_low) <= float(cell.share) <= float(cell.ci_high) <= 1


def test_a_model_that_passes_everything_is_as_right_as_the_measurement() -> None:
    result = vowels(Subject(Passing()), limit=24, target=0, rule="gradient")
    np.testing.assert_allclose(result.measured[1], result.measured[0], rtol=1e-4)
    assert float((result.share * result["tokens"]).sum() / result["tokens"].sum()) > 0.9


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
        result = vowels(Subject(name), limit=48)
        total = (result.share * result["tokens"]).sum(("group", "vowel")) / result["tokens"].sum(("group", "vowel"))
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
    np.testing.assert_array_equal(result["tokens"][0, 0], [[2, 1, 2], [0, 0, 0]])
    np.testing.assert_array_equal(result.share[0, 0], [[1, 0, 0.5], [np.nan] * 3])
    assert np.isnan(result.ci_low[0, 0, 1]).all()


def test_a_vowel_is_measured_at_its_steady_state() -> None:
    """Two vowels one after the other: what is measured is the one around the time that is given."""
    first, second = (next(iter(vowel_tokens(groups=["men"], limit=12, seed=seed))).clip.values for seed in (0, 1))
    both = np.concatenate([first, second])
    for centre, alone in ((0.15, first), (0.45, second)):
        expected = measure_vowel(alone, RATE, 0.15, VOICES["men"])
        np.testing.assert_allclose(measure_vowel(both, RATE, centre, VOICES["men"]), expected, rtol=0.01)


def test_the_steady_state_is_a_segment() -> None:
    """Of a model that passes everything the relevance is the sound, with the same share of energy in its middle."""
    tokens = list(vowel_tokens(limit=4))
    result = vowels_of(Subject(Passing()), tokens, Question(0), rule="gradient")
    for number, token in enumerate(tokens):
        segment, energy = token.steady_state, np.asarray(token.clip, dtype=float) ** 2
        assert segment.label == token.vowel
        np.testing.assert_allclose(segment[:2], [token.centre - 0.05, token.centre + 0.05])
        expected = energy[round(segment.start * RATE) : round(segment.stop * RATE)].sum() / energy.sum()
        np.testing.assert_allclose(result["steady_share"][:, number], expected, rtol=1e-4)
    short = replace(tokens[0], clip=tokens[0].clip[..., :320], centre=0.01)
    assert short.steady_state[:2] == (0.0, 0.02)


@pytest.mark.parametrize("length", [2000, 12_000])
def test_a_model_of_one_length_hears_the_vowel_around_its_steady_state(length: int) -> None:
    model = Passing()
    model.input_length = length
    token = next(iter(vowel_tokens(limit=1)))
    seen = _fitted(Subject(model), replace(token, centre=0.2))
    assert Subject(model).inputs(seen.clip).shape == (1, 1, length)
    if length == 2000:
        np.testing.assert_array_equal(seen.clip[:2000], token.clip[3200 - 1000 : 3200 + 1000])
        assert seen.centre == pytest.approx(1000 / RATE)
    else:
        assert seen.centre == 0.2


def test_vowels_shorter_than_a_model_takes_are_followed_by_silence() -> None:
    torch.manual_seed(0)
    subject = Subject(load("cnn12", width=0.1, n_classes=4))
    tokens = vowel_tokens(sample_rate=subject.sample_rate, limit=4)
    short = [replace(one, clip=one.clip[:1600], centre=0.1) for one in tokens]
    result = vowels_of(subject, short)
    assert result.sizes["token"] == 4
    assert (result.measured.sel(signal="input", measure="F0") > 0).all()


class Shut(Passing):
    """Hears no sound that is soft."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x - 0.1).square().sum((1, 2))[:, None]


def test_vowels_without_relevance_are_left_out_and_named() -> None:
    tokens = list(vowel_tokens(limit=4))
    soft = [replace(one, clip=one.clip * 1e-3) if n == 2 else one for n, one in enumerate(tokens)]
    result = vowels_of(Subject(Shut()), soft)
    rest = vowels_of(Subject(Shut()), [one for n, one in enumerate(tokens) if n != 2])
    np.testing.assert_array_equal(result.measured, rest.measured)
    assert result.attrs["note"].startswith("1 of 4 sounds") and result.attrs["note"].endswith(f": {soft[2].name}")
    assert "note" not in rest.attrs
    with pytest.raises(InputError, match="zero everywhere"):
        vowels_of(Subject(Shut()), soft[2:3])


def test_the_hash_counts_what_is_known_of_the_vowels() -> None:
    subject, (token,) = Subject("vowel-name"), vowel_tokens(limit=1)
    other = replace(token, known=(2 * token.known[0], *token.known[1:]))
    one, two = (vowels_of(subject, [each]) for each in (token, other))
    assert one.attrs["audio_sha256"] != two.attrs["audio_sha256"]
    np.testing.assert_array_equal(one.measured, two.measured)


def test_progress_and_result_that_can_be_kept(tmp_path: Any) -> None:
    calls: list[tuple[int, int]] = []
    result = vowels(Subject("vowel-name"), limit=3, progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    result.otoscope.save(tmp_path / "vowels.nc")
    with xr.open_dataset(tmp_path / "vowels.nc") as back:
        np.testing.assert_array_equal(back.share, result.share)
        assert back.attrs["method"] == "vowels"
    with pytest.raises(InputError, match="holds no sound"):
        result.otoscope.write_audio(tmp_path / "vowels.wav")


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are no vowels to measure"):
        vowels_of(Subject(Passing()), [])
    with pytest.raises(InputError, match="is of the group 'dogs'; voices are known of men, women"):
        vowels_of(Subject(Passing()), [replace(one, group="dogs") for one in vowel_tokens(limit=1)])
    with pytest.raises(InputError, match="no tokens of the group 'girls'"):
        vowels(Subject("vowel-name"), groups="girls")
    with pytest.raises(InputError, match="cannot read"):
        vowels(Subject("vowel-name"), recordings=tmp_path)


def test_a_formant_beyond_half_the_rate_is_not_measured() -> None:
    f0, f1, f2 = measure_vowel(np.sin(np.arange(1200) * 0.6), 2000, 0.3, VOICES["men"])
    assert f0 > 0 and f1 > 0 and np.isnan(f2)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="the seed has to be 0 or more, not -1"):
        vowel_tokens(limit=2, seed=-1)


def test_the_table_adds_up_and_a_seed_draws_other_talkers() -> None:
    subject = Subject("vowel-name")
    result = vowels(subject, limit=8)
    table = percentages(result)
    assert [row["signal"] for row in table] == sorted((row["signal"] for row in table), reverse=True)
    for signal in ("input", "relevance"):
        of_f1 = [row for row in table if (row["signal"], row["measure"]) == (signal, "F1")]
        assert sum(row["tokens"] for row in of_f1) == 8
        hits = result[["share", "tokens"]].sel(signal=signal, measure="F1")
        right = sum(row["all"] * row["tokens"] / 100 for row in of_f1 if row["tokens"])
        assert right == pytest.approx(float((hits["share"] * hits["tokens"]).sum()))
    again = vowels(subject, limit=8, seed=1)
    assert again.attrs["audio_sha256"] != result.attrs["audio_sha256"]
    assert result.attrs["audio"].startswith("8 vowels from built-in: talkers drawn")

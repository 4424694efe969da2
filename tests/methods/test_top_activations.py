"""Top activations against a full table of peaks, and the sounds of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load_audio, read_taps, trace
from otoscope.audio import as_clip

RATE = 8000


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


MIXED = [noise(length, seed=n) for n, length in enumerate((1200, 1200, 900, 900, 900, 1500, 1200, 1200))]


def strided() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU()).eval()


def ask(model: nn.Module, data: Any, layer: str = "4", **options: Any) -> xr.Dataset:
    return Scope(model, RATE).top_activations(data, layer=layer, **options)


# -- Which clips ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 2, 16])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_it_is_the_top_of_the_table_of_all_peaks(k: int, batch_size: int) -> None:
    model = strided()
    values = [read_taps(model, wave[None, None], ["4"])["4"][0] for wave in MIXED]
    table = torch.stack([value.amax(-1) for value in values]).numpy()  # (clip, channel)
    result = ask(model, MIXED, k=k, batch_size=batch_size)
    assert result["activation"].dims == ("channel", "rank") and result["rank"].values.tolist() == list(range(1, k + 1))
    for channel in range(5):
        order = np.argsort(-table[:, channel], kind="stable")[:k]
        one = result.sel(channel=channel)
        assert one["clip_index"].values.tolist() == order.tolist()
        assert one["clip_name"].values.tolist() == [str(i) for i in order]
        np.testing.assert_allclose(one["activation"], table[order, channel], rtol=1e-5)
        times = [trace(model, MIXED[i][None, None], RATE)["4"].times()[values[i][channel].argmax()] for i in order]
        np.testing.assert_allclose(one["peak_time"], times)
    assert (result.attrs["clips"], result.attrs["layer"]) == (8, "4")


def test_a_click_is_found_when_it_was() -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 9, stride=2, padding=4), nn.ReLU())
    nn.init.ones_(model[0].weight)
    clicks = [torch.zeros(2000).index_fill(-1, torch.tensor([at]), 1.0) for at in (400, 1500)]
    waves = [as_clip(wave, RATE, name=f"click at {at}") for wave, at in zip(clicks, (400, 1500), strict=True)]
    result = ask(model, waves, "1", k=2)
    assert sorted(result["clip_name"].values[0].tolist()) == ["click at 1500", "click at 400"]
    for name, time in zip(result["clip_name"].values[0], result["peak_time"].values[0], strict=True):
        assert abs(time * RATE - int(name.split()[-1])) <= 4  # anywhere that the kernel sees it


def test_fewer_clips_than_asked_for() -> None:
    assert ask(strided(), MIXED[:2], k=5).sizes == {"channel": 5, "rank": 2}


def test_some_maps_only() -> None:
    model = strided()
    xr.testing.assert_identical(
        ask(model, MIXED, channels=[4, 1]).drop_attrs(), ask(model, MIXED).sel(channel=[4, 1]).drop_attrs()
    )


def test_of_equal_clips_the_earlier_comes_first() -> None:
    result = ask(strided(), [MIXED[0]] * 4, k=3, batch_size=2)
    assert (result["clip_name"].values == ["0", "1", "2"]).all()


def test_a_dead_map_is_listed_with_its_zeros() -> None:
    model = strided()
    nn.init.constant_(model[3].bias[:1], -1e3)
    assert (ask(model, MIXED, k=2)["activation"].sel(channel=0) == 0).all()


def test_the_strongest_maps_come_first_where_some_are_asked_for() -> None:
    model = strided()
    every = ask(model, MIXED)
    order = np.argsort(-every.activation.values[:, 0])[:3]
    some = ask(model, MIXED, n_maps=3)
    xr.testing.assert_identical(some.drop_attrs(), every.sel(channel=order).drop_attrs())
    assert json.loads(some.attrs["arguments"])["channels"] == order.tolist()


def test_clips_may_come_one_by_one_and_progress_is_reported() -> None:
    calls: list[tuple[int, int]] = []
    streamed = ask(strided(), iter(MIXED))
    xr.testing.assert_identical(streamed, ask(strided(), MIXED, progress=lambda *counts: calls.append(counts)))
    assert calls == [(2, 8), (5, 8), (6, 8), (8, 8)]


def test_clips_of_frames_in_the_batch_are_kept_apart() -> None:
    class Framed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bank = nn.Conv1d(1, 4, 8, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.bank(x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64)))

    torch.manual_seed(0)
    model = Framed()
    waves = [noise(1600, seed=n) for n in range(3)]
    result = ask(model, waves, "relu", k=3)
    one = [float(read_taps(model, wave[None, None], ["relu"])["relu"][:, 2].max()) for wave in waves]
    np.testing.assert_allclose(result["activation"].sel(channel=2), sorted(one, reverse=True), rtol=1e-6)


def test_a_tap_without_time_has_no_peak_time() -> None:
    class Pooled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bank, self.head = nn.Conv1d(1, 4, 8, stride=2), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.head(self.bank(x).mean(-1)))

    result = ask(Pooled(), MIXED, "relu", k=2)
    assert result.sizes == {"channel": 3, "rank": 2}
    assert np.isnan(result["peak_time"]).all()
    assert (ask(Pooled(), MIXED, "relu", k=2, sounds=True, duration=0.05)["start"] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "9"}, "no tap is named '9'"),
        ({"k": 0}, "k has to be 1 or more, not 0"),
        ({"channels": [5]}, "unknown map 5: 4 has 5 feature maps"),
        ({"channels": []}, "no feature map was given"),
        ({"n_maps": 0}, "n_maps has to be 1 or more, not 0"),
        ({"duration": -1}, "duration has to be a length in s of two samples or more, not -1"),
        ({"duration": 1 / RATE}, "of two samples or more"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(strided(), MIXED, **options)


def test_clips_that_break_the_model_are_named() -> None:
    class Breaking(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(torch.where(x.abs().amax(-1, keepdim=True) > 50, torch.nan, x))

    with pytest.raises(InputError, match=r"8 makes activations at 4 that are not finite"):
        ask(Breaking(*strided()), [*MIXED, 100 * MIXED[0]])
    with pytest.raises(InputError, match="no clip"):
        ask(strided(), [])


# -- Their sounds -----------------------------------------------------------------------------------------


def test_pieces_are_cut_from_the_clip_and_its_sonification() -> None:
    model = strided()
    result = ask(model, MIXED, k=3, channels=[3, 0], sounds=True, duration=0.05)
    assert result["sonification"].dims == ("channel", "rank", "time") and result["time"].size == 400
    assert result.channel.values.tolist() == [3, 0]
    for channel in (3, 0):
        for rank in (1, 2, 3):
            one = result.sel(channel=channel, rank=rank)
            wave = MIXED[int(one["clip_index"])]
            sound = Scope(model, RATE).sonify(wave, layer="4", channels=channel).sonification[0].values
            first = round(float(one["start"]) * RATE)
            np.testing.assert_array_equal(one["input"], wave[first : first + 400])
            np.testing.assert_allclose(one["sonification"], sound[first : first + 400], atol=1e-5)
            inside = float(one["peak_time"]) * RATE - first
            at_edge = first in (0, len(wave) - 400)
            assert 0 <= inside <= 400 and (at_edge or abs(inside - 200) <= 1)


def test_whole_clips_of_several_lengths_end_in_zeros() -> None:
    result = ask(strided(), MIXED, k=8, channels=2, sounds=True, duration=None)
    assert result["time"].size == 1500
    for rank in range(1, 9):
        one = result.sel(channel=2, rank=rank)
        length = len(MIXED[int(one["clip_index"])])
        assert not one["input"][length:].any() and not one["sonification"][length:].any()
        assert one["input"][length - 1] != 0


def test_three_maps_are_heard_by_default() -> None:
    model = strided()
    result = ask(model, MIXED, sounds=True, duration=0.02)
    some = ask(model, MIXED, n_maps=3)
    xr.testing.assert_identical(result[list(some)].drop_attrs(), some.drop_attrs())


def test_the_peak_alone_sounds_within_its_receptive_field() -> None:
    model = strided()
    result = ask(model, MIXED, k=1, sounds=True, duration=None, peak=True)
    reach = trace(model, MIXED[0][None, None], RATE)["4"].receptive_field_seconds
    for one in result["sonification"][:, 0]:
        sounding = result["time"].values[np.asarray(one) != 0]
        assert 0 < np.ptp(sounding) <= reach


def test_they_can_be_heard_and_saved(tmp_path: Path) -> None:
    result = ask(strided(), [0.1 * wave for wave in MIXED], k=2, channels=[1], sounds=True, duration=0.05)
    files = result.otoscope.write_audio(tmp_path / "top.wav")
    files += result["input"].otoscope.write_audio(tmp_path / "in.wav")
    assert [file.name for file in files] == [f"{kind}_channel1_rank{n}.wav" for kind in ("top", "in") for n in (1, 2)]
    np.testing.assert_allclose(load_audio(files[0]), result.sonification[0, 0], atol=1e-4)
    result.otoscope.save(tmp_path / "top.nc")
    with xr.open_dataset(tmp_path / "top.nc") as back:
        xr.testing.assert_allclose(back, result)


def test_what_can_be_read_once_only_has_no_sounds() -> None:
    with pytest.raises(InputError, match="are read a second time: give a list"):
        ask(strided(), iter(MIXED), sounds=True)


# -- Recordings -------------------------------------------------------------------------------------------


def test_recordings(data: Path) -> None:
    files = sorted((data / "fsdd/recordings").glob("[0-4]_*_0.wav"))[:8]
    scope = Scope("vowel-name")
    top = scope.top_activations(files, layer="relu3", k=2, channels=[0, 7], sounds=True, duration=0.2)
    assert set(top["clip_name"].values.ravel()) <= {str(file) for file in files}
    assert top.attrs["model"] == "vowel-name" and top.attrs["audio"] == "8 sounds"
    assert top["sonification"].sizes == {"channel": 2, "rank": 2, "time": 3200}
    clip = files[int(top["clip_index"][0, 0])]
    whole = scope.sonify(clip, layer="relu3", channels=0).sonification[0]
    first = round(float(top["start"][0, 0]) * scope.sample_rate)
    np.testing.assert_allclose(top["sonification"][0, 0], whole[first : first + 3200], atol=1e-5)


def test_a_broken_file_among_many_is_named(tmp_path: Path, tone: Path, scope: Scope) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"broken\.wav"):
        scope.top_activations([tone, broken], layer="pool2")

"""Top activations against a full table of peaks, and the sounds of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope, load, read_taps, trace
from otoscope.methods import sonify, top_activations, top_sounds
from otoscope.methods.clips import Clip

RATE = 8000


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def clips_of(*lengths: int) -> list[Clip]:
    return [Clip(f"clip {n}", noise(1, 1, length, seed=n)) for n, length in enumerate(lengths)]


MIXED = clips_of(1200, 1200, 900, 900, 900, 1500, 1200, 1200)


def strided() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(1, 6, 9, stride=3), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU()).eval()


def ask(model: nn.Module, clips: Any, layer: str = "4", **options: Any) -> xr.Dataset:
    return top_activations(model, clips, sample_rate=RATE, layer=layer, **options)


# -- Which clips ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 16])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_it_is_the_top_of_the_table_of_all_peaks(k: int, batch: int) -> None:
    model = strided()
    values = [read_taps(model, clip.inputs, ["4"])["4"][0] for clip in MIXED]
    table = torch.stack([value.amax(-1) for value in values]).numpy()  # (clip, channel)
    result = ask(model, MIXED, k=k, batch=batch)
    assert result["value"].dims == ("channel", "rank") and result["rank"].values.tolist() == list(range(1, k + 1))
    for channel in range(5):
        order = np.argsort(-table[:, channel], kind="stable")[:k]
        one = result.sel(channel=channel)
        assert one["clip_index"].values.tolist() == order.tolist()
        assert one["clip_name"].values.tolist() == [MIXED[i].name for i in order]
        np.testing.assert_allclose(one["value"], table[order, channel], rtol=1e-5)
        times = [trace(model, MIXED[i].inputs, RATE)["4"].times()[values[i][channel].argmax()] for i in order]
        np.testing.assert_allclose(one["peak_time"], times)
    assert (result.attrs["clips"], result.attrs["layer"]) == (8, "4")


def test_a_click_is_found_when_it_was() -> None:
    model = nn.Sequential(nn.Conv1d(1, 1, 9, stride=2, padding=4), nn.ReLU())
    nn.init.ones_(model[0].weight)
    clips = [
        Clip(f"click at {at}", torch.zeros(1, 1, 2000).index_fill(-1, torch.tensor([at]), 1.0)) for at in (400, 1500)
    ]
    result = ask(model, clips, "1", k=2)
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
    same = MIXED[0].inputs
    result = ask(strided(), [Clip(name, same) for name in "abcd"], k=3, batch=2)
    assert (result["clip_name"].values == ["a", "b", "c"]).all()


def test_a_dead_map_is_listed_with_its_zeros() -> None:
    model = strided()
    nn.init.constant_(model[3].bias[:1], -1e3)
    assert (ask(model, MIXED, k=2)["value"].sel(channel=0) == 0).all()


def test_clips_may_come_one_by_one_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    xr.testing.assert_identical(ask(strided(), iter(MIXED)), ask(strided(), MIXED, progress=lambda *n: told.append(n)))
    assert told == [(2, 8), (5, 8), (6, 8), (8, 8)]


def test_clips_are_let_go() -> None:
    """No more than one batch is alive at a time."""
    alive: list[int] = []

    def clips() -> Any:
        import weakref

        seen: list[Any] = []
        for n in range(12):
            clip = Clip(str(n), noise(1, 1, 600, seed=n))
            seen.append(weakref.ref(clip))
            alive.append(sum(ref() is not None for ref in seen))
            yield clip

    ask(strided(), clips(), batch=2)
    assert max(alive) <= 5


def test_frames_in_the_batch_are_told_apart() -> None:
    class Framed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bank = nn.Conv1d(1, 4, 8, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.bank(x[:, 0].unfold(-1, 64, 32).reshape(-1, 1, 64)))

    torch.manual_seed(0)
    model = Framed()
    result = ask(model, clips_of(1600, 1600, 1600), "relu", k=3)
    one = [float(read_taps(model, clip.inputs, ["relu"])["relu"][:, 2].max()) for clip in clips_of(1600, 1600, 1600)]
    np.testing.assert_allclose(result["value"].sel(channel=2), sorted(one, reverse=True), rtol=1e-6)


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
    sounds = top_sounds(Pooled(), result, MIXED, sample_rate=RATE, seconds=0.05)
    assert (sounds["start"] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "9"}, "no tap is named '9'"),
        ({"k": 0}, "k has to be 1 or more, not 0"),
        ({"channels": [5]}, "unknown map 5: 4 has 5 feature maps"),
        ({"channels": []}, "no feature map was given"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(strided(), MIXED, **options)


def test_clips_that_break_the_model_are_named() -> None:
    bad = Clip("bad.wav", MIXED[0].inputs * torch.nan)
    with pytest.raises(InputError, match=r"bad\.wav makes activations at 4 that are not finite"):
        ask(strided(), [*MIXED, bad])
    with pytest.raises(InputError, match="no clip"):
        ask(strided(), [])


# -- Their sounds -----------------------------------------------------------------------------------------


def hear(model: nn.Module, top: xr.Dataset, clips: Any = MIXED, **options: Any) -> xr.Dataset:
    return top_sounds(model, top, clips, sample_rate=RATE, **options)


def test_pieces_are_cut_from_the_clip_and_its_sonification() -> None:
    model = strided()
    top = ask(model, MIXED, k=3)
    result = hear(model, top, channels=[3, 0], seconds=0.05)
    assert result["signal"].dims == ("channel", "rank", "time") and result["time"].size == 400
    for channel in (3, 0):
        for rank in (1, 2, 3):
            one = result.sel(channel=channel, rank=rank)
            clip = MIXED[int(one["clip_index"])].inputs
            sound = sonify(model, clip, sample_rate=RATE, layer="4", channel=channel)[0, 0].values
            first = round(float(one["start"]) * RATE)
            np.testing.assert_array_equal(one["input"], clip[0, 0, first : first + 400])
            np.testing.assert_allclose(one["signal"], sound[first : first + 400], atol=1e-5)
            inside = float(one["peak_time"]) * RATE - first
            at_edge = first in (0, clip.shape[-1] - 400)
            assert 0 <= inside <= 400 and (at_edge or abs(inside - 200) <= 1)


def test_whole_clips_of_several_lengths_end_in_zeros() -> None:
    model = strided()
    result = hear(model, ask(model, MIXED, k=8), channels=[2], seconds=None)
    assert result["time"].size == 1500
    for rank in range(1, 9):
        one = result.sel(channel=2, rank=rank)
        length = MIXED[int(one["clip_index"])].inputs.shape[-1]
        assert not one["input"][length:].any() and not one["signal"][length:].any() and one["input"][length - 1] != 0


def test_maps_are_by_default_those_with_the_strongest_peaks() -> None:
    model = strided()
    top = ask(model, MIXED)
    order = np.argsort(-top["value"].values[:, 0])[:3]
    result = hear(model, top, seconds=0.02)
    assert result["channel"].values.tolist() == order.tolist()
    xr.testing.assert_identical(result[list(top)].drop_attrs(), top.sel(channel=order).drop_attrs())


def test_the_peak_alone_sounds_within_its_receptive_field() -> None:
    model = strided()
    result = hear(model, ask(model, MIXED, k=1), seconds=None, peak=True)
    reach = trace(model, MIXED[0].inputs, RATE)["4"].receptive_field_seconds
    for one in result["signal"][:, 0]:
        sounding = result["time"].values[np.asarray(one) != 0]
        assert 0 < np.ptp(sounding) <= reach


def test_they_can_be_heard_and_saved(tmp_path: Path) -> None:
    model = strided()
    clips = [Clip(clip.name, 0.1 * clip.inputs) for clip in MIXED]
    result = hear(model, ask(model, clips, k=2), clips, channels=[1], seconds=0.05)
    files = result.otoscope.write_audio(tmp_path / "top.wav") + result["input"].otoscope.write_audio(
        tmp_path / "in.wav"
    )
    assert [file.name for file in files] == [f"{kind}_channel1_rank{n}.wav" for kind in ("top", "in") for n in (1, 2)]
    result.otoscope.save(tmp_path / "top.nc")
    with xr.open_dataset(tmp_path / "top.nc") as back:
        xr.testing.assert_allclose(back, result)


def test_other_clips_are_refused() -> None:
    model = strided()
    top = ask(model, MIXED)
    with pytest.raises(InputError, match="is missing: give the clips of the top activations"):
        hear(model, top, {})
    with pytest.raises(InputError, match="in the same order"):
        hear(model, top, MIXED[::-1])
    with pytest.raises(InputError, match="map 9 were not looked for"):
        hear(model, top, channels=[9])
    for seconds in (-1, 1 / RATE):
        with pytest.raises(
            InputError, match=f"seconds has to be a positive length of two samples or more, not {seconds}"
        ):
            hear(model, top, seconds=seconds)


# -- Recordings -------------------------------------------------------------------------------------------


def test_recordings(data: Path) -> None:
    files = sorted((data / "fsdd/recordings").glob("[0-4]_*_0.wav"))[:8]
    scope = Scope(load("vowel-name"))
    top = scope.top_activations(files, "relu3", k=2, channels=[0, 7])
    assert set(top["clip_name"].values.ravel()) <= {str(file) for file in files}
    assert top.attrs["model"] == "vowel-name"
    sounds = scope.top_sounds(files, top, seconds=0.2)
    assert sounds["signal"].sizes == {"channel": 2, "rank": 2, "time": 3200}
    loudest = int(sounds["channel"][0])
    clip = files[int(sounds["clip_index"][0, 0])]
    from otoscope import load_audio

    heard = scope.sonify(load_audio(clip, scope.sample_rate), "relu3", loudest).sel(channel=loudest)
    first = round(float(sounds["start"][0, 0]) * scope.sample_rate)
    np.testing.assert_allclose(sounds["signal"][0, 0], heard[first : first + 3200], atol=1e-5)


def test_a_broken_file_among_many_is_named(tmp_path: Path, tone: Path, scope: Scope) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"broken\.wav"):
        scope.top_activations([tone, broken], "pool2")

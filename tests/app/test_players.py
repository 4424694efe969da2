"""Players: the sounds in them are those that went in, at their levels beside each other, and labels are plain text."""

from __future__ import annotations

import base64
import io
import re
from html import unescape

import numpy as np
import pytest
import soundfile
import torch
import xarray as xr
from torch import nn

from otoscope import Scope
from otoscope.app.players import Player, Players, encode_sound
from otoscope.errors import InputError

EVIL = "<script>alert(1)</script>\"'&"


def sine(frequency: float = 440, rate: int = 8000, peak: float = 0.5) -> np.ndarray:
    return peak * np.sin(2 * np.pi * frequency * np.arange(rate) / rate)


def heard(players: Players) -> dict[str, np.ndarray]:
    """Every sound as a browser gets it, by its label."""
    found = re.findall(r'aria-label="([^"]*)" src="data:audio/\w+;base64,([^"]+)"', players._repr_html_())
    return {unescape(label): soundfile.read(io.BytesIO(base64.b64decode(one)))[0] for label, one in found}


@pytest.fixture(scope="module")
def scope() -> Scope:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 16, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    return Scope(model, sample_rate=8000)


def test_smaller_format_is_taken() -> None:
    assert encode_sound(sine(), 8000)[1] == "audio/flac"
    noise = np.random.default_rng(0).uniform(-1, 1, 4000)
    assert len(encode_sound(noise, 8000)[0]) <= 2 * noise.size + 44


@pytest.mark.parametrize("rate", [1000, 8000, 11025, 16000, 44100, 96000, 192000])
def test_any_sample_rate(rate: int) -> None:
    content, _ = encode_sound(sine(rate=rate), rate)
    assert soundfile.info(io.BytesIO(content)).samplerate == rate


def test_quiet_sounds_stay_quiet() -> None:
    samples = sine(peak=0.01)
    (back,) = heard(Players([Player("quiet", samples, 8000)])).values()
    np.testing.assert_allclose(back, samples, atol=0.501 / 32768)


def test_sounds_beside_a_loud_one_keep_their_levels() -> None:
    loud, quiet = sine(peak=4.0), sine(660, peak=0.5)
    sounds = heard(Players([Player("loud", loud, 8000), Player("quiet", quiet, 8000)]))
    assert list(sounds) == [f"{name} (scaled down by 12.0 dB to fit full scale)" for name in ("loud", "quiet")]
    for back, samples in zip(sounds.values(), (loud, quiet), strict=True):
        np.testing.assert_allclose(back, samples / 4, atol=1.1 / 32768)


def test_labels_are_escaped() -> None:
    source = Players([Player(EVIL, sine(), 8000)], note=EVIL)._repr_html_()
    assert "<script" not in source and source.count("&lt;script&gt;") == 3


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((1, 2, 5)), np.array([np.nan])])
def test_what_cannot_be_played_is_refused(samples: np.ndarray) -> None:
    with pytest.raises(InputError, match="'p' cannot be played"):
        Players([Player("p", samples, 8000)])._repr_html_()


# -- Of results -------------------------------------------------------------------------------------------


def test_relevance_stands_beside_its_input_and_is_as_loud(scope: Scope) -> None:
    clip = torch.from_numpy(sine(peak=0.3)).float()
    result = scope.relevance(clip)
    sounds = heard(result.otoscope.play())
    assert list(sounds) == ["input", "relevance"]
    np.testing.assert_allclose(sounds["input"], clip, atol=1.1 / 32768)
    assert np.abs(sounds["relevance"]).max() == pytest.approx(0.3, abs=1e-4)


def test_every_map_has_a_player_with_its_number(scope: Scope) -> None:
    result = scope.sonify(torch.from_numpy(sine()), layer="1", channels=[3, 5])
    assert repr(result.otoscope.play()) == "<2 players: sonification, channel 3, sonification, channel 5>"
    assert list(heard(result.otoscope.play(channel=5))) == ["sonification"]
    with pytest.raises(
        InputError, match=r"no sound has the labels \{'channel': 4\}; the labels are \{'channel': \[3, 5\]\}$"
    ):
        result.otoscope.play(channel=4)


def test_of_many_sounds_the_first_have_players_and_it_is_said_how_to_hear_others(scope: Scope) -> None:
    result = scope.sonify(torch.from_numpy(sine()), layer="1", channels=list(range(16)))
    players = result.otoscope.play()
    assert len(players.players) == 12
    assert players.note == "4 more sounds: choose them by their labels, such as channel=15"
    assert players.note in players._repr_html_()
    with pytest.raises(InputError, match=r"labels are \{'channel': \[0, 1, .*, 10, …, 15\]\}$"):
        result.otoscope.play(channel=999)
    with pytest.raises(InputError, match=r"no sound has the labels \{'chanel': 1\}; the labels are \{'channel':"):
        result.otoscope.play(chanel=1)


def test_a_sound_goes_by_its_name() -> None:
    sound = xr.DataArray(sine(), dims="time", attrs={"sample_rate": 8000, "name": "7.wav"})
    assert list(heard(sound.otoscope.play())) == ["7.wav"]

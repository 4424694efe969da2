"""What is taken out instead of the most active map: as loud, and what its name says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.dsp.statistics import mean_interval
from otoscope.methods.controls import CONTROLS, controls_of
from otoscope.methods.residual import taken_out_of
from otoscope.probe import trace

RATE = 8000


def small(seed: int = 0, maps: int = 6) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, maps, 9, stride=3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(maps, 3)
    )


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def found(model: nn.Module, clips: Tensor, **options: object) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    taps = [trace(model, clips, RATE)["1"]]
    sounds, channels = taken_out_of(model, clips, taps, "deconvnet")
    controls = controls_of(model, clips, taps, "deconvnet", sounds, channels, CONTROLS, **options)
    return sounds[:, 0], channels[:, 0], dict(zip(CONTROLS, controls[:, :, 0], strict=True))


def test_each_is_as_loud_as_the_map_and_is_what_it_is_called() -> None:
    model, clips = small(), noise(4, 1, 400)
    sounds, channels, controls = found(model, clips, samples=[400, 400, 301, 400])
    for control in controls.values():
        torch.testing.assert_close(control.square().mean(-1), sounds.square().mean(-1))
    moved, hiss = controls["moved"], controls["noise"]
    torch.testing.assert_close(moved[0], sounds[0].roll(200))
    assert not moved[2, 301:].any() and not hiss[2, 301:].any()
    spectra = [torch.fft.rfft(one[0]).abs() for one in (hiss, sounds)]
    torch.testing.assert_close(*spectra, rtol=1e-3, atol=1e-3)
    assert abs(float(torch.corrcoef(torch.stack([hiss[0], sounds[0]]))[0, 1])) < 0.3
    for clip in range(4):
        maps = Scope(model, RATE).sonify(clips[clip, 0], layer="1", channels="all").sonification.values
        alike = [abs(np.corrcoef(one, controls["live_map"][clip].numpy())[0, 1]) for one in maps if one.any()]
        assert max(alike) == pytest.approx(1, abs=1e-5)
        own = np.corrcoef(maps[int(channels[clip])], controls["live_map"][clip].numpy())[0, 1]
        assert abs(own) < 0.999


def test_what_is_drawn_depends_on_seed_and_clip_alone() -> None:
    model, clips = small(), noise(4, 1, 400)
    _, _, together = found(model, clips)
    _, _, alone = found(model, clips[2:3])
    _, _, other = found(model, clips, seed=1)
    for name in CONTROLS:
        torch.testing.assert_close(together[name][2:3], alone[name], rtol=1e-4, atol=1e-5)
        assert bool((together[name] != other[name]).any()) == (name != "moved")


def test_a_clip_without_another_live_map_has_no_such_control() -> None:
    model, clips = small(maps=2), noise(3, 1, 400)
    with torch.no_grad():
        model[0].weight[1] = 0.0
        model[0].bias[1] = -1.0
    _, _, controls = found(model, clips)
    assert controls["live_map"].isnan().all() and controls["noise"].isfinite().all()
    study = Scope(model, RATE).residual_study(list(clips[:, 0]), control=["live_map", "noise"])
    assert study.probability_effect.isnull().values.tolist() == [[True, False]]
    dead = small()
    with torch.no_grad():
        dead[0].weight.zero_()
        dead[0].bias.fill_(-1.0)
    sounds, _, controls = found(dead, clips)
    assert not sounds.any() and not any(one.any() for one in controls.values())


def test_the_effect_of_a_map_is_paired_with_its_controls() -> None:
    model, clips = small(), noise(9, 400)
    plain = Scope(model, RATE).residual_study(list(clips))
    study = Scope(model, RATE).residual_study(list(clips), control=CONTROLS, batch_size=4)
    assert study.control.values.tolist() == list(CONTROLS) and study.sizes["clip"] == 9
    for name in plain.data_vars:
        np.testing.assert_allclose(study[name], plain[name], atol=1e-6)
    sounds, _, controls = found(model, clips[:, None])
    with torch.no_grad():
        whole, left = (model(one[:, None]).softmax(1) for one in (clips, clips - sounds))
        by_hand = {name: model((clips - one)[:, None]).softmax(1) for name, one in controls.items()}
    at = whole.argmax(1, keepdim=True)
    for name, probability in by_hand.items():
        one = study.sel(control=name, layer="1")
        expected = (left - probability).gather(1, at)[:, 0].numpy()
        np.testing.assert_allclose(one.clip_probability_effect, expected, atol=1e-5)
        for part, bound in zip(("", "_ci_low", "_ci_high"), mean_interval(expected), strict=True):
            assert float(one[f"probability_effect{part}"]) == pytest.approx(float(bound), abs=1e-5)
        same = (probability.argmax(1) == at[:, 0]).double().mean()
        assert float(one.control_agreement) == pytest.approx(float(same))
        assert float(one.agreement_effect) == pytest.approx(float(study.agreement[0]) - float(same))


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(InputError, match="no control 'silence'; there are live_map, noise, moved"):
        Scope(small(), RATE).residual_study([noise(400)], control="silence")

"""Every method of the catalogue on every stranger: a result whose coordinates agree with the taps, or a clear error."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

from otoscope import InputError, Scope
from otoscope.methods.catalogue import METHODS
from otoscope.methods.listing import listing
from otoscope.probe import Tap, Trace
from strangers.attempt import attempted
from strangers.untouched import untouched
from strangers.zoo import ZOO, clip, made, scope

pytestmark = [pytest.mark.strangers, pytest.mark.filterwarnings("ignore")]

WITH_A_NOTE = {
    "control_runner_up", "control_random", "control_random_draw", "control_random_high", "control_random_low",
    "other_map", "random_map", "share_changed", "margin", "changed", "taken_margin", "elsewhere_high", "elsewhere_low",
    "elsewhere_margin", "elsewhere_place_margin", "elsewhere_score", "elsewhere_share", "elsewhere_place_score",
    "elsewhere_changed", "elsewhere_place_changed",
}  # fmt: skip
"""What is NaN where there is nothing to compare with; a note says so."""
MAY_BE_UNKNOWN = {
    "babel", "best_frequency", "best_modulation_gain", "best_rate", "beta_avg", "beta_min", "beta_mse", "channel_share",
    "exponent", "f0", "f_ratio_ci_high", "folded_share", "formants", "hop", "measured", "median_f0", "median_formants",
    "modulation_gain", "mu", "mu_avg", "mu_mse", "nyquist", "peak_frequency", "period", "periodicity", "rate",
    "relevance_share", "silence", "threshold", "width",
    *WITH_A_NOTE,
}  # fmt: skip
"""What is NaN where a row is shorter than others, a layer has one kernel, a map is silent, Praat finds nothing, a class
does not vary, a model divides by the level of silence, or there is no clock."""


class Looked(dict[str, Any]):
    """A stranger that is looked at: its scope, its sound and its taps."""

    def __init__(self, name: str) -> None:
        self.name, self.stranger, self.wave = name, ZOO[name], clip(name)
        self.model = made(name)
        self.scope: Scope = scope(name, self.model)

    @property
    def taps(self) -> Trace:
        return self.scope.taps(self.wave)

    def target(self) -> dict[str, Any]:
        return {"target": self.stranger.target} if callable(self.stranger.target) else {}

    def deeper(self) -> str:
        """A tap in the middle of the network that is in time, or the first one."""
        found = [tap.name for tap in self.taps.values() if tap.time_axis is not None and math.isfinite(tap.hop)]
        return (found or list(self.taps))[len(found) // 2]

    def checkpoint(self, folder: Path) -> str:
        torch.save(self.model.state_dict(), folder / "step_1.pt")
        return str(folder / "step_1.pt")

    def sounds(self) -> list[tuple[Tensor, str]]:
        """Four sounds of two classes, named as the network names them."""
        names = self.scope.classes or ("0", "1")
        waves = self.wave, self.wave.flip(-1), 0.5 * self.wave, self.wave.roll(200, -1)
        return list(zip(waves, [names[0], names[-1]] * 2, strict=True))


@cache
def looked(name: str) -> Looked:
    return Looked(name)


Options = Callable[[Looked, Path], dict[str, Any]]
NEEDED: dict[str, Options] = {
    "strs": lambda one, folder: {"hop": 400},
    "tone_response": lambda one, folder: {"layer": one.deeper(), "frequencies": [300.0, 1000.0], "duration": 0.3},
    "tuning": lambda one, folder: {"layer": one.deeper(), "bins_per_octave": 1, "rates": [8.0], "duration": 0.3},
    "relevance": lambda one, folder: one.target(),
    "control": lambda one, folder: {"draws": 2, **one.target()},
    "taken_away": lambda one, folder: {"places": 4, **one.target()},
    "voice": lambda one, folder: one.target(),
    "autocorrelation": lambda one, folder: one.target(),
    "vowels": lambda one, folder: {"groups": "men", "limit": 2, **one.target()},
    "sonify": lambda one, folder: {"layer": one.deeper()},
    "residual": lambda one, folder: {"layer": one.deeper()},
    "coherence": lambda one, folder: {"layer": one.deeper()},
    "top_activations": lambda one, folder: {"layer": one.deeper(), "k": 2},
    "aliasing_map": lambda one, folder: {"frequencies": [300.0, 3000.0], "duration": 0.3},
    "residual_study": lambda one, folder: {"layer": one.deeper(), "resamples": 50},
    "layer_importance": lambda one, folder: {"layer": one.deeper(), "epochs": 1, "seeds": 2},
    "evolution": lambda one, folder: {"checkpoints": one.checkpoint(folder), "layer": one.deeper()},
    "subband_emphasis": lambda one, folder: {"resamples": 50},
    "crs_classifier": lambda one, folder: {"folds": 2, "resamples": 50, "hop": 100},
}
PROPAGATED = ("lrp_epsilon", "lrp_gamma", "lrp_zplus", "lrp_alpha2beta1", "attnlrp", "deeplift", "gradcam")
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "deconvnet": ("relevance", {"rule": "deconvnet"}),
    "gradient_x_input": ("relevance", {"rule": "gradient_x_input"}),
    "integrated_gradients": ("relevance", {"rule": "integrated_gradients", "steps": 2}),
    "smoothgrad": ("relevance", {"rule": "smoothgrad", "samples": 2}),
    "occlusion": ("relevance", {"rule": "occlusion", "occlusion_window": 0.05}),
    "frequency_occlusion": ("relevance", {"rule": "frequency_occlusion", "bands": 3}),
    "rise": ("relevance", {"rule": "rise", "masks": 4}),
    "freqrise": ("relevance", {"rule": "freqrise", "masks": 4}),
    **{rule: ("relevance", {"rule": rule}) for rule in PROPAGATED},
}
CALLS = [*listing(), *VARIANTS]


def called(one: Looked, call: str, folder: Path) -> xr.Dataset:
    method, more = VARIANTS.get(call, (call, {}))
    options = NEEDED[method](one, folder) | more if method in NEEDED else more
    sounds = {"model": (), "wave": (one.wave,), "data": (one.sounds(),)}[METHODS[method].takes]
    result: xr.Dataset = getattr(one.scope, method)(*sounds, **options)
    return result


# -- Coordinates -----------------------------------------------------------------------------------------


def is_clock_of_the_sound(one: Looked, result: xr.Dataset) -> None:
    """`time` is that of the samples."""
    samples, rate = len(one.wave), one.stranger.rate
    np.testing.assert_allclose(result["time"], np.arange(samples) / rate, atol=1e-9)


def flows_as_tapped(one: Looked, result: xr.Dataset) -> None:
    """Every layer has hop, rate and clock of its tap."""
    for n, name in enumerate(result["layer"].values[1:], start=1):
        tap = one.taps[str(name)]
        np.testing.assert_allclose(result[f"time_{n}"], tap.times(), atol=1e-9)
        assert float(result["hop"][n]) == tap.hop and float(result["rate"][n]) == tap.rate
        assert float(result[f"frequency_{n}"].max()) <= tap.rate / 2 + 1e-6


def first_layer(one: Looked, result: xr.Dataset) -> list[Tap]:
    """The convolutions that were looked at."""
    name = result.attrs["arguments"].partition('"layer": "')[2].partition('"')[0]
    return list(
        next(layer for layer in one.taps.layers if layer.name == name or name in [t.name for t in layer.taps]).taps
    )


def lies_below_what_was_read(one: Looked, result: xr.Dataset) -> None:
    """No frequency beyond half the rate of what reached the layer."""
    tap = first_layer(one, result)[0]
    if math.isfinite(tap.input_hop):
        nyquist = one.stranger.rate / tap.input_hop / 2
        assert float(result["frequency"].max()) <= nyquist + 1e-6


def lies_within_the_clip(one: Looked, result: xr.Dataset) -> None:
    lies_below_what_was_read(one, result)
    assert float(result["time"].min()) > -0.01 and float(result["time"].max()) <= len(one.wave) / one.stranger.rate


def steps_as_tapped(one: Looked, result: xr.Dataset) -> None:
    """Steps of decimation run from the rate of what a tap reads to its own."""
    for step, before, after in zip(result["step"].values, result["rate_before"], result["rate_after"], strict=True):
        tap = one.taps[str(step)]
        assert math.isclose(float(after), tap.rate, rel_tol=1e-9), step
        if math.isfinite(tap.input_hop):
            assert math.isclose(float(before), one.stranger.rate / tap.input_hop, rel_tol=1e-9), step


def peaks_within(one: Looked, result: xr.Dataset) -> None:
    peaks = result["peak_time"].values
    assert np.nanmin(peaks) >= -0.05 and np.nanmax(peaks) <= len(one.wave) / one.stranger.rate + 0.05


COORDINATES: dict[str, Callable[[Looked, xr.Dataset], None]] = {
    "strs": lies_within_the_clip,
    "crs": lies_below_what_was_read,
    "filters": lies_below_what_was_read,
    "frame_response": lies_below_what_was_read,
    "f_vowel": lies_below_what_was_read,
    "relevance": is_clock_of_the_sound,
    "sonify": is_clock_of_the_sound,
    "residual": is_clock_of_the_sound,
    "evolution": is_clock_of_the_sound,
    "data_flow": flows_as_tapped,
    "aliasing": steps_as_tapped,
    "aliasing_map": steps_as_tapped,
    "top_activations": peaks_within,
}


# -- Refusals --------------------------------------------------------------------------------------------

_FIRST_LAYER = {"strs", "crs", "filters", "frame_response", "f_vowel", "wigner", "crs_classifier"}
_BACKWARD = {
    "relevance", "control", "taken_away", "voice", "autocorrelation", "vowels", "sonify", "residual", "coherence",
    "residual_study", "evolution", "subband_emphasis", "deconvnet", "gradient_x_input", "integrated_gradients",
    "smoothgrad", *PROPAGATED,
}  # fmt: skip
_CLASSES = {"residual_study", "subband_emphasis"}
MAY_REFUSE = {
    "log_mel": _FIRST_LAYER,  # no convolution reads a waveform
    "complex_mask": _FIRST_LAYER | _CLASSES | {"aliasing", "aliasing_map"},
    "spectral_mask": _FIRST_LAYER | _CLASSES | {"aliasing", "aliasing_map"},
    "unfolded_bank": _FIRST_LAYER | {"aliasing", "aliasing_map"},
    "mixer": _FIRST_LAYER | {"aliasing", "aliasing_map", "geometry"},  # no convolution at all
    "aasist": {"subband_emphasis", "vowels"},  # guided lets nothing through for one of the clips
    "stereo": _FIRST_LAYER,  # its kernels read two channels
    "numpy_front": _FIRST_LAYER | _BACKWARD | {"aliasing", "aliasing_map"},
    "no_gradient_front": _BACKWARD,
    # no stride; its last layer speaks against the class; of a product of tanh and sigmoid no way is positive throughout
    "wavenet": {"aliasing", "aliasing_map", "gradcam", "lrp_zplus"},
    **{key: {"gradcam"} for key in ["mamba", "conformer"]},  # as does theirs
    **{key: {"deeplift"} for key in ["mask_times", "where"]},  # the mask was made before
    "enhancer": {"aliasing", "aliasing_map"} | _CLASSES,  # samples are no classes
    "wave_u_net": {"aliasing", "aliasing_map"} | _CLASSES,
    "transposed_u_net": {"vowels"} | _CLASSES,  # takes multiples of 16 samples
    "batch_coupled": {"integrated_gradients", "deeplift"},  # divides by the level of silence
    **dict.fromkeys(["conv_tasnet", "dprnn", "resampler_front", "vocoder"], _CLASSES),  # answer with waveforms
    "codec": _CLASSES | {"rise"},  # which no mask of four changes
    **dict.fromkeys(["frame_level", "spectral_norm", "detector"], _CLASSES),
}
"""What cannot be asked of a stranger; all else has to be answered."""


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("call", CALLS)
def test_every_method_tells_the_truth_or_refuses(name: str, call: str, tmp_path: Path) -> None:
    one = looked(name)
    with untouched(one.model):
        result = attempted(lambda: called(one, call, tmp_path))
    if isinstance(result, InputError):
        assert len(str(result)) > 20 and "\n" not in str(result), result
        assert call in MAY_REFUSE.get(name, ()), result
        return
    for variable, values in result.data_vars.items():
        if values.dtype.kind == "f" and variable not in MAY_BE_UNKNOWN:
            assert np.isfinite(values).all(), f"{variable} holds what is not a number"
        if variable in WITH_A_NOTE and call in ("control", "taken_away") and not np.isfinite(values).all():
            assert result.attrs.get("note"), f"{variable} holds what is not a number, without a note"
    method = VARIANTS.get(call, (call,))[0]
    if method == "relevance":
        assert abs(result["relevance"]).max() > 0
        without_shares = "relevance_share" in result and not np.isfinite(result["relevance_share"]).all()
        noted = "sums to 0, so that it has no shares" in result.attrs.get("note", "")
        assert noted == without_shares  # of a model that normalises the level
    COORDINATES.get(method, lambda one, result: None)(one, result)

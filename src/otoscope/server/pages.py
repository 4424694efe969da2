"""Pages of single answers: one entry of relevance, or the maps of one layer, in the form of a whole page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import xarray as xr

from otoscope._version import __version__
from otoscope.app.packing import Parts
from otoscope.app.page import FORMAT
from otoscope.dsp.spectra import short_time_spectrum
from otoscope.methods.relevance import relevance
from otoscope.methods.sonify import sonify
from otoscope.scope import Scope
from otoscope.server.ask import Ask
from otoscope.server.bench import Tell

WINDOW = 0.025


class Builder:
    """A page that grows by runs.

    Parameters
    ----------
    prefix : str
        Of the names of its parts, so that those of several pages can be held together.
    sound : str
        The id of the sound.
    """

    def __init__(self, prefix: str, sound: str) -> None:
        self._prefix, self._sound = prefix, sound
        self._parts = Parts()
        self._sounds: dict[str, Any] = {}
        self._runs: list[dict[str, Any]] = []

    def run(self, scope: Scope, clip: xr.DataArray, said: dict[str, Any], key: str) -> dict[str, Any]:
        """Begin a run: the sound at the rate of a model, and what it says."""
        rate, samples = scope.sample_rate, _mono(clip)
        sound, part = f"{self._sound}-{rate}", f"{self._prefix}-sound-{rate}"
        if sound not in self._sounds:
            picture, hop = _spectrogram(samples, rate)
            self._sounds[sound] = {
                "name": str(clip.attrs["name"]), "about": None, "marks": None, "rate": rate, "n": samples.size,
                "duration": samples.size / rate, "sha256": clip.attrs.get("sha256"),
                "original_rate": int(clip.attrs["original_sample_rate"]), "note": str(clip.attrs.get("note", "")),
                "part": part, "signal": self._parts[part].sound(samples), "picture": self._parts[part].db(picture),
                "hop": hop, "bins": picture.shape[0], "frames": picture.shape[1],
            }  # fmt: skip
        run = {
            "id": key, "model": scope.name, "sound": sound, "part": f"{self._prefix}-{key}", "rate": rate,
            "classes": said["classes"], "logits": said["logits"], "probabilities": said["probabilities"],
            "order": list(range(len(said["classes"]))), "class_count": said.get("class_count", 0),
            "weights_sha256": scope.digest, "input_length": scope.contract.length, "padding": scope.contract.padding,
            "relevance": [], "taps": [], "geometry": [], "aliasing": [], "first": None, "maps": {},
        }  # fmt: skip
        self._runs.append(run)
        return run

    def relevance(self, run: dict[str, Any], scope: Scope, clip: xr.DataArray, ask: Ask, target: Any) -> None:
        """Add an entry of relevance."""
        options: dict[str, Any] = {} if ask.rule is None else {"rule": ask.rule}
        found = relevance(scope, clip, target=target, against=ask.against, at=ask.at, **options)
        samples = _mono(found["relevance"])[: clip.sizes["time"]]
        picture, hop = _spectrogram(samples, scope.sample_rate)
        part = self._parts[run["part"]]
        run["relevance"].append(
            {
                "rule": ask.rule or "guided", "target": "top", "label": str(found["class_name"].item()),
                "signed": False, "form": found.attrs["form"], "signal": part.sound(samples, bits=14),
                "picture": part.db(picture), "hop": hop, "time": None, "band": None, "control": None, "test": None,
                "logit": float(found["logit"]) if "logit" in found else None,
            }
        )  # fmt: skip

    def maps(self, run: dict[str, Any], scope: Scope, clip: xr.DataArray, ask: Ask, tell: Tell) -> None:
        """Add maps of a layer."""
        channels: Any = list(ask.channels) if isinstance(ask.channels, tuple) else ask.channels
        rule: Any = ask.rule or "deconvnet"
        found = sonify(
            scope, clip, layer=ask.layers[0], channels=channels, n_maps=ask.count, rule=rule,
            progress=lambda done, total: tell("maps", done, total),
        )  # fmt: skip
        name = f"{run['part']}-maps"
        part, tap = self._parts[name], scope.taps(clip)[str(found.attrs["layer"])]
        items = []
        for place, channel in enumerate(found["channel"].values.tolist()):
            sound = _mono(found["sonification"].isel(channel=place))[: clip.sizes["time"]]
            item = {"channel": int(channel), "sound": part.sound(sound, bits=11)}
            for key in ("activity", "peak_time", "peak_frequency"):
                value = float(found[key][place])
                item[key] = float(f"{value:.4g}") if math.isfinite(value) else None
            items.append(item)
        run["maps"][tap.name] = {"part": name, "of": tap.channels, "items": items, "complete": channels == "all"}

    def page(self) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The manifest and the parts."""
        manifest = {
            "format": FORMAT, "kind": "sound", "otoscope": __version__, "window": WINDOW, "sounds": self._sounds,
            "runs": self._runs, "pairs": [],
        }  # fmt: skip
        return manifest, self._parts.packed()


def _mono(values: xr.DataArray) -> np.ndarray:
    found: np.ndarray = values.values.astype(np.float64)
    return np.asarray(found.mean(tuple(axis for axis, dim in enumerate(values.dims) if dim != "time")))


def _spectrogram(samples: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    hop = max(0.004, samples.size / rate / 1600)
    return short_time_spectrum(torch.from_numpy(samples), rate, WINDOW, hop)[0].numpy(), hop

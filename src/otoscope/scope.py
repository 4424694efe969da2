"""Scope: the one object a user holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import methods
from otoscope.audio import as_clip
from otoscope.errors import InputError
from otoscope.methods.relevance import Target
from otoscope.methods.sonify import Channels, Progress
from otoscope.models import weights_digest
from otoscope.probe import Rule, Trace, trace
from otoscope.probe.backproject import MEMORY
from otoscope.probe.listen import evaluating, output_tensor
from otoscope.results import Labelled

Wave = xr.DataArray | np.ndarray | Tensor


class Scope:
    """A model under the otoscope.

    Parameters
    ----------
    model : nn.Module
        Any module that takes waveforms, (batch, 1, time) or (batch, time).
    sample_rate : int, optional
        Of the waveforms it takes, in Hz; ``model.sample_rate`` by default.
    name : str, optional
        Name in results and reports.
    classes : sequence of str, optional
        Names of its outputs; ``model.classes`` by default.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Raises
    ------
    InputError
        If the sample rate is not known.

    Notes
    -----
    A wave is what :func:`otoscope.load_audio` returns, or an array or tensor (time,) or (clip, time) at the
    sample rate of the model. Results for a single wave have no axis `clip`. The model is used where it is:
    move it to a GPU beforehand to work there.

    Examples
    --------
    >>> import otoscope
    >>> scope = otoscope.Scope(otoscope.load("vowel-name"))
    >>> wave = torch.randn(8000)
    >>> scope.strs(wave).dims
    ('frequency', 'time')
    """

    def __init__(
        self,
        model: nn.Module,
        sample_rate: int | None = None,
        *,
        name: str | None = None,
        classes: Sequence[str] | None = None,
        time_axes: Mapping[str, int] | None = None,
    ) -> None:
        rate = sample_rate or getattr(model, "sample_rate", None)
        if not rate or rate <= 0:
            raise InputError("the sample rate of the model is not known: give sample_rate in Hz")
        self.model, self.sample_rate = model, int(rate)
        self.name = name or str(getattr(model, "name", type(model).__name__))
        self.classes = tuple(classes or getattr(model, "classes", None) or ()) or None
        self.input_length: int | None = getattr(model, "input_length", None)
        self._repeats = getattr(model, "padding", "zeros") == "repeat"
        self._time_axes = dict(time_axes or {})
        self._channel_axis: bool | None = None  # whether the model takes (batch, 1, time)
        self._digest: tuple[Any, str] | None = None  # state of the weights, and their hash

    @property
    def digest(self) -> str:
        """Hash of the names, shapes and values of the weights."""
        weights = (*self.model.parameters(), *self.model.buffers())
        state = tuple((tensor.data_ptr(), tensor._version) for tensor in weights)
        if self._digest is None or self._digest[0] != state:
            self._digest = state, weights_digest(self.model)
        return self._digest[1]

    @property
    def padding(self) -> str:
        """How a clip shorter than `input_length` is brought to it."""
        return "repeated" if self._repeats else "filled up with zeros"

    # -- The model ----------------------------------------------------------------------------------------

    def taps(self, wave: Wave | None = None) -> Trace:
        """What is inside: every convolution, activation and pooling, with its place in time.

        Parameters
        ----------
        wave : wave, optional
            A sound to run the model on; silence of a second, or of the length that the model asks for, by
            default.
        """
        inputs = self.inputs(self._any_wave() if wave is None else wave)
        return trace(self.model, inputs, self.sample_rate, self._time_axes)

    def geometry(self) -> xr.Dataset:
        """Geometry of the weights of every layer, see :func:`otoscope.methods.geometry`."""
        inputs = self.inputs(self._any_wave())
        return self._sign(methods.geometry(self.model, inputs, sample_rate=self.sample_rate))

    def output(self, wave: Wave) -> Tensor:
        """What the model answers to a wave, (clip, ...)."""
        inputs = self.inputs(wave)
        with torch.no_grad(), evaluating(self.model):
            return output_tensor(self.model(inputs))

    # -- A sound through the model ------------------------------------------------------------------------

    def strs(self, wave: Wave, **options: Any) -> xr.DataArray:
        """Short-time response spectra of the first layer, see :func:`otoscope.methods.strs`."""
        return self._heard(methods.strs, wave, **options)

    def crs(self, wave: Wave, **options: Any) -> xr.DataArray:
        """Cumulative response spectrum of the first layer, see :func:`otoscope.methods.crs`."""
        return self._heard(methods.crs, wave, **options)

    def relevance(
        self,
        wave: Wave,
        target: Target | None = None,
        rule: str | Rule = "guided",
        **options: Any,
    ) -> xr.Dataset:
        """Relevance of every sample for an output, see :func:`otoscope.methods.relevance`."""
        options |= {"target": target, "rule": rule, "classes": self.classes}
        return self._heard(methods.relevance, wave, **options)

    def sonify(
        self,
        wave: Wave,
        layer: str,
        channel: Channels = None,
        *,
        top: int = 1,
        peak: bool = False,
        rule: str | Rule = "deconvnet",
        memory: int = MEMORY,
        progress: Progress | None = None,
    ) -> xr.DataArray:
        """What feature maps sound like, see :func:`otoscope.methods.sonify`."""
        return self._heard(
            methods.sonify,
            wave,
            layer=layer,
            channel=channel,
            top=top,
            peak=peak,
            rule=rule,
            memory=memory,
            progress=progress,
        )

    def report(self, wave: Wave, path: str | Path, **options: Any) -> Path:
        """Write one HTML file with everything about a sound; see :func:`otoscope.report.write_report`."""
        from otoscope.report import write_report

        return write_report(self, wave, path, **options)

    def inspect(self, wave: Wave, folder: str | Path, **options: Any) -> dict[str, Any]:
        """Write a folder with the report, the arrays and the sounds; see :func:`otoscope.report.inspect`."""
        from otoscope.report import inspect

        return inspect(self, wave, folder, **options)

    # -- Waves and results --------------------------------------------------------------------------------

    def clip(self, wave: Wave) -> xr.DataArray:
        """A wave as a checked, labelled array at the sample rate of the model."""
        clip = wave if isinstance(wave, xr.DataArray) else as_clip(wave, self.sample_rate)
        rate = clip.attrs.get("sample_rate", self.sample_rate)
        if rate != self.sample_rate:
            raise InputError(
                f"{clip.attrs.get('name', 'the wave')} is sampled at {rate} Hz and {self.name} takes "
                f"{self.sample_rate} Hz: load it with sample_rate={self.sample_rate}"
            )
        return clip

    def inputs(self, wave: Wave) -> Tensor:
        """A wave as the model takes it: (clip, 1, time) or (clip, time), of the length it asks for."""
        clip = self.clip(wave)
        like = next((p for p in self.model.parameters() if p.is_floating_point()), torch.empty(0))
        waveform = torch.as_tensor(np.atleast_2d(clip.values)).to(like)
        if self.input_length:
            waveform = _of_length(waveform, self.input_length, self._repeats)
        if self._channel_axis is None:
            name = str(clip.attrs.get("name", "the wave"))
            self._channel_axis = self._takes_channel_axis(waveform[:1], name)
        return waveform[:, None] if self._channel_axis else waveform

    def _any_wave(self) -> Tensor:
        return torch.zeros(self.input_length or self.sample_rate)

    def _takes_channel_axis(self, waveform: Tensor, name: str) -> bool:
        errors = []
        with torch.no_grad(), evaluating(self.model):
            for candidate in (waveform[:, None], waveform):
                try:
                    self.model(candidate)
                    return candidate.ndim == 3
                except (RuntimeError, ValueError, IndexError, AssertionError, TypeError) as error:
                    errors.append(f"{tuple(candidate.shape)}: {str(error).splitlines()[0]}")
        length = waveform.shape[-1]
        raise InputError(
            f"{self.name} takes {name} ({length} samples, {length / self.sample_rate:.3g} s at "
            f"{self.sample_rate} Hz) neither with nor without a channel axis; it may be too short. The model "
            f"says of {'; of '.join(errors)}"
        )

    def _heard(self, method: Any, wave: Wave, **options: Any) -> Any:
        clip, inputs = self.clip(wave), self.inputs(wave)
        try:
            result = method(self.model, inputs, sample_rate=self.sample_rate, **options)
        except RuntimeError as error:
            if not _complains_of_size(error):
                raise
            raise InputError(
                f"{clip.attrs.get('name', 'the wave')} ({inputs.shape[-1]} samples) is too short for "
                f"{self.name}: {str(error).splitlines()[0]}; give a longer clip"
            ) from None
        if clip.ndim == 1:
            result = result.isel(clip=0)
        result.attrs.update(audio=clip.attrs.get("name", ""), audio_sha256=clip.attrs.get("sha256", ""))
        return self._sign(result)

    def _sign(self, result: Labelled) -> Labelled:
        result.attrs.update(model=self.name, model_sha256=self.digest)
        return result


def _of_length(waveform: Tensor, length: int, repeat: bool) -> Tensor:
    """Cut to a length, or filled up to it with itself or with zeros, as the model was trained."""
    missing = length - waveform.shape[-1]
    if missing <= 0:
        return waveform[:, :length]
    if repeat:
        return waveform.repeat(1, -(-length // waveform.shape[-1]))[:, :length]
    return nn.functional.pad(waveform, (0, missing))


def _complains_of_size(error: RuntimeError) -> bool:
    return any(part in str(error) for part in ("Kernel size can't be greater", "too small"))

"""Scope: the one object a user holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import methods
from otoscope.audio import as_clip, file_digest, load_audio, stream_audio
from otoscope.errors import InputError
from otoscope.methods.clips import Clip
from otoscope.methods.relevance import Target
from otoscope.methods.sonify import Channels, Progress
from otoscope.methods.strs import crs_of_stream
from otoscope.models import weights_digest
from otoscope.probe import Rule, Trace, trace
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
        # What is done to `.data` does not count as a version; it shows in the sum.
        state = tuple((tensor.data_ptr(), tensor._version, tensor.detach().sum().item()) for tensor in weights)
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
        with self._fitting(inputs):
            return trace(self.model, inputs, self.sample_rate, self._time_axes)

    def geometry(self) -> xr.Dataset:
        """Geometry of the weights of every layer, see :func:`otoscope.methods.geometry`."""
        inputs = self.inputs(self._any_wave())
        with self._fitting(inputs):
            return self._sign(methods.geometry(self.model, inputs, sample_rate=self.sample_rate))

    def filters(self, layer: str | None = None, n_fft: int = 1024) -> xr.Dataset:
        """Filters of the first layer in time and frequency, see :func:`otoscope.methods.filters`."""
        inputs = self.inputs(self._any_wave())
        with self._fitting(inputs):
            result = methods.filters(self.model, inputs, sample_rate=self.sample_rate, layer=layer, n_fft=n_fft)
        return self._sign(result)

    def tone_response(self, layer: str, **options: Any) -> xr.Dataset:
        """Which frequencies excite the maps of any layer, see :func:`otoscope.methods.tone_response`."""
        inputs = self.inputs(self._any_wave())
        options = {"time_axes": self._time_axes, **options}
        with self._fitting(inputs):
            result = methods.tone_response(self.model, inputs, sample_rate=self.sample_rate, layer=layer, **options)
        return self._sign(result)

    def output(self, wave: Wave) -> Tensor:
        """What the model answers to a wave, (clip, ...)."""
        inputs = self.inputs(wave)
        with torch.no_grad(), evaluating(self.model), self._fitting(inputs):
            return output_tensor(self.model(inputs))

    # -- A sound through the model ------------------------------------------------------------------------

    def strs(self, wave: Wave, **options: Any) -> xr.DataArray:
        """Short-time response spectra of the first layer, see :func:`otoscope.methods.strs`."""
        return self._heard(methods.strs, wave, **options)

    def crs(self, wave: Wave | str | Path, **options: Any) -> xr.DataArray:
        """Cumulative response spectrum of the first layer, see :func:`otoscope.methods.crs`.

        A path is read block by block, so that a sound of any length can be measured in the memory of a short one.
        """
        if not isinstance(wave, (str, Path)):
            return self._heard(methods.crs, wave, **options)
        blocks, inputs = stream_audio(wave, self.sample_rate), self.inputs(self._any_wave())
        result = crs_of_stream(self.model, blocks, inputs, sample_rate=self.sample_rate, **options)
        return self._sign(result.isel(clip=0).assign_attrs(audio=Path(wave).name, audio_sha256=file_digest(wave)))

    def frame_response(self, wave: Wave, time: float | None = None, **options: Any) -> xr.Dataset:
        """Response of the first layer to one frame, see :func:`otoscope.methods.frame_response`."""
        return self._heard(methods.frame_response, wave, time=time, **options)

    def f_vowel(self, wave: Wave, **options: Any) -> xr.Dataset:
        """Mean response of the filters that fire most, see :func:`otoscope.methods.f_vowel`."""
        return self._heard(methods.f_vowel, wave, **options)

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
        memory: int | None = None,
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
            time_axes=self._time_axes,
        )

    def report(self, wave: Wave, path: str | Path, **options: Any) -> Path:
        """Write one HTML file with everything about a sound; see :func:`otoscope.report.write_report`."""
        from otoscope.report import write_report

        return write_report(self, wave, path, **options)

    def inspect(self, wave: Wave, folder: str | Path, **options: Any) -> dict[str, Any]:
        """Write a folder with the report, the arrays and the sounds; see :func:`otoscope.report.inspect`."""
        from otoscope.report import inspect

        return inspect(self, wave, folder, **options)

    def _clips(self, waves: Iterable[Wave | str | Path], labels: Iterable[str] | None = None) -> Iterator[Clip]:
        """The sounds of a data set, each read when its turn comes, with their labels."""
        classes = iter(labels) if labels is not None else repeat(None)
        for number, (wave, label) in enumerate(zip(waves, classes, strict=labels is not None)):
            if isinstance(wave, (str, Path)):
                name, wave = str(wave), load_audio(wave, sample_rate=self.sample_rate)
            else:
                name = str(wave.attrs.get("name", number)) if isinstance(wave, xr.DataArray) else str(number)
            yield Clip(name, self.inputs(wave), label)

    # -- Waves and results --------------------------------------------------------------------------------

    def clip(self, wave: Wave) -> xr.DataArray:
        """A wave as a checked, labelled array at the sample rate of the model."""
        attrs = wave.attrs if isinstance(wave, xr.DataArray) else {}
        rate = attrs.get("sample_rate", self.sample_rate)
        if rate != self.sample_rate:
            raise InputError(
                f"{attrs.get('name', 'the wave')} is sampled at {rate} Hz and {self.name} takes "
                f"{self.sample_rate} Hz: load it with sample_rate={self.sample_rate}"
            )
        return as_clip(wave, self.sample_rate, name=attrs.get("name", "array"))

    def inputs(self, wave: Wave) -> Tensor:
        """A wave as the model takes it: (clip, 1, time) or (clip, time), of the length it asks for."""
        clip = self.clip(wave)
        like = next((p for p in self.model.parameters() if p.is_floating_point()), torch.empty(0))
        waveform = torch.as_tensor(np.atleast_2d(clip.values)).to(like)
        if self.input_length:
            waveform = _of_length(waveform, self.input_length, self._repeats)
        name, shortest = str(clip.attrs.get("name", "the wave")), getattr(self.model, "minimum_length", 0)
        if waveform.shape[-1] < shortest:
            raise InputError(
                f"{name} is too short for {self.name}: {waveform.shape[-1]} samples at {self.sample_rate} Hz, and it "
                f"takes {shortest} or more; give a longer clip"
            )
        if self._channel_axis is None:
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
                    reason = str(error).partition("\n")[0] or type(error).__name__
                    errors.append(f"{tuple(candidate.shape)}: {reason}")
        length = waveform.shape[-1]
        raise InputError(
            f"{self.name} takes {name} ({length} samples, {length / self.sample_rate:.3g} s at "
            f"{self.sample_rate} Hz) neither with nor without a channel axis: it may be too short, or the model may "
            f"take one length only (give it an attribute input_length). It says of {'; of '.join(errors)}"
        )

    def _heard(self, method: Any, wave: Wave, **options: Any) -> Any:
        clip, inputs = self.clip(wave), self.inputs(wave)
        with self._fitting(inputs, clip.attrs["name"]):
            result = method(self.model, inputs, sample_rate=self.sample_rate, **options)
        if clip.ndim == 1:
            result = result.isel(clip=0)
        result.attrs.update(audio=clip.attrs.get("name", ""), audio_sha256=clip.attrs.get("sha256", ""))
        return self._sign(result)

    @contextmanager
    def _fitting(self, inputs: Tensor, name: str = "the wave") -> Iterator[None]:
        """Where work fails because the model does not take sounds of this length, say that."""
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            self._takes_channel_axis(inputs[:1].reshape(1, -1), name)
            raise

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

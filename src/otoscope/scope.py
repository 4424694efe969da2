"""Scope: the one object a user holds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import repeat
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import methods
from otoscope.audio import as_clip, file_digest, load_audio, stream_audio
from otoscope.data.aev import Token, vowel_tokens
from otoscope.errors import InputError
from otoscope.methods.clips import Clip
from otoscope.methods.relevance import Target
from otoscope.methods.sonify import Channels, Progress
from otoscope.methods.strs import crs_of_stream
from otoscope.methods.top_sounds import heard_maps
from otoscope.models import checkpoint_files, fitting_weights, read_weights, weights_digest
from otoscope.probe import Rule, Trace, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.listen import evaluating, output_tensor
from otoscope.results import Labelled

Wave = xr.DataArray | np.ndarray | Tensor
LabelledWaves = tuple[Iterable[Wave | str | Path], Iterable[str]]


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
        rate = getattr(model, "sample_rate", None) if sample_rate is None else sample_rate
        if rate is None:
            raise InputError("the sample rate of the model is not known: give sample_rate in Hz")
        if not 1 <= rate < math.inf:
            raise InputError(f"the sample rate of the model has to be 1 Hz or more, not {rate}")
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

    def aliasing_map(self, duration: float = 0.5, **options: Any) -> xr.Dataset:
        """Which output frequencies a sine of each frequency reaches, see :func:`otoscope.methods.aliasing_map`.

        The sines last `duration` seconds, or as long as the model asks for.
        """
        if not 2 / self.sample_rate <= duration <= 3600:
            raise InputError(f"duration has to be from two samples to an hour, not {duration} s")
        inputs = self.inputs(torch.zeros(self.input_length or round(duration * self.sample_rate)))
        options = {"time_axes": self._time_axes, **options}
        with self._fitting(inputs):
            return self._sign(methods.aliasing_map(self.model, inputs, sample_rate=self.sample_rate, **options))

    def wigner(self, layer: str | None = None, **options: Any) -> xr.Dataset:
        """Wigner-Ville distribution of the first layer's kernels, see :func:`otoscope.methods.wigner`."""
        inputs = self.inputs(self._any_wave())
        with self._fitting(inputs):
            return self._sign(methods.wigner(self.model, inputs, sample_rate=self.sample_rate, layer=layer, **options))

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

    def voice(
        self,
        wave: Wave,
        target: Target | None = None,
        rule: str | Rule = "guided",
        start: float | None = None,
        stop: float | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """F0, formants and LP spectra of a sound and of its relevance, see :func:`otoscope.methods.voice`."""
        options |= {"target": target, "rule": rule, "classes": self.classes, "start": start, "stop": stop}
        return self._heard(methods.voice, wave, **options)

    def autocorrelation(
        self,
        wave: Wave,
        target: Target | None = None,
        rule: str | Rule = "guided",
        start: float | None = None,
        stop: float | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Autocorrelation of a sound and of its relevance, see :func:`otoscope.methods.autocorrelation`."""
        options |= {"target": target, "rule": rule, "classes": self.classes, "start": start, "stop": stop}
        return self._heard(methods.autocorrelation, wave, **options)

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

    def residual(self, wave: Wave, layers: Sequence[str] | None = None, rule: str | Rule = "deconvnet") -> xr.DataArray:
        """A sound without what the most active map of each layer hears, see :func:`otoscope.methods.residual`."""
        return self._heard(methods.residual, wave, layers=layers, rule=rule, time_axes=self._time_axes)

    def evolution(
        self,
        wave: Wave,
        checkpoints: str | Path | Sequence[str | Path],
        layer: str,
        channel: Channels = None,
        *,
        top: int = 1,
        rule: str | Rule = "deconvnet",
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """How maps came to be in a training, see :func:`otoscope.methods.feature_evolution`.

        `checkpoints` are weights files or a folder of them, see :func:`otoscope.models.checkpoint_files`. The model
        keeps its own weights.
        """

        def reader(path: Path) -> Callable[[], dict[str, Tensor]]:
            return lambda: fitting_weights(self.model, read_weights(path), path)

        return self._heard(
            methods.feature_evolution,
            wave,
            checkpoints=[(label, reader(path)) for label, path in checkpoint_files(checkpoints)],
            layer=layer,
            channel=channel,
            top=top,
            rule=rule,
            time_axes=self._time_axes,
            progress=progress,
        )

    def data_flow(
        self, wave: Wave, taps: Sequence[str] | None = None, channels: int | Sequence[int] | None = None, top: int = 1
    ) -> xr.Dataset:
        """Feature maps of one tap after another in time and frequency, see :func:`otoscope.methods.data_flow`."""
        return self._heard(methods.data_flow, wave, taps=taps, channels=channels, top=top, time_axes=self._time_axes)

    def aliasing(self, wave: Wave) -> xr.Dataset:
        """Share of energy that each downsampling step folds, see :func:`otoscope.methods.aliasing`."""
        return self._heard(methods.aliasing, wave, time_axes=self._time_axes)

    # -- Many sounds through the model --------------------------------------------------------------------

    def vowels(
        self,
        tokens: Iterable[Token] | None = None,
        target: Target | None = None,
        rule: str | Rule = "guided",
        *,
        progress: Progress | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Share of vowels whose F0, F1 and F2 are found in the relevance, see :func:`otoscope.methods.vowel_protocol`.

        The tokens are by default those of :func:`otoscope.data.aev.vowel_tokens`. A model that takes sounds of one
        length gets that much of each around its steady state.
        """
        tokens = vowel_tokens(sample_rate=self.sample_rate) if tokens is None else tokens
        total = length_hint(tokens)
        options |= {"target": target, "rule": rule, "classes": self.classes}
        result = methods.vowel_protocol(
            self.model,
            map(self._vowel, tokens),
            sample_rate=self.sample_rate,
            progress=progress and (lambda done, _: progress(done, total)),
            **options,
        )
        return self._sign(result)

    def _vowel(self, token: Token) -> Token:
        """A vowel as the model takes it, with its steady state in the middle where it has to be cut."""
        clip = self.clip(token.clip)
        first = 0
        if self.input_length:
            last = max(0, clip.size - self.input_length)
            first = min(max(0, round(token.centre * self.sample_rate) - self.input_length // 2), last)
        inputs = self.inputs(self._long_enough(clip[first:]))
        return replace(token, clip=inputs, centre=token.centre - first / self.sample_rate)

    def residual_study(
        self,
        waves: Iterable[Wave | str | Path],
        labels: Iterable[str] | None = None,
        layers: Sequence[str] | None = None,
        *,
        others: Sequence[nn.Module] = (),
        **options: Any,
    ) -> xr.Dataset:
        """How much worse the model does without its most active maps, see :func:`otoscope.methods.residual_study`.

        `others` are further runs of the same training; intervals are taken over all of them.
        """
        options |= {"layers": layers, "classes": self.classes}
        model = [self.model, *others] if others else self.model
        return self._surveyed(methods.residual_study, waves, labels, model=model, **options)

    def coherence(
        self,
        waves: Iterable[Wave | str | Path],
        layers: Sequence[str] | None = None,
        labels: Iterable[str] | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """How much of its sounds is left in each layer, see :func:`otoscope.methods.coherence`."""
        return self._surveyed(methods.coherence, waves, labels, layers=layers, **options)

    def top_activations(
        self,
        waves: Iterable[Wave | str | Path],
        layer: str,
        k: int = 5,
        channels: Sequence[int] | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """The sounds that excite each map of a layer most, see :func:`otoscope.methods.top_activations`."""
        return self._surveyed(methods.top_activations, waves, layer=layer, k=k, channels=channels, **options)

    def top_sounds(
        self,
        waves: Sequence[Wave | str | Path],
        top: xr.Dataset,
        channels: Sequence[int] | None = None,
        **options: Any,
    ) -> xr.Dataset:
        """Top sounds of maps and their sonifications, to be heard, see :func:`otoscope.methods.top_sounds`.

        `waves` are the same as there; only those that are heard are read again.
        """
        top = heard_maps(top, channels)
        clips = {i: self._clip_of(waves[i], i) for i in np.unique(top["clip_index"]).tolist() if i < len(waves)}
        options = {"time_axes": self._time_axes, **options}
        result = methods.top_sounds(self.model, top, clips, sample_rate=self.sample_rate, channels=channels, **options)
        return self._sign(result)

    def _surveyed(
        self,
        method: Any,
        waves: Iterable[Wave | str | Path],
        labels: Iterable[str] | None = None,
        *,
        model: nn.Module | Sequence[nn.Module] | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Any:
        """A method on a data set; where the model does not take a clip of such a length, say which."""
        total, latest = length_hint(waves), deque[Clip](maxlen=32)  # more than a batch

        def read() -> Iterator[Clip]:
            for clip in self._clips(waves, labels):
                latest.append(clip)
                yield clip

        options = self._with_taps(options)
        counted = progress and (lambda done, _: progress(done, total))
        try:
            result = method(model or self.model, read(), sample_rate=self.sample_rate, progress=counted, **options)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError:
            for clip in latest:
                self._takes_channel_axis(clip.inputs.reshape(1, -1), clip.name)
            raise
        return self._sign(result)

    def _with_taps(self, options: dict[str, Any]) -> dict[str, Any]:
        """Options of a method on a data set, with what a sound of usual length shows of the layers.

        The first of the clips may be so short that a layer has a single frame, which looks like no time at all.
        """
        with suppress(InputError):  # the model may take sounds of one length only, and the clips have it
            seen = self.taps()
            axes = {tap.name: tap.time_axis for tap in seen.values() if tap.time_axis is not None}
            if "layers" in options and options["layers"] is None:
                options["layers"] = block_ends(seen) or None
            return {**options, "time_axes": axes | self._time_axes | options.get("time_axes", {})}
        return {"time_axes": self._time_axes, **options}

    def layer_importance(
        self,
        train: LabelledWaves,
        test: LabelledWaves,
        layers: Sequence[str] | None = None,
        frozen: bool = True,
        **options: Any,
    ) -> xr.Dataset:
        """Accuracy of a linear classifier behind each layer, see :func:`otoscope.methods.layer_importance`.

        `train` and `test` are each a pair of waves (or paths) and their labels.
        """
        options = self._with_taps({**options, "layers": layers, "frozen": frozen})
        return self._sign(
            methods.layer_importance(
                self.model, self._clips(*train), self._clips(*test), sample_rate=self.sample_rate, **options
            )
        )

    def report(self, wave: Wave, path: str | Path, **options: Any) -> Path:
        """Write one HTML file with everything about a sound; see :func:`otoscope.report.write_report`."""
        from otoscope.report import write_report

        return write_report(self, wave, path, **options)

    def inspect(self, wave: Wave, folder: str | Path, **options: Any) -> dict[str, Any]:
        """Write a folder with the report, the arrays and the sounds; see :func:`otoscope.report.inspect`."""
        from otoscope.report import inspect

        return inspect(self, wave, folder, **options)

    def _clips(self, waves: Iterable[Wave | str | Path], labels: Iterable[str | None] | None = None) -> Iterator[Clip]:
        """The sounds of a data set, each read when its turn comes, with their labels."""
        if isinstance(waves, (str, Path)):
            raise InputError(f"a data set is a list of sounds, not the path {str(waves)!r}: give [{str(waves)!r}]")
        if labels is None:
            labels = repeat(None)
        elif isinstance(waves, Sized) and isinstance(labels, Sized) and len(waves) != len(labels):
            raise InputError(f"{len(waves)} sounds and {len(labels)} labels were given: give one label for each sound")
        for number, (wave, label) in enumerate(zip(waves, labels, strict=False)):
            yield self._clip_of(wave, number, label)

    def _clip_of(self, wave: Wave | str | Path, number: int, label: str | None = None) -> Clip:
        """A sound of a data set, named by its file, by itself or by its number, and filled up where it is too short."""
        if isinstance(wave, (str, Path)):
            name, wave = str(wave), load_audio(wave, sample_rate=self.sample_rate)
        else:
            name = str(wave.attrs.get("name", number)) if isinstance(wave, xr.DataArray) else str(number)
        clip = self.clip(wave)
        if clip.ndim > 1:
            raise InputError(f"each sound of a data set is one clip (time,), and {name} has the shape {clip.shape}")
        return Clip(name, self.inputs(self._long_enough(clip)), label)

    def _long_enough(self, clip: xr.DataArray) -> xr.DataArray:
        """A clip that is filled up where the model takes none so short."""
        missing = getattr(self.model, "minimum_length", 0) - clip.sizes["time"]
        if self.input_length or missing <= 0:
            return clip
        filled = _of_length(torch.as_tensor(clip.values), clip.sizes["time"] + missing, self._repeats)
        return as_clip(filled, self.sample_rate)

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
        return torch.zeros(self.input_length or max(self.sample_rate, getattr(self.model, "minimum_length", 0)))

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
        return waveform[..., :length]
    if repeat:
        return torch.cat([waveform] * -(-length // waveform.shape[-1]), dim=-1)[..., :length]
    return nn.functional.pad(waveform, (0, missing))

"""The model under test: what it takes and what it answers, its state and its lock. No methods."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope.answers import found_out
from otoscope.audio import as_clip, audio_channels, audio_duration, load_audio
from otoscope.contract import WRAP, Contract, Layout, Normalisation
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.markup import card, facts
from otoscope.models import load, weights_digest
from otoscope.network import Network
from otoscope.pieces import Pieces
from otoscope.probe import Check, Trace, trace, verify
from otoscope.probe.answer import Which, as_path, output_tensor
from otoscope.probe.described import Description
from otoscope.probe.interrupts import interrupts_wait
from otoscope.probe.listen import evaluating
from otoscope.probe.locks import lock_of
from otoscope.probe.memory import Memory, State, state_of
from otoscope.text import last_part
from otoscope.trial import REFUSALS, Refused, describe, find_calls, find_layout, takes_features
from otoscope.types import Excerpt, Progress, Wave

_LONGEST = 3600.0  # s
_MOST_NAMES = 12  # of classes, in a notebook
_PROVED = 2.0  # s of a sound on which a trace is proved
_TO_FIND = ("layout", "channels", "clips", "clip_axis", "calls")
_found_out: Memory[Contract] = Memory()


def opened_as(model: nn.Module | str | Path, **options: Any) -> dict[str, Any]:
    """How a user calls up a model again: what was given, of a path its last part alone, and options that were given.

    Examples
    --------
    >>> opened_as("models/ear.py:Ear", sample_rate=8000, output=None)
    {'model': 'ear.py:Ear', 'options': {'sample_rate': 8000}}
    """
    given = {name: value for name, value in options.items() if value is not None}
    if isinstance(model, nn.Module):
        return {"model": None, "options": given}
    return {"model": last_part(str(model)), "options": given}


class Subject:
    """A model under test.

    Parameters
    ----------
    model : nn.Module, str or Path
        A module, or what the command line calls MODEL: a name such as ``"vowel-name"``, a folder with config.json,
        ``"package.module:factory"``, ``"file.py:Class"`` or ``"hf:org/name"``.
    sample_rate : int, optional
        Of the waveforms that it takes, in Hz; ``model.sample_rate`` by default.
    output : int, str or sequence of them, optional
        Which of several outputs is looked at, by its place, its name or, where outputs are nested, the path to it:
        ``1``, ``"logits"``, ``"head.logits"`` or ``(1, 0)``.
    name : str, optional
        Name in results and reports.
    classes : sequence of str, optional
        Names of the classes, in the order of the outputs; ``model.classes`` by default.
    contract : Contract, optional
        Everything that the model takes and answers, where its attributes do not state it.
    layout : str, optional
        Axes of the tensor that the model takes, where several fit, such as ``"(batch, time)"``; see
        :class:`otoscope.Contract`.
    normalisation : {"peak", "standard", "frame"}, optional
        What is done to each sound before the model gets it; see :class:`otoscope.Contract`.
    model_inputs : mapping of str to object, optional
        Further arguments of the forward pass: tensors, numbers, or functions of the tensor that the model is given,
        such as ``{"lengths": lambda x: torch.full((len(x),), x.shape[-1])}``. Of a tensor whose first axis has a single
        entry, every clip gets that entry.
    time_axes : mapping of str to int, optional
        Taps whose time axis you know better than the trace, with that axis.

    Raises
    ------
    InputError
        If the sample rate is not known, or a field of the contract has an impossible value; later, when they are
        looked up in the model, if it has no such output or tap.
    """

    def __init__(
        self,
        model: nn.Module | str | Path,
        sample_rate: int | None = None,
        *,
        output: Which = None,
        name: str | None = None,
        classes: Sequence[str] | None = None,
        contract: Contract | None = None,
        layout: Layout | None = None,
        normalisation: Normalisation | None = None,
        model_inputs: Mapping[str, Any] | None = None,
        time_axes: Mapping[str, int] | None = None,
    ) -> None:
        self.model = model if isinstance(model, nn.Module) else load(model)
        stated = Contract.of(self.model) if contract is None else contract
        if isinstance(sample_rate, (np.generic, Tensor)):
            sample_rate = sample_rate.item()
        if isinstance(output, (np.generic, Tensor)):
            output = output.item()
        if isinstance(sample_rate, float) and sample_rate.is_integer():
            sample_rate = int(sample_rate)
        self.name = name or str(getattr(self.model, "name", type(self.model).__name__))
        self.opened = opened_as(
            model, sample_rate=sample_rate, output=output, layout=layout, normalisation=normalisation, name=name
        )
        self._network = Network(self.model, stated, model_inputs)
        self._contract = stated.changed(
            sample_rate=sample_rate,
            output=as_path(output),
            classes=None if classes is None else tuple(classes),
            layout=layout,
            normalisation=normalisation,
        )
        if sample_rate is not None and stated.sample_rate not in (None, sample_rate):
            raise InputError(
                f"{self.name} states that it takes {stated.sample_rate} Hz, and {sample_rate} Hz is asked for: leave "
                "the sample rate out, for sounds are resampled; if what it states is wrong, give "
                f"contract=Contract(sample_rate={sample_rate}), or change it in the model or its config.json"
            )
        if self._contract.sample_rate is None:
            raise InputError("the sample rate of the model is not known: give sample_rate in Hz")
        self._stated = self._contract
        self._found_as: State | None = None  # the state of the model in which the rest of the contract was found
        self._stated_axes = dict(time_axes or {})
        self._time_axes: dict[str, int] | None = None  # by the full names of taps
        self._tried = False
        self._digest: tuple[Any, str] | None = None  # state of the weights, and their hash

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.name}, {self.sample_rate} Hz>"

    def _repr_html_(self) -> str:
        """What is known of it so far, in notebooks; the model is not run for that."""
        return card(self.name, facts(_known(self)))

    @property
    def network(self) -> Network:
        """The model on waveforms (clip, channel, time), whatever layout it takes; what probe functions are given."""
        return self._network

    @property
    def _contract(self) -> Contract:
        return self._network.contract

    @_contract.setter
    def _contract(self, contract: Contract) -> None:
        self._network.contract = contract

    @property
    def sample_rate(self) -> int:
        """Of the waveforms that the model takes, in Hz."""
        assert self._contract.sample_rate is not None
        return self._contract.sample_rate

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names of the classes, in the order of the outputs."""
        return self._contract.classes

    @property
    def states_classes(self) -> bool:
        """Whether names or the axis of the classes are stated, and not only found out."""
        return self._stated.classes is not None or self._stated.class_axis is not None

    @property
    def contract(self) -> Contract:
        """What the model takes and answers; what its attributes do not state is tried with silence."""
        with self.lock:  # in which another thread may be finding it out
            if not self._tried:
                if self._contract.output is not None:
                    self._check_output()
                with suppress(*REFUSALS):
                    silence(self)  # for which the layout is found
                with suppress(*REFUSALS):  # what a first layer shows can be seen whatever the output is
                    if self._contract.scores is None or not self._knows_axes:
                        self._try_output(silence(self))
                self._tried = True
        return self._contract

    @property
    def time_axes(self) -> dict[str, int]:
        """Axes that are time whatever the trace says, by the full names of taps.

        Raises
        ------
        InputError
            If there is no tap of such a name, or several, or it has no such axis.
        """
        if self._time_axes is None and self._stated_axes:
            try:
                with self.lock:
                    seen = trace(self.network, silence(self), self.sample_rate)
            except REFUSALS:  # it may take sounds of one length only
                return self._stated_axes
            for name, axis in self._stated_axes.items():
                count = len(seen[name].shape)
                if axis not in range(-count, count):
                    raise InputError(f"time_axes: {name} has the axes 0 to {count - 1}, not {axis!r}")
            self._time_axes = {seen.resolve(name): int(axis) for name, axis in self._stated_axes.items()}
        return self._time_axes or {}

    @property
    def digest(self) -> str:
        """Hash of the names, shapes and values of the weights."""
        state = state_of(self.model)
        if self._digest is None or self._digest[0] != state:
            self._digest = state, weights_digest(self.model)
        return self._digest[1]

    @property
    def lock(self) -> Any:
        """One lock for a model; it is looked up, not held, so that a subject can be copied and pickled."""
        return lock_of(self.model)

    def clip(self, wave: Wave | Embedded) -> xr.DataArray:
        """A sound as a checked, labelled array at the sample rate of the model; a path is read.

        A recording keeps its channels where the model takes as many; a file is mixed down for a model that takes one.

        Raises
        ------
        InputError
            If the sound has another number of channels than a model that takes several, or cannot be read.
        """
        if isinstance(wave, (str, Path, Embedded)):
            wave = Excerpt(wave)
        if isinstance(wave, Excerpt):
            part: dict[str, Any] = {"start": wave.start, "duration": wave.duration, "channel": wave.channel}
            clip = load_audio(wave.path, sample_rate=self.sample_rate, mono=not hears_channels(self, wave), **part)
            given = {key: value for key, value in part.items() if value is not None and (key, value) != ("start", 0.0)}
            return clip.assign_attrs(excerpt=json.dumps(given)) if given else clip
        attrs = wave.attrs if isinstance(wave, xr.DataArray) else {}
        rate = attrs.get("sample_rate", self.sample_rate)
        if rate != self.sample_rate:
            raise InputError(
                f"{attrs.get('name', 'the wave')} is sampled at {rate} Hz and {self.name} takes "
                f"{self.sample_rate} Hz: load it with sample_rate={self.sample_rate}"
            )
        name, taken = str(attrs.get("name", "array")), self._channels(wave)
        clip = as_clip(wave if taken > 1 else self._clips(wave), self.sample_rate, name=name, several=taken > 1)
        found = clip.sizes.get("channel", 1)
        if found not in (1, taken):
            raise InputError(
                f"{name} has {found} channels, and {self.name} takes {taken}: give one channel, which goes to each of "
                f"them, or all {taken}. Several sounds are of shape (clip, channel, time)"
            )
        return clip

    def _channels(self, wave: Any) -> int:
        """How many channels the model takes, as far as the shape of samples makes it matter."""
        shape = getattr(wave, "shape", None)
        if shape is None:
            with suppress(ValueError, TypeError):  # lists of lists that are of different lengths are refused later
                shape = np.shape(wave)
        if not shape or len(shape) < 2 or not shape[-1]:
            return 1
        return self._channels_taken(int(shape[-1]), "the wave")

    def _channels_taken(self, samples: int, name: str) -> int:
        """How many channels the model takes; what is not known is found out with noise, or a sound so long."""
        self._find(samples, name)
        several = self._contract.layout == "(batch, channel, time)"
        return self._contract.channels or 1 if several else 1

    def _clips(self, wave: Any) -> Any:
        """Samples in the layout of the model, such as (clip, 1, time), as (clip, time)."""
        if isinstance(wave, (np.ndarray, Tensor)) and wave.ndim == 3:
            if wave.shape[1] == 1:
                return wave[:, 0]
            if wave.shape[2] == 1 and self._contract.layout == "(batch, time, 1)":
                return wave[..., 0]
        return wave

    def inputs(self, wave: Wave) -> Tensor:
        """A sound as the tensor (clip, channel, time) that :attr:`network` takes: the one place where it is made.

        It has the channels of the sound: those that the model takes, or one, which goes to each of them.
        A sound that is shorter than the model takes, or than the pieces it was trained and scored on, is filled up; one
        that is longer than the one length it takes is cut.
        """
        return self._tensor(wave, cut=True)

    def whole(self, wave: Wave) -> Tensor:
        """As :meth:`inputs`, but a sound that is longer than what the model takes is not cut.

        A model of one length is run along it in pieces, see ``otoscope.pieces.Pieces``.
        """
        return self._tensor(wave, cut=False)

    def _tensor(self, wave: Wave, cut: bool) -> Tensor:
        clip = self.clip(wave)
        self._find(clip.sizes["time"], str(clip.attrs.get("name", "the wave")))
        values = clip.values if "clip" in clip.dims else clip.values[None]
        values = values if "channel" in clip.dims else values[:, None]
        return self._contract.fit(torch.as_tensor(values).to(self._like), cut=cut)

    @property
    def _like(self) -> Tensor:
        """A tensor of the type and on the device of the model."""
        return next((p for p in self.model.parameters() if p.is_floating_point()), torch.empty(0))

    def output(self, wave: Wave) -> Tensor:
        """What the model answers to a sound, (clip, ...).

        Of a sound longer than the one length that the model takes it is the mean over pieces of that length, a hop of
        the contract apart, where the answer is (clip, class); else the answer to the first piece, with a warning.
        """
        inputs = self.whole(wave)
        pieces = Pieces.needed(self._contract, inputs.shape[-1])
        cut = inputs if pieces is None else pieces.cut(inputs)
        if pieces is not None and self._contract.normalisation == "frame":
            cut = self._contract.normalise(cut)
        with self.lock, working(self, cut), torch.no_grad():
            if pieces is None:
                return torch.cat([self._output(one) for one in self.network.parts(cut)])
            first = self._output(cut[:1])
            if first.ndim == 2:
                parts = cut.split(pieces.at_once if self.network.apart else 1)
                return pieces.mean(torch.cat([self._output(one) for one in parts]))
            warnings.warn(
                f"{self.name} takes {pieces.length} samples: this is its answer to the first of {len(pieces)} pieces",
                stacklevel=2,
            )
            return torch.cat([self._output(one) for one in cut[:: len(pieces)].split(1)])

    def _output(self, inputs: Tensor) -> Tensor:
        with evaluating(self.model):
            return output_tensor(self.network(inputs.clone()))  # which it may overwrite

    def taps(self, wave: Wave | None = None) -> Trace:
        """What is inside: every convolution, activation and pooling, with its place in time.

        Parameters
        ----------
        wave : wave, optional
            A sound to run the model on; silence of a second, or of the length that the model takes, by default.
        """
        inputs, name = self._heard(wave)
        with self.lock, working(self, inputs, name):
            return trace(self.network, inputs, self.sample_rate, self.time_axes)

    def verify(self, wave: Wave | None = None, *, progress: Progress | None = None) -> list[Check]:
        """Prove what :meth:`taps` says: run operations again, measure where they are in time, check their gradients.

        Parameters
        ----------
        wave : wave, optional
            As of :meth:`taps`, with noise in place of silence; where the model takes any length, the first two seconds,
            or as much as it was trained on.
        progress : callable, optional
            Called with how many checks are done, and of how many.

        Returns
        -------
        list of Check
            See :func:`otoscope.probe.verify`.
        """
        inputs, name = self._heard(wave)
        if self._contract.length is None:
            enough = max(round(_PROVED * self.sample_rate), self._contract.trained_length or 0)
            inputs = inputs[..., : max(enough, self._contract.minimum_length)]
        with self.lock, working(self, inputs, name):
            traced = trace(self.network, inputs, self.sample_rate, self.time_axes)
            return verify(self.network, inputs, traced, progress=progress)

    def _heard(self, wave: Wave | None) -> tuple[Tensor, str]:
        """A sound as the model takes it, silence where there is none, and its name."""
        clip = None if wave is None else self.clip(wave)
        return (silence(self), "silence") if clip is None else (self.inputs(clip), str(clip.attrs["name"]))

    def _find(self, samples: int, name: str) -> None:
        """Find out what the contract leaves open, by noise of a second, or as long as a sound where that is refused."""
        state = state_of(self.model)
        if self._found_as not in (None, state):  # what was found was found of another model
            self._contract, self._tried = self._stated, False
        self._found_as = state
        stated = self._contract
        if None not in (stated.layout, stated.clips, stated.calls):
            return
        # What changes nothing of it is left out.
        beside = replace(stated, classes=None, scores=None, class_axis=None, time_axis=None)
        key = (beside, repr(Description().of(self.network.given)))
        with self.lock:
            known, remember = _found_out.recall(self.model, key)
            if known is None:
                known = self._found(samples, name)
                remember(known)
            self._contract = stated.changed(**{name: getattr(known, name) for name in _TO_FIND})

    def _found(self, samples: int, name: str) -> Contract:
        stated = self._contract
        least = stated.length or max(self.sample_rate, stated.trained_length or 1, stated.minimum_length)
        taken = stated.length or max(samples, stated.trained_length or 1, stated.minimum_length)
        refused: Refused | None = None
        for length in dict.fromkeys((least, taken)):
            try:
                found = find_layout(self.network, self.name, length, self._like)
            except Refused as error:
                refused = error
            else:
                calls = stated.calls or find_calls(self.network.under(found), length, self._like)
                return found.changed(clips=stated.clips, clip_axis=stated.clip_axis, calls=calls)
        assert refused is not None
        if stated.layout is not None:
            return stated  # what works on this sound will say why it does not
        errors = [(trial.shape, trial.error) for trial in refused.trials if trial.error is not None]
        features = takes_features(self.model, [error for _, error in errors])
        if features:
            raise InputError(f"{self.name} cannot be given a sound, since {features}. {WRAP}") from errors[0][1]
        raise InputError(refusal(self, taken, name, errors)) from errors[0][1]

    @property
    def _knows_axes(self) -> bool:
        contract = self._contract
        return not (contract.class_axis is None and contract.time_axis is None and contract.classes is None)

    def _check_output(self) -> None:
        """Raise an InputError where the model has no such output as is to be looked at."""
        try:
            with torch.no_grad(), evaluating(self.model):
                answer = self.network(silence(self))
        except REFUSALS:  # it may take sounds of one length only; then the methods that use the output refuse
            return
        output_tensor(answer)

    def _try_output(self, inputs: Tensor) -> None:
        """Find out by a few forward passes what the output is."""
        with self.lock, working(self, inputs):
            found = found_out(self.network, inputs, self.sample_rate)
        stated = asdict(self._contract)
        self._contract = self._contract.changed(**{key: one for key, one in found.items() if stated[key] is None})


def hears_channels(subject: Subject, wave: str | Path | Excerpt) -> bool:
    """Whether a model is given the channels of a sound file as they are, and not one in all of its own.

    Raises
    ------
    InputError
        If it takes several, and the file has several, but not as many.
    """
    part = wave if isinstance(wave, Excerpt) else Excerpt(wave)
    there = 1 if part.channel is not None else audio_channels(part.path)
    if there == 1:
        return False
    duration = audio_duration(part.path) - part.start if part.duration is None else part.duration
    seconds = min(duration, _LONGEST) if duration > 0 else 0.0  # what cannot be is said later
    name = part.path.name if isinstance(part.path, Embedded) else Path(part.path).name
    taken = subject._channels_taken(max(1, round(seconds * subject.sample_rate)), name)
    if taken not in (1, there):
        raise InputError(
            f"{name} has {there} channels, and {subject.name} takes {taken}: choose one, which goes to each of them "
            "(--channel on the command line, Excerpt(path, channel=0) in Python), or give a file of as many"
        )
    return taken > 1


def _known(subject: Subject) -> dict[str, object]:
    """What a model takes and answers, as far as it is stated or was found out."""
    contract, model = subject._contract, subject.model
    samples = contract.length or contract.trained_length
    named = list(contract.classes or ())
    more = f" and {len(named) - _MOST_NAMES} more" if len(named) > _MOST_NAMES else ""
    source = getattr(model, "weights_source", None)
    return {
        "module": type(model).__name__,
        "parameters": f"{sum(p.numel() for p in model.parameters()):,}",
        "weights": None if source is None else Path(str(source)).name,
        "takes": f"{contract.layout or 'waveforms'} at {subject.sample_rate} Hz",
        "length": None if samples is None else f"{samples} samples ({samples / subject.sample_rate:.4g} s)"
        f"{'' if contract.length else ', or more'}",
        "normalised by": contract.normalisation,
        "output": contract.output,
        "answers": contract.scores,
        "classes": ", ".join(named[:_MOST_NAMES]) + more,
    }  # fmt: skip


def silence(subject: Subject, duration: float = 1.0) -> Tensor:
    """Zeros as the model takes them, in all of its channels, `duration` seconds long where it takes any length."""
    if not 1 / subject.sample_rate <= duration <= _LONGEST:
        raise InputError(f"duration has to be from one sample to an hour, not {duration} s")
    samples = max(1, round(duration * subject.sample_rate))
    inputs = subject.inputs(as_clip(torch.zeros(samples), subject.sample_rate, name="silence"))
    return inputs.expand(-1, subject._channels_taken(samples, "silence"), -1)


def signature(subject: Subject) -> dict[str, Any]:
    """What of a subject changes numbers, for the provenance of results."""
    given = {"model_inputs": subject.network.given} if subject.network.given else {}
    return {**asdict(subject.contract), "time_axes": subject.time_axes, **given}


@contextmanager
def working(subject: Subject, inputs: Tensor, name: str = "the sound") -> Iterator[None]:
    """Where work fails because the model does not take sounds of this length, say that."""
    with interrupts_wait():
        try:
            yield
        except (torch.OutOfMemoryError, InputError):
            raise
        except REFUSALS:
            check_taken(subject, inputs, name)
            raise


def check_taken(subject: Subject, inputs: Tensor, name: str = "the sound") -> None:
    """Raise an InputError where the model does not take the first clip of `inputs`."""
    with torch.no_grad(), evaluating(subject.model):
        try:
            subject.network(inputs[:1].clone())
        except InputError:
            raise
        except REFUSALS as error:
            taken = tuple(subject.network.contract.arrange(inputs[:1]).shape)
            raise InputError(refusal(subject, inputs.shape[-1], name, [(taken, error)])) from None


def refusal(subject: Subject, samples: int, name: str, errors: Sequence[tuple[Any, Exception]]) -> str:
    """Why a model does not take a sound, as far as its errors say."""
    usual = [(shape, error) for shape, error in errors if shape[1:2] in ((1,), shape[-1:], ())]
    reasons = [f"{shape}: {describe(error)}" for shape, error in usual or errors]
    rate = subject.sample_rate
    hint = (
        ": it may be too short, or the model may take one length only (give the model an attribute input_length)"
        if subject._contract.length is None
        else ""
    )
    return (
        f"{subject.name} does not take {name} ({samples} samples, {samples / rate:.3g} s at {rate} Hz){hint}. "
        f"The model's errors: for {'; for '.join(reasons)}"
    )

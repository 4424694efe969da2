"""What a model takes and what it answers: one record, kept in its config.json."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.types import Padding

Layout = Literal["(batch, 1, time)", "(batch, time)", "(batch, time, 1)", "(time,)", "(batch, channel, time)"]
Normalisation = Literal["peak", "standard", "frame"]
Scores = Literal["logits", "probabilities", "log-probabilities", "hidden state"]
Clips = Literal["apart", "meet", "alone"]
Calls = Literal["equal", "random", "state", "outside"]

WRAP = "Wrap it in a module that takes (batch, time), computes what it takes in torch, and calls it"
"""The way out for a model that takes no waveforms."""

_CHOICES: dict[str, tuple[str, ...]] = {
    "layout": get_args(Layout),
    "normalisation": get_args(Normalisation),
    "padding": get_args(Padding),
    "scores": get_args(Scores),
    "clips": get_args(Clips),
    "clip_axis": ("kept", "lost"),
    "calls": get_args(Calls),
}
_COUNTS = {  # and the least that each may be
    "sample_rate": 1, "channels": 1, "length": 1, "hop": 1, "trained_length": 1, "minimum_length": 0,
}  # fmt: skip
_ATTRIBUTES = {  # by which a module states a field
    name: {"length": "input_length"}.get(name, name)
    for name in ("sample_rate", "layout", "length", "trained_length", "minimum_length", "padding", "classes")
}


@dataclass(frozen=True)
class Contract:
    """What stands between a sound and a model, the same in training, scoring and looking.

    Attributes
    ----------
    sample_rate : int or None
        Of the waveforms that the model takes, in Hz.
    layout : {"(batch, 1, time)", "(batch, time)", "(batch, time, 1)", "(time,)", "(batch, channel, time)"} or None
        Axes of the tensor that it takes; None where that has yet to be tried.
    channels : int or None
        How many channels of a sound it takes, where it takes several. A recording of as many channels is heard as it
        is; a sound of one channel goes to each of them.
    length : int or None
        Samples, where the model takes no other number.
    hop : int or None
        Of such a model, samples from one piece of a longer sound to the next; `length`, so that pieces do not overlap,
        where it is None.
    trained_length : int or None
        Samples of the pieces that it was trained on and the least that it was scored on: shorter sounds are filled up
        to it.
    minimum_length : int
        Fewest samples that the model takes: shorter sounds are filled up to it.
    padding : {"zeros", "repeat"}
        What a shorter sound is filled up with.
    normalisation : {"peak", "standard", "frame"} or None
        What is done to each sound first: division by its largest magnitude, or its mean taken off and division by its
        standard deviation; "frame" does the latter to each piece of the length that the model takes by itself. The
        channels of a sound are taken together, so that their balance stays.
    output : int, str or None
        Which of several outputs is looked at, by its place, its name, or the path to it such as ``"head.logits"``.
    scores : {"logits", "probabilities", "log-probabilities", "hidden state"} or None
        What the output is; None where that has yet to be tried. A hidden state, or an embedding, has no classes.
    multilabel : bool or None
        Whether each class has a probability of its own, by a sigmoid, and not all together one by a softmax; None where
        that is not known.
    class_axis, time_axis : int or None
        Axes of the output.
    classes : tuple of str or None
        Names of the classes, in the order of the outputs.
    clips : {"apart", "meet", "alone"} or None
        Whether the answer to a clip depends on those beside it in a batch; where they meet, or the model takes no more
        than one, clips are run one by one. None where that has yet to be tried, as with the next two.
    clip_axis : {"kept", "lost"} or None
        Whether the answer to a single clip has an axis of clips.
    calls : {"equal", "random", "state", "outside"} or None
        Whether two equal calls give the same answer; if not, whether since numbers are drawn, or since the model keeps
        a state from one call to the next, within its modules, where it is put back, or outside of them.

    Raises
    ------
    InputError
        If a field has an impossible value; the message names it.

    Examples
    --------
    >>> contract = Contract(sample_rate=8000, trained_length=6400, padding="repeat")
    >>> contract.fit(torch.ones(2000)).shape
    torch.Size([6400])
    """

    sample_rate: int | None = None
    layout: Layout | None = None
    channels: int | None = None
    length: int | None = None
    hop: int | None = None
    trained_length: int | None = None
    minimum_length: int = 0
    padding: Padding = "zeros"
    normalisation: Normalisation | None = None
    output: int | str | None = None
    scores: Scores | None = None
    multilabel: bool | None = None
    class_axis: int | None = None
    time_axis: int | None = None
    classes: tuple[str, ...] | None = None
    clips: Clips | None = None
    clip_axis: Literal["kept", "lost"] | None = None
    calls: Calls | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, _spelt(field.name, getattr(self, field.name))
            object.__setattr__(self, name, value)
            if value is None and field.default is not None:
                raise InputError(f"{name} cannot be None; leave it out for {field.default!r}")
            if problem := _problem(name, value):
                raise InputError(problem)
            if isinstance(value, Integral) and not isinstance(value, bool):  # such as np.int64
                object.__setattr__(self, name, operator.index(value))
        names = tuple(name if name.strip() else str(number) for number, name in enumerate(self.classes or ()))
        object.__setattr__(self, "classes", names or None)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Contract:
        """The contract in a configuration.

        Raises
        ------
        InputError
            If a field is unknown or has an impossible value; the message names it.
        """
        names = [field.name for field in fields(cls)]
        for name in content:
            if name not in names:
                raise InputError(f"the contract has no field {name!r}; its fields are {', '.join(names)}")
        return cls().changed(**content)

    @classmethod
    def of(cls, model: nn.Module) -> Contract:
        """What a module states: its attribute ``contract``, and over that ``sample_rate``, ``classes`` and the like.

        The field `length` is the attribute ``input_length``. What else may go by such a name, as the padding of a
        convolution does, is not taken.
        """
        kept = getattr(model, "contract", None)
        stated = {name: _spelt(name, getattr(model, attribute, None)) for name, attribute in _ATTRIBUTES.items()}
        fitting = {name: value for name, value in stated.items() if value is not None and not _problem(name, value)}
        return (kept if isinstance(kept, cls) else cls()).changed(**fitting)

    def attach(self, model: Any) -> None:
        """State the contract as attributes of a module, where :meth:`of` finds it again.

        What the module computes by itself, or calls by such a name and means otherwise, stays as it is.
        """
        model.contract = self
        for name, attribute in _ATTRIBUTES.items():
            value, own = getattr(self, name), getattr(model, attribute, None)
            computed = isinstance(getattr(type(model), attribute, None), property)
            if value is not None and not computed and _problem(name, own) is None and value != own:
                setattr(model, attribute, value)

    def filled(self) -> dict[str, Any]:
        """The fields that say something, as config.json keeps them."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def changed(self, **given: Any) -> Contract:
        """The contract with the fields that are given and not None."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def fit(self, waveform: Tensor, *, cut: bool = True) -> Tensor:
        """A waveform normalised, and as long as the model takes it, or longer where it is not `cut`.

        Of shape (time,), (clip, time) or (..., channel, time).

        Examples
        --------
        >>> Contract(length=5, padding="repeat").fit(torch.tensor([1.0, 2.0]))
        tensor([1., 2., 1., 2., 1.])
        """
        least = self.length or max(self.trained_length or 1, self.minimum_length)
        if self.normalisation != "frame" or self.length is None:
            return self._cut(fill(self.normalise(waveform), least, self.padding), cut)
        filled = self._cut(fill(waveform, least, self.padding), cut)
        return self.normalise(filled) if filled.shape[-1] == self.length else filled  # or its pieces will be

    def _cut(self, waveform: Tensor, cut: bool) -> Tensor:
        return waveform[..., : self.length] if cut else waveform

    def normalise(self, waveform: Tensor) -> Tensor:
        """A waveform at the level and offset that the model takes; silence stays silence.

        Of shape (time,), (clip, time) or (..., channel, time), whose channels are taken together.
        """
        if self.normalisation is None:
            return waveform
        values = waveform.flatten(-2) if waveform.ndim > 2 else waveform
        if self.normalisation in ("standard", "frame"):
            values = values - values.mean(-1, keepdim=True)
            size = values.std(-1, keepdim=True, correction=0)
        else:
            size = values.abs().amax(-1, keepdim=True)
        return torch.where(size > 0, values / size, 0.0).reshape(waveform.shape)

    def tensor(self, waveform: Tensor) -> Tensor:
        """Waveforms (clip, time) as the tensor that the model takes."""
        return self.arrange(self.fit(waveform)[:, None])

    def arrange(self, inputs: Tensor) -> Tensor:
        """Waveforms (clip, channel, time) in the layout of the model; of the layout "(time,)", the only one.

        A waveform of one channel goes to every channel of a model that takes several.
        """
        if self.layout == "(batch, channel, time)" and inputs.shape[1] == 1:
            return inputs.expand(-1, self.channels or 1, -1)
        if self.layout == "(batch, time)":
            return inputs.squeeze(1)
        if self.layout == "(batch, time, 1)":
            return inputs.transpose(1, 2)
        return inputs[0, 0] if self.layout == "(time,)" else inputs


def fill(waveform: Tensor, length: int, padding: Padding = "zeros") -> Tensor:
    """A waveform that is at least `length` samples long.

    Parameters
    ----------
    waveform : Tensor, (..., time)
    length : int
        In samples, 1 or more.
    padding : {"zeros", "repeat"}
        What follows a waveform that is shorter: silence, or the waveform again and again.

    Returns
    -------
    Tensor, (..., time)
        The waveform itself where it is long enough.

    Raises
    ------
    InputError
        If the waveform has no samples, `length` is not positive or `padding` is unknown.

    Examples
    --------
    >>> fill(torch.tensor([1.0, 2.0]), 5)
    tensor([1., 2., 0., 0., 0.])
    >>> fill(torch.tensor([1.0, 2.0]), 5, "repeat")
    tensor([1., 2., 1., 2., 1.])
    """
    if waveform.ndim == 0 or waveform.shape[-1] == 0:
        raise InputError("the clip has no samples")
    if length < 1:
        raise InputError(f"a clip has to be 1 sample or longer, not {length}")
    if problem := _problem("padding", padding):
        raise InputError(problem)
    short = waveform.shape[-1]
    if short >= length:
        return waveform
    if padding == "zeros":
        return nn.functional.pad(waveform, (0, length - short))
    return waveform[..., torch.arange(length, device=waveform.device) % short]


def _spelt(name: str, value: Any) -> Any:
    """The value of a field as it is kept: a layout however its brackets are written, names of an array as a list."""
    if name == "layout" and isinstance(value, str):
        words = re.findall(r"[a-z0-9]+", value.lower())
        return next((one for one in get_args(Layout) if re.findall(r"[a-z0-9]+", one) == words), value)
    if name == "classes" and isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "UO":
        return value.tolist()
    return value


def _problem(name: str, value: Any) -> str | None:
    """What is wrong with the value of a field."""
    if value is None:
        return None
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if name in _CHOICES and not (isinstance(value, str) and value in _CHOICES[name]):
        return f"{name} has to be {' or '.join(map(repr, _CHOICES[name]))}, not {value!r}"
    least = _COUNTS.get(name)
    if least is not None and (not whole or value < least):
        unit = "Hz" if name == "sample_rate" else "samples"
        return f"{name} has to be a whole number of {unit}, {least} or more, not {value!r}"
    if name == "classes" and not (isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)):
        return f"classes has to be a list of names, not {value!r}"
    if name in ("class_axis", "time_axis") and not whole:
        return f"{name} has to be the number of an axis of the output, not {value!r}"
    if name == "multilabel" and not isinstance(value, bool):
        return f"multilabel has to be True or False, not {value!r}"
    if name == "output" and not (whole or isinstance(value, str)):
        return f"output has to be the place or the name of an output, not {value!r}"
    return None

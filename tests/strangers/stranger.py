"""What a stranger states: a network as somebody would write it, and the truth about it by another route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

RATE = 8000


@dataclass(frozen=True)
class At:
    """Where a tap is in time.

    Attributes
    ----------
    axis : int, tuple of int or None
        The time axis; two where it is a map over pairs of times; None where there is none.
    hop : float or None
        In samples; None where elements do not follow each other evenly.
    field : int or None
        Samples on which one element depends; None where that is the whole clip, or all of it before the element.
    centre : float or None
        Of the first element's field; None where it is not checked.
    """

    axis: int | tuple[int, ...] | None
    hop: float | None = None
    field: int | None = None
    centre: float | None = None


NOWHERE = At(None)


def chain(*steps: tuple[int, ...], after: At | None = None, axis: int = 2) -> At:
    """Where the result of windows is, one after another: (kernel, stride, dilation, padding), by default 1, 1, 1, 0.

    >>> chain((30, 10), (3, 3))
    At(axis=2, hop=30.0, field=50, centre=24.5)
    """
    start = after or At(None, 1.0, 1, 0.0)
    hop, size, centre = start.hop, start.field, start.centre
    assert hop is not None and centre is not None
    for step in steps:
        kernel, stride, dilation, padding = (*step, *(1, 1, 1, 0)[len(step) :])
        centre += ((kernel - 1) * dilation / 2 - padding) * hop
        size = None if size is None else size + round((kernel - 1) * dilation * hop)
        hop *= stride
    return At(axis, float(hop), size, centre)


def endless(like: At, axis: int | None = None) -> At:
    """The same moments, where each depends on the whole clip."""
    return At(like.axis if axis is None else axis, like.hop)


def as_batch(model: nn.Module, wave: Tensor) -> Any:
    """How most networks are called: one clip of one channel."""
    return model(wave[None, None])


@dataclass(frozen=True)
class Stranger:
    """A network of the zoo.

    Attributes
    ----------
    make : callable
        Makes the network; called after the seed has been set.
    truth : mapping of str to At
        Where taps are, by name.
    samples : int
        Of the clip that it is tried on.
    given : mapping
        What a user has to give to `Scope` beside the model and its rate.
    call : callable
        The author's own call: from network and waveform (time,) to what the network answers, (1, ...).
    explained : callable or None
        From network and waveform to the scores that are to be explained; by default what `call` returns.
    target : int or callable
        The output that is explained, as `relevance` takes it.
    rewrite : mapping
        For the guided route by hand: what stands in for attributes of the network, ``"path.to.attribute": value``.
    gradient : bool
        Whether the network has a gradient from its output to the waveform.
    guided : bool
        Whether the route by hand is written for it.
    random : bool
        Whether two calls give two answers.
    cut : bool
        Whether the output depends on the waveform by ways that gradients do not take.
    """

    make: Callable[[], nn.Module]
    truth: Mapping[str, At]
    samples: int = 3000
    rate: int = RATE
    given: Mapping[str, Any] = field(default_factory=dict)
    call: Callable[[Any, Tensor], Tensor] = as_batch
    explained: Callable[[Any, Tensor], Tensor] | None = None
    target: int | Callable[[Tensor], Tensor] = 1
    rewrite: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = True
    guided: bool = True
    random: bool = False
    cut: bool = False

    def scores(self, model: nn.Module, wave: Tensor) -> Tensor:
        """What is explained, (1, ...)."""
        return (self.explained or self.call)(model, wave)

    def scalar(self, model: nn.Module, wave: Tensor) -> Tensor:
        """The one number whose relevance is asked for."""
        scores = self.scores(model, wave)
        return self.target(scores)[0] if callable(self.target) else scores.flatten(1)[0, self.target]


def energy(output: Tensor) -> Tensor:
    """The target of networks that answer with a waveform or with maps."""
    return output.float().flatten(1).square().sum(1)


def voice(samples: int, rate: int = RATE) -> Tensor:
    """Harmonics of 125 Hz with two resonances, louder in the middle, in a little noise."""
    draw = torch.Generator().manual_seed(5)
    time = torch.arange(samples) / rate
    sound = torch.zeros(samples)
    for k in range(1, rate // 250):
        level = 1 / (1 + ((125 * k - 700) / 150) ** 2) + 0.5 / (1 + ((125 * k - 1300) / 200) ** 2) + 0.02
        sound += level * torch.cos(2 * torch.pi * 125 * k * time + k * k)
    sound *= torch.hann_window(samples, periodic=False) + 0.2
    return 0.5 * sound / sound.abs().max() + 0.005 * torch.randn(samples, generator=draw)

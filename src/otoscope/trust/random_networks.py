"""The model under test with re-drawn weights, as a subject like any other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from otoscope.network import Network
from otoscope.probe.listen import evaluating
from otoscope.probe.redrawn import Redraw, in_history, packed
from otoscope.subject import Subject


class RandomNetwork(Network):
    """A network whose weights are replaced by random numbers in every pass.

    Parameters
    ----------
    network : Network
    redraw : Redraw
    """

    def __init__(self, network: Network, redraw: Redraw) -> None:
        super().__init__(network.model, network.contract, network.given)
        self.redraw = redraw

    def ask(self, inputs: Tensor) -> Any:
        with self.redraw.in_place(inputs):
            return super().ask(inputs)


def random_subject(subject: Subject, seed: Sequence[int]) -> tuple[Subject, Redraw]:
    """A subject with the same model and contract, and random weights in every pass; the model is not changed.

    Examples
    --------
    >>> subject, wave = Subject("vowel-name"), torch.randn(8000)
    >>> other, redraw = random_subject(subject, [0, 1])
    >>> bool((subject.output(wave) == other.output(wave)).any()), redraw.changed == redraw.reached
    (False, True)
    """
    redraw = Redraw(subject.network, list(seed))
    other = copy.copy(subject)
    other._network = RandomNetwork(subject.network, redraw)
    return other, redraw


def not_drawn(subject: Subject, redraw: Redraw, inputs: Tensor) -> dict[str, int]:
    """Parameters and packed weights that a pass uses and that are not drawn again, with how many numbers they have.

    A pass with random weights has none of the model's parameters in its history, where all are drawn.

    Parameters
    ----------
    subject : Subject
        Of :func:`random_subject`.
    redraw : Redraw
    inputs : Tensor, (1, channel, time)
    """
    model = subject.model
    sizes = {name: one.numel() for name, one in model.named_parameters()}
    with torch.inference_mode(False), torch.enable_grad(), evaluating(model):
        for one in model.parameters():
            if one.is_leaf and (one.is_floating_point() or one.is_complex()):
                one.requires_grad_(True)
        value = _without_values(lambda: subject.network(inputs.detach().clone()))
        kept = in_history(value, model) if isinstance(value, Tensor) else set()
    kept |= redraw.left
    return {name: sizes[name] for name in sorted(kept)} | dict.fromkeys(packed(model), 0)


def _without_values(run: Callable[[], Any]) -> Any:
    """What `run` returns, with a history that names its leaves and keeps no values, so that nothing goes back by it."""
    try:
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: None, _gone):
            return run()
    except RuntimeError as error:
        if "saved tensor hooks" not in str(error):  # inside transforms of torch.func, which take none
            raise
    return run()


def _gone(_: None) -> Tensor:
    raise RuntimeError("the values of this history were not kept")

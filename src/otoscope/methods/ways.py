"""Of layers that were not named, those from which a rule finds a way back to the waveform."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from otoscope.errors import InputError
from otoscope.probe import Rule, Tap
from otoscope.probe.layerwise import ways_back
from otoscope.probe.passed import noting
from otoscope.probe.rules import find_rule, gradient


def with_a_way_back(
    model: nn.Module, inputs: Tensor, taps: Sequence[Tap], rule: str | Rule
) -> tuple[list[Tap], list[str]]:
    """Leave out the taps of which no sound can be made under a rule.

    Parameters
    ----------
    model : nn.Module
    inputs : Tensor, (clip, ..., time)
        The first clip is run once.
    taps : sequence of Tap
        Of this model.
    rule : str or callable
        What activations pass back, see :mod:`otoscope.probe.rules`.

    Returns
    -------
    taps : list of Tap
        Those with a way back, in the order given.
    left_out : list of str
        Of each of the others in a few words that it is left out, and why.

    Raises
    ------
    InputError
        If none is left, or none on whose way the rule governs anything: why the first is left out.

    Examples
    --------
    >>> import torch
    >>> from otoscope.probe import trace
    >>> class Product(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.one, self.two, self.pool = nn.Conv1d(1, 4, 9), nn.Conv1d(1, 4, 9), nn.MaxPool1d(2)
    ...     def forward(self, x):
    ...         return self.pool(self.one(x) * self.two(x)).relu()
    >>> model, clip = Product(), torch.randn(1, 1, 50)
    >>> taps, left_out = with_a_way_back(model, clip, list(trace(model, clip, 8000).values()), "deconvnet")
    >>> [tap.name for tap in taps], left_out[0][:21]
    (['one', 'two', 'relu'], 'pool is left out, for')
    """
    kept: list[Tap] = []
    reasons: dict[str, InputError] = {}
    with noting():  # what is asked here is no way that a result rests on
        ways = ways_back(model, inputs[:1], [tap.name for tap in taps], rule)
        for tap in taps:
            try:
                ways.check(tap.name)
            except InputError as error:
                reasons[tap.name] = error
            else:
                kept.append(tap)
        plain = find_rule(rule) is not gradient and not any(
            one.governed for tap in kept for one in ways.passed(tap.name)
        )
    if reasons and (plain or not kept):
        raise next(iter(reasons.values()))
    return kept, [f"{name} is left out, for {str(reason).partition(': ')[0]}" for name, reason in reasons.items()]

"""The rules of relevance: of what form each is, which paper it is from, and who computes it, in one record each."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, get_args

import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.errors import InputError
from otoscope.methods import propagations
from otoscope.methods.attribution import (
    band_edges,
    frequency_occlusion,
    integrated_gradients,
    occlusion,
    smoothgrad,
)
from otoscope.methods.masking import freqrise, rise
from otoscope.probe import RULES, Rule, RuleName, rule_name
from otoscope.probe.propagation import Propagation
from otoscope.results import variable

RelevanceRule = Literal[
    RuleName,
    "gradient_x_input",
    "integrated_gradients",
    "smoothgrad",
    "occlusion",
    "frequency_occlusion",
    "lrp_epsilon",
    "lrp_gamma",
    "lrp_zplus",
    "lrp_alpha2beta1",
    "attnlrp",
    "deeplift",
    "gradcam",
    "rise",
    "freqrise",
]
"""Rules of :mod:`otoscope.probe.rules`, what can be made of them, those that Captum computes, those of
:mod:`otoscope.probe.propagation`, Grad-CAM, and random masks."""

Form = Literal["product", "gradient", "weighted sound"]
"""Of the relevance of a sample n: the sound times a gradient, x[n] q[n]; a gradient, q[n]; or the sound (or its bands)
weighted by what the output loses without it."""

SOURCE = cite("relevance", "section 3.2")


@dataclass(frozen=True)
class RuleRecord:
    """What is known of a rule of relevance.

    Attributes
    ----------
    form : {"product", "gradient", "weighted sound"}
        Of a product, sums over samples, over frequencies and over cells of both agree.
    source : str
        The paper that it is from.
    activations : str or callable, optional
        The rule of activations by which the output is carried back to the gradient.
    propagation : callable, optional
        From options to the rule by which it is carried back through all operations.
    camera : callable, optional
        What takes its options, of Grad-CAM.
    by_captum : bool
        Whether `compute` is by Captum.
    compute : callable, optional
        What computes it instead: a function of :mod:`otoscope.methods.attribution` or `masking`, which returns the
        gradient (of a product: without the sound) or the weighted sound, and what `beside` names.
    beside : tuple, optional
        What it measures besides: its name, its dimensions, its meaning.
    """

    form: Form
    source: str = SOURCE
    activations: str | Rule | None = None
    propagation: Callable[..., Propagation] | None = None
    camera: Callable[..., str | None] | None = None
    by_captum: bool = False
    compute: Callable[..., tuple[Tensor, Tensor | None]] | None = None
    beside: tuple[str, list[str], str] | None = None

    @property
    def takes(self) -> Callable[..., Any] | None:
        """The function whose options are those of the rule."""
        return self.compute or self.propagation or self.camera

    def carrier(self, options: Mapping[str, Any]) -> str | Rule | Propagation | None:
        """By what the output is carried back to the sound; None where it is not."""
        return self.activations if self.propagation is None else self.propagation(**options)


_RECORDS = {
    "gradient_x_input": RuleRecord("product", activations="gradient"),
    "integrated_gradients": RuleRecord(
        "product",
        cite("sundararajan2017", "eq. 1"),
        compute=integrated_gradients,
        by_captum=True,
        beside=("baseline_logit", ["clip"], "output for silence"),
    ),
    "smoothgrad": RuleRecord("gradient", cite("smilkov2017", "section 3"), compute=smoothgrad, by_captum=True),
    "occlusion": RuleRecord(
        "weighted sound",
        cite("zeiler2014", "section 4.2"),
        compute=occlusion,
        by_captum=True,
        beside=("time_relevance", ["clip", "time"], "loss of the output without this part of the sound"),
    ),
    "frequency_occlusion": RuleRecord(
        "weighted sound",
        cite("zeiler2014", "section 4.2, by bands of frequency"),
        compute=frequency_occlusion,
        by_captum=True,
        beside=("band_relevance", ["clip", "band"], "loss of the output without this band"),
    ),
    "lrp_epsilon": RuleRecord("product", cite("bach2015", "eq. 58"), propagation=propagations.lrp_epsilon),
    "lrp_gamma": RuleRecord("product", cite("montavon2019", "section 10.2.1"), propagation=propagations.lrp_gamma),
    "lrp_zplus": RuleRecord("product", cite("montavon2019", "table 10.1"), propagation=propagations.lrp_zplus),
    "lrp_alpha2beta1": RuleRecord("product", cite("bach2015", "eq. 60"), propagation=propagations.lrp_alpha2beta1),
    "attnlrp": RuleRecord("product", cite("achtibat2024", "section 3"), propagation=propagations.attnlrp),
    "deeplift": RuleRecord("product", cite("shrikumar2017", "section 3.5.1"), propagation=propagations.deeplift),
    "gradcam": RuleRecord("weighted sound", cite("selvaraju2017", "section 3"), camera=propagations.gradcam),
    "rise": RuleRecord(
        "weighted sound",
        cite("petsiuk2018", "eq. 6"),
        compute=rise,
        beside=("time_relevance", ["clip", "time"], "mean output where this moment is kept, less the mean output"),
    ),
    "freqrise": RuleRecord("weighted sound", cite("brusch2024", "section 3"), compute=freqrise),
}

RELEVANCE_RULES: tuple[str, ...] = get_args(RelevanceRule)

ATTRIBUTIONS = {name: record.source for name, record in _RECORDS.items() if record.by_captum}
"""The rules that Captum computes, with the papers that they are from."""


def rule_record(rule: str | Rule) -> RuleRecord:
    """The record of a rule; those of activations, also of one's own, give a gradient.

    Raises
    ------
    InputError
        If there is no such rule.

    Examples
    --------
    >>> rule_record("gradient_x_input").form, rule_record("guided").form
    ('product', 'gradient')
    """
    if isinstance(rule, str) and rule in _RECORDS:
        return _RECORDS[rule]
    if isinstance(rule, str) and rule not in RULES:  # which may have been added to
        raise InputError(
            f"unknown rule {rule!r}; the rules are {', '.join(RELEVANCE_RULES)}, or a function of your own"
        )
    return RuleRecord("gradient", activations=rule)


def option_values(rule: str | Rule, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a rule: those given, checked by name, and the defaults of the others.

    Raises
    ------
    InputError
        If there is no such rule, or it has no such option.

    Examples
    --------
    >>> option_values("integrated_gradients", {"steps": 20})
    {'steps': 20, 'batch_size': 8}
    """
    function = rule_record(rule).takes
    parameters = inspect.signature(function).parameters.values() if function else ()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    unknown = [name for name in options if name not in defaults]
    if unknown:
        known = f"its options are {', '.join(defaults)}" if defaults else "it has none"
        raise InputError(f"the rule {rule_name(rule)} has no option {unknown[0]!r}: {known}")
    return defaults | dict(options)


def attribute(
    rule: str,
    answers: Callable[[Tensor], Tensor],
    inputs: Tensor,
    pick: Callable[[int, Tensor], Tensor],
    sample_rate: float,
    options: Mapping[str, Any],
) -> tuple[Tensor, xr.Dataset]:
    """What a rule with `compute` computes of one output, clip by clip.

    Parameters
    ----------
    rule : str
    answers : callable
        From waveforms to what the model answers to each.
    inputs : Tensor, (clip, ..., time)
    pick : callable
        From the number of a clip and what the model answers to versions of it, (n, ...), to the output that is
        explained, (n,).
    sample_rate : float
        In Hz.
    options : mapping
        Of the rule, see its function.

    Returns
    -------
    carried : Tensor, of the shape of `inputs`
        A gradient, or the weighted sound.
    beside : Dataset
        What else the rule says: `baseline_logit` (clip), `time_relevance` (clip, time) or `band_relevance` (clip,
        band) with `band_low` and `band_high` in Hz.

    Raises
    ------
    InputError
        If Captum is not installed, or an option cannot be used.
    """
    record = rule_record(rule)
    if record.by_captum:
        _need_captum(rule)
    assert record.compute is not None
    found = []
    with torch.inference_mode(False), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for number, clip in enumerate(torch.split(inputs, 1)):

            def score(waveforms: Tensor, number: int = number) -> Tensor:
                return pick(number, answers(waveforms))

            found.append(record.compute(score, clip.detach().clone(), sample_rate, **options))
    carried, beside = torch.cat([one for one, _ in found]), xr.Dataset()
    if record.beside is not None:
        name, dims, meaning = record.beside
        values = torch.cat([more for _, more in found if more is not None]).detach()
        if values.ndim > len(dims):  # of each channel of the sound, which are silenced together
            values = values[:, 0]
        beside[name] = variable(dims, values, meaning)
    if rule == "frequency_occlusion":
        edges = band_edges(options["bands"], sample_rate)
        low = variable(["band"], edges[:-1], "lower edge of the band", "Hz")
        beside = beside.assign_coords(band_low=low, band_high=variable(["band"], edges[1:], "upper edge", "Hz"))
    return carried, beside


def rules_here() -> list[str]:
    """The rules of relevance that can be computed with what is installed."""
    return [rule for rule in RELEVANCE_RULES if rule not in ATTRIBUTIONS or find_spec("captum") is not None]


def _need_captum(rule: str) -> None:
    try:
        import captum.attr  # noqa: F401
    except ImportError:
        raise InputError(f"the rule {rule} needs Captum: pip install otoscope[attribution]") from None

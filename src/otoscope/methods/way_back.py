"""The way back from the answer to a sound, under a rule of relevance: as many questions as are asked go along it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.camera import Camera
from otoscope.methods.no_relevance import check_relevant
from otoscope.methods.relevance_rules import RelevanceRule, attribute, option_values, rule_record
from otoscope.methods.relevance_spectra import Relevance
from otoscope.methods.slide import Pull, answer_along, answers_along, pieces_of, vjp_along
from otoscope.methods.targets import Explained, Question, explain
from otoscope.probe import Rule
from otoscope.probe.propagation import Propagation
from otoscope.results import variable
from otoscope.subject import Subject


class WayBack:
    """What a model answers to a sound, and the way from there to the sound under a rule.

    Parameters
    ----------
    subject : Subject
    inputs : Tensor, (clip, ..., time)
        As the model takes them.
    rule : str or callable
    options : mapping
        Of the rule; what is not given has its default.

    Attributes
    ----------
    record : RuleRecord
    pieces : Pieces or None
        In which the model is run along sounds longer than it takes.
    found : Answer

    Raises
    ------
    InputError
        If the rule or an option of it is unknown, the rule governs nothing, or the model is cut from the sound.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Conv1d(1, 2, 30), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    >>> way = WayBack(Subject(model, sample_rate=8000), torch.randn(1, 1, 100), "guided", {})
    >>> [way.attributed(Question(target))[1].carried.shape for target in (0, 1)]
    [torch.Size([1, 1, 100]), torch.Size([1, 1, 100])]
    """

    def __init__(
        self, subject: Subject, inputs: Tensor, rule: RelevanceRule | Rule, options: Mapping[str, Any]
    ) -> None:
        self.subject, self.inputs, self.rule = subject, inputs, rule
        self.record, self.options = rule_record(rule), option_values(rule, options)
        self.pieces = pieces_of(subject.network, inputs)
        self._carrier = None if self.record.camera else self.record.carrier(self.options)
        self._camera = Camera(subject, inputs, **self.options) if self.record.camera else None
        self._pull: Pull | None = None
        if self._camera is not None:
            self.found = self._camera.found
        elif self._carrier is not None:
            self.found, self._pull = vjp_along(subject.network, inputs, rule=self._carrier)
        else:
            with torch.no_grad():
                self.found = answer_along(subject.network, inputs)
        if self.pieces is not None and self.found.value.ndim != 2:
            raise InputError(
                f"{subject.name} takes {self.pieces.length} samples and does not answer with one axis of classes, so "
                "that no mean over pieces of a longer sound can be explained: give a part of the sound (--start and "
                "--duration on the command line)"
            )

    def attributed(self, question: Question) -> tuple[Explained, Relevance, xr.Dataset]:
        """What is asked, its relevance, and what else the rule says.

        Raises
        ------
        InputError
            If the output has not what is asked for, or is not finite; if the relevance is zero everywhere, see
            :class:`otoscope.methods.no_relevance.NoRelevance`.
        """
        subject, inputs = self.subject, self.inputs
        asked = explain(subject, inputs, self.found, question)
        more = xr.Dataset()
        if self._camera is not None:
            carried, more = self._camera.taken(asked.seed)
        elif self._pull is None:

            def pick(clip: int, versions: Tensor) -> Tensor:
                return asked.score(versions, torch.full((len(versions),), clip))

            answers = partial(answers_along, subject.network)
            carried, more = attribute(str(self.rule), answers, inputs, pick, subject.sample_rate, self.options)
        else:
            carried = self._pull(asked.seed)
            if isinstance(self._carrier, Propagation) and self._carrier.reference:
                more["baseline_logit"] = variable(["clip"], self._at_silence(asked), "output for silence")
        precise = torch.promote_types(carried.dtype, torch.float32)
        whole = Relevance(self.record.form, carried.to(precise), inputs.to(precise))
        if not (asked.value.isfinite().all() and whole.of_samples.isfinite().all()):
            raise InputError(
                "the output or its relevance is not finite: do the weights hold NaN, did the training diverge, or does "
                "the model divide by the level of a sound that is silent?"
            )
        check_relevant(subject, inputs, whole.of_samples, asked, self.rule, self._carrier)
        if isinstance(self._carrier, Propagation) and not self._carrier.reference:
            total = whole.of_samples.to(torch.float64).flatten(1).sum(1)
            meaning = "output less the sum of the relevance, which biases and what is left to the gradient absorb"
            more["absorbed"] = variable(["clip"], asked.value.detach().to(total) - total, meaning)
        return asked, whole, more

    def _at_silence(self, asked: Explained) -> Tensor:
        with torch.no_grad():
            silent = answers_along(self.subject.network, torch.zeros_like(self.inputs))
            found = asked.score(silent, torch.arange(len(self.inputs)))
        if not found.isfinite().all():
            raise InputError(
                "deeplift compares the sound with silence, to which the model's answer is not finite (does it divide "
                "by the level of the sound?): choose another rule, such as lrp_epsilon"
            )
        return found

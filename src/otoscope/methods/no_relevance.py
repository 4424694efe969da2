"""A relevance that is zero everywhere says nothing of the sound: it is refused, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from otoscope.errors import InputError
from otoscope.methods.relevance_rules import rule_record
from otoscope.methods.slide import answers_along, vjp_along
from otoscope.methods.targets import Explained
from otoscope.probe import Rule, rule_name
from otoscope.probe.propagation import Propagation
from otoscope.subject import Subject

_NAMED = 5  # sounds that a note names
_SURE = 1e-6  # of a probability
_SMALL = 1e-3  # of a score, by which a full-scale sound changes it at most
_NUDGES = 3  # by which numbers change in their last digit
_ROUNDED = (
    "what there is of it is rounding, and is another where numbers change in their last digit. The output is at an "
    "extreme, as the similarity of a sound with itself is; give another sound, or the rule 'occlusion', which needs no "
    "gradient"
)


class NoRelevance(InputError):
    """The relevance of some clips is zero everywhere; `clips` says of which."""

    def __init__(self, message: str, clips: Sequence[int]) -> None:
        super().__init__(message)
        self.clips = tuple(clips)


def left_out(names: Sequence[str], total: int) -> str | None:
    """What a result says of the sounds of a data set whose relevance is zero everywhere; None where there are none."""
    if not names:
        return None
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (
        f"{len(names)} of {total} sounds are left out, since their relevance is zero everywhere: "
        f"{', '.join(names[:_NAMED])}{more}"
    )


def check_relevant(
    subject: Subject,
    inputs: Tensor,
    signal: Tensor,
    target: Explained,
    rule: str | Rule,
    carrier: str | Rule | Propagation | None,
) -> None:
    """Raise an InputError where the relevance of a clip, (clip, ...), is zero but for rounding; it says why.

    The output was carried back to the sound by `carrier`, or not at all.
    """
    zero = ~signal.flatten(1).any(1)
    product = rule_record(rule).form == "product"
    rounded = torch.tensor([
        carrier is not None and _is_rounding(subject, inputs, signal, clip, target, carrier, product)
        for clip in range(len(signal))
    ])  # fmt: skip
    silent = zero | rounded.to(zero)
    if bool(silent.any()):
        clip = int(silent.nonzero()[0])
        where = f" of clip {clip}" if len(signal) > 1 else ""
        reason = _reason(subject, inputs[clip : clip + 1], clip, target, rule) if zero[clip] else _ROUNDED
        message = f"the relevance{where} for {target.names[clip]} is zero everywhere: {reason}"
        raise NoRelevance(message, silent.nonzero()[:, 0].tolist())


def _is_rounding(
    subject: Subject,
    inputs: Tensor,
    signal: Tensor,
    clip: int,
    target: Explained,
    carrier: str | Rule | Propagation,
    product: bool,
) -> bool:
    """Whether the relevance of a clip is small, and another one where sound and output change by their rounding."""
    one, found = inputs[clip : clip + 1], signal[clip].flatten()
    reach = float(found.abs().sum()) * max(float(one.abs().max()), 1.0)
    if not 0 < reach < _SMALL * abs(float(target.value[clip])):
        return False
    for seed in range(_NUDGES):
        nudge = partial(_nudged, draw=torch.Generator().manual_seed(seed))
        again = _pulled(subject, nudge(one), clip, target, carrier, nudge)
        if again is not None:
            again = (again * one if product else again).flatten()
            if float((again - found).norm()) > 0.5 * float(found.norm()):
                return True
    return False


def _nudged(numbers: Tensor, draw: torch.Generator) -> Tensor:
    """Numbers of which half are larger by what their last digit can tell."""
    larger = torch.rand(numbers.shape, generator=draw).to(numbers.device) < 0.5
    return torch.where(larger, numbers * (1 + 2 * torch.finfo(numbers.dtype).eps), numbers)


def _reason(subject: Subject, inputs: Tensor, clip: int, target: Explained, rule: str | Rule) -> str:
    if rule_record(rule).form != "gradient" and not inputs.any():
        return f"the sound is silent, and the rule {rule_name(rule)} weights what is in it; give another sound or rule"
    value = float(target.value[clip])
    with torch.no_grad():
        noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(0)).to(inputs)
        others = [answers_along(subject.network, level * noise) for level in (0.01, 1.0)]
        depends = any(float(target.score(other, torch.tensor([clip]))) != value for other in others)
    if not depends:
        return (
            "it does not depend on the sound: it is a constant, or at its limit (a probability of 1), its activations "
            "are dead, or something cuts it off"
        )
    if target.kind == "probability" and min(abs(value), abs(1 - value)) < _SURE:
        return (
            f"the model is so sure (its probability is {value:.9g}) that a small change does not move it. Let the "
            "model return the logits before its softmax or sigmoid"
        )
    if rule in ("rise", "freqrise"):
        return "no mask changed the output, though it depends on the sound: draw more masks, of longer cells"
    if rule == "gradcam":
        return "the maps of the layer speak against it wherever they speak. Take another class, or another layer"
    if rule != "gradient":
        by_gradient = _pulled(subject, inputs, clip, target, "gradient")
        if by_gradient is not None and bool(by_gradient.any()):
            return (
                f"the rule {rule_name(rule)} lets nothing through, though the gradient is not zero: every way from the "
                "output to the waveform is negative somewhere. Take the rule 'gradient', or another class"
            )
    return (
        "its gradient is zero, though the output depends on the sound. It is saturated, all its activations are shut "
        "for this sound, or it is behind a step (rounding, a comparison, an argmax), which has no slope. The rule "
        "'occlusion' needs no gradient"
    )


def _pulled(
    subject: Subject,
    inputs: Tensor,
    clip: int,
    target: Explained,
    rule: str | Rule | Propagation,
    changed: Callable[[Tensor], Tensor] = Tensor.clone,
) -> Tensor | None:
    """The relevance of one clip by another pass, whose output is `changed` before its target is derived."""
    try:
        found, pull = vjp_along(subject.network, inputs, rule=rule)
        with torch.enable_grad():
            leaf = changed(found.value).requires_grad_()
            (seed,) = torch.autograd.grad(target.score(leaf, torch.tensor([clip])).sum(), leaf)
        return pull(seed)
    except InputError:
        return None

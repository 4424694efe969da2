"""Guided relevance on CNN12 against a plain forward and backward pass, and against Captum."""

from __future__ import annotations

import warnings

import torch
from captum.attr import GuidedBackprop

from _measure import fastest, say_cost
from otoscope import backproject, load

CLIPS, SECONDS, TARGET = 8, 2.5, 3


def main() -> None:
    torch.manual_seed(0)
    model = load("cnn12", n_classes=10)
    x = torch.randn(CLIPS, 1, int(SECONDS * model.sample_rate))

    def ours(rule: str) -> torch.Tensor:
        return backproject(model, x, _one_logit, rule=rule)

    def plain() -> torch.Tensor:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad(model(leaf)[:, TARGET].sum(), leaf)[0]

    def captum() -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return GuidedBackprop(model).attribute(x.clone().requires_grad_(), target=TARGET)

    assert torch.equal(ours("guided"), captum())
    assert torch.equal(ours("gradient"), plain())
    seconds = fastest({"guided": lambda: ours("guided"), "plain": plain, "captum": captum}, repeats=5, burst=6)
    what = f"guided relevance, CNN12, {CLIPS} x {SECONDS} s"
    say_cost(what, seconds["guided"], seconds["plain"], "a plain forward and input gradient", 1.1)
    say_cost(what, seconds["guided"], seconds["captum"], "Captum's GuidedBackprop", 1.0)


def _one_logit(output: torch.Tensor) -> torch.Tensor:
    seed = torch.zeros_like(output)
    seed[:, TARGET] = 1
    return seed


if __name__ == "__main__":
    main()

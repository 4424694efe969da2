"""The residual study on CNN12 against the passes that it needs, and against a bare forward pass.

Needed for a batch and each layer: a forward pass to the layer, a way back, and a forward pass of the residual.
"""

from __future__ import annotations

import torch
from torch import nn

from _measure import fastest, say_cost
from otoscope import Scope, load, trace
from otoscope.probe.blocks import block_ends
from otoscope.probe.layerwise import run_to

CLIPS, SECONDS, GOAL = 8, 1.0, 2.0


def main() -> None:
    torch.manual_seed(0)
    scope = Scope(load("cnn12", n_classes=10))
    model = scope.model.eval()
    x = torch.randn(CLIPS, 1, int(SECONDS * scope.sample_rate))
    sounds = [(one[0], str(n)) for n, one in enumerate(x)]
    layers = block_ends(trace(model, x, scope.sample_rate))

    def study() -> None:
        scope.residual_study(sounds, layer=layers, batch_size=CLIPS, resamples=10)

    def forward() -> None:
        with torch.no_grad():
            model(x)

    seconds = fastest({"study": study, "needed": lambda: needed(model, x, layers), "forward": forward}, repeats=3)
    what = f"residual study, CNN12, {CLIPS} x {SECONDS} s, {len(layers)} layers"
    say_cost(what, seconds["study"], seconds["needed"], "the passes that it needs", GOAL)
    ratio = seconds["study"] / seconds["forward"]
    print(f"    {CLIPS / seconds['study']:.2f} clips a second; a bare forward pass {CLIPS / seconds['forward']:.1f}")
    print(f"    that is {ratio:.1f} forward passes, {ratio / len(layers):.2f} a layer")


def needed(model: nn.Module, x: torch.Tensor, layers: list[str]) -> None:
    parameters = [p for p in model.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    for layer in layers:
        leaf = x.clone().requires_grad_()
        value = run_to(model, leaf, layer)
        torch.autograd.grad(value, leaf, value.detach())
        with torch.no_grad():
            model(x)
    for parameter in parameters:
        parameter.requires_grad_(True)


if __name__ == "__main__":
    main()

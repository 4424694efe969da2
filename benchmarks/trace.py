"""The first trace of a model against a forward pass, and the second, which has to find that nothing has changed.

A trace runs the model twice, the second time on a clip that is a quarter longer; what is left is arithmetic of its own.
"""

from __future__ import annotations

from itertools import count

import torch

from _measure import fastest, say_cost
from otoscope.models.zoo import build
from otoscope.probe import trace

SECONDS, RATE = 4, 16_000


def main() -> None:
    clip = torch.randn(1, 1, SECONDS * RATE, generator=torch.Generator().manual_seed(0))
    for name in ("cnn12", "leaf"):
        torch.manual_seed(0)
        model = build(name, {"n_classes": 10}).eval()
        rates = count(RATE + 1)  # another rate is another question
        tasks = {
            "forward": torch.no_grad()(lambda model=model: model(clip)),
            "first": lambda model=model, rates=rates: trace(model, clip, next(rates)),
            "second": lambda model=model: trace(model, clip, RATE),
        }
        seconds = fastest(tasks, repeats=9)
        say_cost(f"first trace of {name}", seconds["first"], seconds["forward"], "a forward pass", 5)
        say_cost(f"second trace of {name}", seconds["second"], seconds["forward"], "a forward pass", 0.1)


if __name__ == "__main__":
    main()

"""Guided backpropagation of each way of writing an activation: by Captum, by zennit and by Otoscope.

The table of docs/methods/relevance.md is what this prints; ``--write`` writes it there. zennit imports torchvision for
two names that are not needed here, so ``pip install --no-deps zennit`` suffices; its column says where it is missing.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from captum.attr import GuidedBackprop
from torch import Tensor, nn

import otoscope
from otoscope import backproject

PAGE = Path(__file__).resolve().parents[1] / "docs" / "methods" / "relevance.md"
_START, _END = "<!-- activations -->", "<!-- end of activations -->"
_TARGET = 1

Act = Callable[[Tensor], Tensor]


def _masked(h: Tensor) -> Tensor:
    h = h.clone()
    h[h < 0] = 0
    return h


@torch.jit.script
def _scripted(h):  # type: ignore[no-untyped-def]
    return torch.relu(h)


# The derivatives by which the reference is made.
_SLOPES: dict[str, Act] = {
    "ReLU": lambda x: (x > 0).to(x),
    "leaky ReLU": lambda x: torch.where(x > 0, 1.0, 0.1),
    "SELU": lambda x: 1.0507009873554805 * torch.where(x > 0, 1.0, 1.6732632423543772 * x.exp()),
    "SiLU": lambda x: x.sigmoid() * (1 + x * (1 - x.sigmoid())),
    "GELU": lambda x: (1 + torch.erf(x / math.sqrt(2))) / 2 + x * (-x * x / 2).exp() / math.sqrt(2 * math.pi),
    "softplus": torch.sigmoid,
    "tanh": lambda x: 1 - x.tanh() ** 2,
    "abs": torch.sign,
    "snake": lambda x: 1 + torch.sin(2 * x),
}
WAYS: list[tuple[str, str, Callable[[], Any]]] = [
    ("ReLU", "nn.ReLU()", nn.ReLU),
    ("ReLU", "nn.ReLU(inplace=True)", lambda: nn.ReLU(inplace=True)),
    ("ReLU", "one nn.ReLU() called twice", lambda: _Shared()),
    ("ReLU", "F.relu(h)", lambda: F.relu),
    ("ReLU", "torch.relu(h)", lambda: torch.relu),
    ("ReLU", "h.relu_()", lambda: lambda h: h.relu_()),
    ("ReLU", "h.clamp(min=0)", lambda: lambda h: h.clamp(min=0)),
    ("ReLU", "torch.maximum(h, zeros)", lambda: lambda h: torch.maximum(h, torch.zeros_like(h))),
    ("ReLU", "h * (h > 0)", lambda: lambda h: h * (h > 0)),
    ("ReLU", "torch.where(h > 0, h, 0.0)", lambda: lambda h: torch.where(h > 0, h, 0.0)),
    ("ReLU", "h[h < 0] = 0", lambda: _masked),
    ("ReLU", "(h + h.abs()) / 2", lambda: lambda h: (h + h.abs()) / 2),
    ("ReLU", "a torch.jit.script function", lambda: _scripted),
    ("leaky ReLU", "nn.LeakyReLU(0.1)", lambda: nn.LeakyReLU(0.1)),
    ("leaky ReLU", "torch.where(h > 0, h, 0.1 * h)", lambda: lambda h: torch.where(h > 0, h, 0.1 * h)),
    ("SELU", "nn.SELU()", nn.SELU),
    ("SELU", "F.selu(h, inplace=True)", lambda: lambda h: F.selu(h, inplace=True)),
    ("SiLU", "nn.SiLU()", nn.SiLU),
    ("SiLU", "h * torch.sigmoid(h)", lambda: lambda h: h * torch.sigmoid(h)),
    ("GELU", "nn.GELU()", nn.GELU),
    ("GELU", "F.gelu(h)", lambda: F.gelu),
    ("GELU", "0.5 * h * (1 + torch.erf(h / 2**0.5))", lambda: lambda h: 0.5 * h * (1 + torch.erf(h / 2**0.5))),
    ("softplus", "torch.log(1 + torch.exp(h))", lambda: lambda h: torch.log(1 + torch.exp(h))),
    ("tanh", "nn.Tanh()", nn.Tanh),
    ("tanh", "torch.tanh(h)", lambda: torch.tanh),
    ("abs", "h.abs()", lambda: torch.abs),
    ("snake", "h + torch.sin(h) ** 2", lambda: lambda h: h + torch.sin(h) ** 2),
]


class _Shared(nn.Module):
    """Stands for one module that the network calls in both places."""


class Net(nn.Module):
    """Two convolutions with an activation each, and an average over time."""

    def __init__(self, one: Any, other: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Conv1d(1, 8, 9), nn.Conv1d(8, 8, 5), nn.Linear(8, 3)
        self.one, self.other = one, other

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.other(self.second(self.one(self.first(x)))).mean(-1))


def net(make: Callable[[], Any]) -> Net:
    act = make()
    shared = nn.ReLU() if isinstance(act, _Shared) else None
    return Net(shared or act, shared or make()).double().eval()


def by_hand(activation: str, make: Callable[[], Any], x: Tensor, guided: bool) -> Tensor:
    """The relevance with the rule, or without it, as the derivative of a function of its own."""
    act, slope = (F.relu if isinstance(make(), _Shared) else make()), _SLOPES[activation]

    class Ruled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, h: Tensor) -> Tensor:
            ctx.save_for_backward(h)
            return act(h.clone())

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (h,) = ctx.saved_tensors
            return grad * slope(h) * ((grad > 0) & (h > 0) if guided else 1)

    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(Net(Ruled.apply, Ruled.apply).double()(leaf)[:, _TARGET].sum(), leaf)[0]


def by_captum(model: nn.Module, x: Tensor) -> Tensor:
    return GuidedBackprop(model).attribute(x.clone().requires_grad_(), target=_TARGET)


def by_zennit(model: nn.Module, x: Tensor) -> Tensor:
    _stand_in_for_torchvision()
    from zennit.attribution import Gradient
    from zennit.composites import GuidedBackprop as Composite

    with Gradient(model=model, composite=Composite()) as attributor:
        return attributor(x.clone(), _seed(x))[1]


def _stand_in_for_torchvision() -> None:
    """Give zennit, which imports the residual blocks of torchvision, two classes of that name where it is missing."""
    if "torchvision" not in sys.modules and find_spec("torchvision") is None:
        names = ("torchvision", "torchvision.models", "torchvision.models.resnet")
        modules = {name: ModuleType(name) for name in names}
        modules[names[-1]].__dict__.update(Bottleneck=nn.Module, BasicBlock=nn.Module)
        sys.modules.update(modules)


def by_otoscope(model: nn.Module, x: Tensor) -> Tensor:
    return backproject(model, x, _seed(x), rule="guided")


def _seed(x: Tensor) -> Tensor:
    return torch.eye(3, dtype=x.dtype)[_TARGET].expand(len(x), 3)


def verdict(attribute: Callable[[nn.Module, Tensor], Tensor], activation: str, make: Callable[[], Any]) -> str:
    """What a library returns: guided, the plain gradient, something else, or an error."""
    x = torch.randn(2, 1, 120, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    guided, plain = (by_hand(activation, make, x, rule) for rule in (True, False))
    assert not torch.allclose(guided, plain)
    try:
        found = attribute(net(make), x)
    except ImportError:
        return "not installed"
    except Exception as error:
        return f"error ({type(error).__name__})"
    for name, expected in (("guided", guided), ("plain gradient", plain)):
        if torch.allclose(found, expected, rtol=1e-6, atol=1e-9 * float(expected.abs().max())):
            return name
    return "neither"


def table() -> str:
    peers = {"Captum": by_captum, "zennit": by_zennit, "Otoscope": by_otoscope}
    lines = ["| activation | written as | " + " | ".join(peers) + " |", "| --- " * (len(peers) + 2) + "|"]
    for activation, code, make in WAYS:
        spelt = code if " module" in code or code.startswith(("a ", "one ")) else f"`{code}`"
        answers = [verdict(attribute, activation, make) for attribute in peers.values()]
        lines.append(f"| {activation} | {spelt} | " + " | ".join(answers) + " |")
    return "\n".join(lines)


def main() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = table()
    print(found)
    if "--write" in sys.argv[1:]:
        if "not installed" in found:
            sys.exit("nothing was written: zennit is not installed (pip install --no-deps zennit)")
        before, _, rest = PAGE.read_text("utf-8").partition(_START)
        after = rest.partition(_END)[2]
        PAGE.write_text(f"{before}{_START}\n{found}\n{_END}{after}", "utf-8")
        print(f"\n{PAGE}, by Otoscope {otoscope.__version__} and torch {torch.__version__}")


if __name__ == "__main__":
    main()

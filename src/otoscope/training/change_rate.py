"""How much the filters of a model change from one training iteration to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from otoscope.citations import cite
from otoscope.errors import InputError
from otoscope.results import axis, sign, variable

_CONVOLUTIONS = tuple(
    getattr(nn, f"{kind}{n}d") for kind in ("Conv", "ConvTranspose", "LazyConv", "LazyConvTranspose") for n in (1, 2, 3)
)


class ChangeRate:
    r"""Record the mean change rate of filters over the iterations of a training.

    Parameters
    ----------
    model : nn.Module
        Any module; it is only read.
    layer : str or sequence of str, optional
        Names of modules that have a `weight`, or of parameters; by default all convolutions, or where there are none
        all parameters of two or more axes (such as the edges of computed filters).

    Raises
    ------
    InputError
        If there is no such module or parameter, no filter, or a lazy layer whose weights are not initialised.

    Notes
    -----
    For iteration i and the N weights of a layer, the rate is

    .. math:: \frac{1}{N} \sum_n \left| \frac{w_n^{(i)} - w_n^{(i-1)}}{w_n^{(i-1)}} \right|

    (SimpleNet, figure 4), without weights that were exactly zero. A single weight near zero can dominate this mean, so
    the change of the whole layer, :math:`\|w^{(i)} - w^{(i-1)}\| / \|w^{(i-1)}\|`, is recorded beside it. The cost is a
    copy of the weights and a pass over them at each step; weights that are computed (weight normalisation) are
    computed once more.

    Examples
    --------
    Call :meth:`step` after each step of the optimizer, or let the optimizer call it:

    >>> model = nn.Conv1d(1, 4, 9)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> rate = ChangeRate(model)
    >>> with rate.watch(optimizer):
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         model(torch.randn(2, 1, 100)).square().mean().backward()
    ...         optimizer.step()
    >>> rate.result()["change_rate"].sizes
    Frozen({'iteration': 3, 'layer': 1})
    """

    def __init__(self, model: nn.Module, layer: str | Sequence[str] | None = None) -> None:
        self.layers = _default_layers(model) if layer is None else [layer] if isinstance(layer, str) else list(layer)
        if not self.layers:
            raise InputError(f"{type(model).__name__} has no filters: name modules or parameters as layer")
        self._sources = [_source(model, name) for name in self.layers]
        self._before = [weight.clone() for weight in self._weights()]
        self._rates: list[Tensor] = []
        self._changes: list[Tensor] = []

    def step(self) -> None:
        """Record how much the weights have changed since the last call."""
        rates, changes = [], []
        for before, now in zip(self._before, self._weights(), strict=True):
            moved = now - before
            changes.append(moved.norm() / before.norm())
            # Quotients of zero weights are left out, but not weights that became NaN; all in place, as this runs at
            # every step.
            relative = moved.div_(before).masked_fill_(before == 0, 0)
            rates.append(relative.norm(p=1) / before.count_nonzero())
            before.copy_(now)
        # They stay on the device of the weights, so that no step waits for a GPU.
        self._rates.append(torch.stack(rates))
        self._changes.append(torch.stack(changes))

    def watch(self, optimizer: torch.optim.Optimizer) -> RemovableHandle:
        """Call :meth:`step` after every step of an optimizer, until the handle is removed or its context ends."""

        def stepped(*_: Any) -> None:
            self.step()

        return optimizer.register_step_post_hook(stepped)

    def state_dict(self) -> dict[str, Tensor]:
        """The changes so far, for a checkpoint."""
        return {"rates": _stacked(self._rates), "changes": _stacked(self._changes)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore the changes of a checkpoint; the weights of the model must be those of that moment."""
        self._rates, self._changes = list(state["rates"]), list(state["changes"])

    def result(self) -> xr.Dataset:
        """The changes so far.

        Returns
        -------
        Dataset
            `change_rate` and `change` (iteration, layer); the first iteration has the number 1.

        Raises
        ------
        InputError
            If no step was recorded.
        """
        if not self._rates:
            raise InputError("no step was recorded: call step() after each optimizer step, or use watch(optimizer)")
        dims = ["iteration", "layer"]
        result = xr.Dataset(
            {
                "change_rate": variable(dims, _stacked(self._rates).float(), "mean change rate of the weights"),
                "change": variable(dims, _stacked(self._changes).float(), "change of the layer's weights"),
            },
            coords={
                "iteration": axis("iteration", range(1, len(self._rates) + 1), "iteration"),
                "layer": self.layers,
            },
        )
        return sign(result, "change_rate", cite("simplenet", "figure 4"), {"layer": self.layers})

    @torch.no_grad()
    def _weights(self) -> list[Tensor]:
        # The weight of a module may be computed on each access.
        return [_weight_of(source).detach() for source in self._sources]


def _stacked(rows: list[Tensor]) -> Tensor:
    return torch.stack(rows).cpu() if rows else torch.zeros(0, 0)


def _default_layers(model: nn.Module) -> list[str]:
    convolutions = [name or "weight" for name, module in model.named_modules() if isinstance(module, _CONVOLUTIONS)]
    return convolutions or [name for name, parameter in model.named_parameters() if parameter.ndim > 1]


def _source(model: nn.Module, name: str) -> nn.Module | nn.Parameter:
    """The module with the weight, or the parameter, of that name."""
    modules: dict[str, nn.Module] = {name or "weight": module for name, module in model.named_modules()}
    parameters = dict(model.named_parameters())
    if name in parameters:
        return parameters[name]
    if name not in modules:
        known = ", ".join(_default_layers(model))
        raise InputError(f"no module or parameter is named {name!r}; the default layers are {known}")
    if not isinstance(getattr(modules[name], "weight", None), Tensor):
        raise InputError(f"the module {name!r} has no weight: name one that has, or a parameter")
    return modules[name]


def _weight_of(source: nn.Module | nn.Parameter) -> Tensor:
    weight = source if isinstance(source, nn.Parameter) else source.weight
    assert isinstance(weight, Tensor)
    if nn.parameter.is_lazy(weight):
        raise InputError("a lazy layer has no weights yet: run the model on a sound first, to initialise them")
    return weight

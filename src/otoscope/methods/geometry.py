"""Geometry of the weights of every layer, seen as a dictionary of atoms."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from otoscope.citations import cite
from otoscope.dsp.dictionary import properties, unrolled_atoms
from otoscope.errors import InputError
from otoscope.methods.catalogue import Rows, method
from otoscope.probe import Layer, Tap
from otoscope.results import axis, variable
from otoscope.subject import Subject

Measure = Literal["A", "B", "beta_min", "beta_avg", "beta_mse", "mu", "mu_avg", "mu_mse"]

#: What is measured of a layer: name, meaning, units.
MEASURES: tuple[tuple[Measure, str, str], ...] = (
    ("A", "lower frame bound", "1"),
    ("B", "upper frame bound", "1"),
    ("beta_min", "smallest angle between two atoms", "degrees"),
    ("beta_avg", "angle from an atom to its nearest, mean over atoms", "degrees"),
    ("beta_mse", "arccosine of mu_mse", "degrees"),
    ("mu", "mutual coherence", "1"),
    ("mu_avg", "coherence of an atom with its nearest, mean over atoms", "1"),
    ("mu_mse", "root of the summed squared eigenvalues over the number of atoms", "1"),
)

# Those of SWAM's Table 4 come first: in a narrow terminal the others stand below.
_COLUMNS = (
    *("A", "B", "beta_avg", "mu", "mu_avg"),
    *("beta_min", "beta_mse", "mu_mse", "atoms", "dimension", "dead", "skip"),
)


@method(
    source=f"{cite('skretting2011')}; {cite('swam', 'section 2.2, Table 4')}",
    takes="model",
    rows=Rows(("layer",), _COLUMNS),
    main="A",
)
def geometry(subject: Subject) -> xr.Dataset:
    r"""Geometry of the kernels of every convolutional layer: frame bounds, angles and coherence.

    Returns
    -------
    Dataset over layer
        `A`, `B`, `beta_min`, `beta_avg`, `beta_mse` (degrees), `mu`, `mu_avg`, `mu_mse`; `babel`
        (layer, order); `atoms`, `dimension`, `dead` (kernels that are zero) and `skip` (1 where the layer's
        result is added to another path).

    Raises
    ------
    InputError
        If the model has no convolution.

    Notes
    -----
    The atoms of a layer are its kernels, unrolled over input channels and taps and scaled to unit norm. Zeros
    are inserted for dilation; the branches of a block are put together, aligned at the left and padded with
    zeros to the longest. With D the matrix of atoms, A and B are the smallest and largest eigenvalues of
    :math:`D D^T`; A is 0 where the atoms do not span their space,
    as in every layer with fewer kernels than dimensions.

    Examples
    --------
    >>> model = torch.nn.Conv1d(1, 2, 2, bias=False)
    >>> _ = model.weight.data.copy_(torch.eye(2)[:, None])
    >>> result = geometry(Subject(model, sample_rate=8000))
    >>> float(result.A[0]), float(result.B[0]), float(result.mu[0])
    (1.0, 1.0, 0.0)
    """
    layers = subject.taps().layers
    if not layers:
        raise InputError("the model has no convolution: there are no kernels to measure")
    measured = [properties(layer_atoms(layer), groups=_groups(layer)) for layer in layers]
    orders = max(len(one["babel"]) for one in measured)
    babel = np.full((len(layers), orders), np.nan)
    for row, one in zip(babel, measured, strict=True):
        row[: len(one["babel"])] = one["babel"].cpu()
    columns = {
        name: variable(["layer"], [one[name] for one in measured], meaning, units) for name, meaning, units in MEASURES
    }
    counts = {
        "atoms": ([one["atoms"] for one in measured], "number of atoms"),
        "dimension": ([one["dimension"] for one in measured], "input channels times taps"),
        "dead": ([one["dead"] for one in measured], "kernels that are zero"),
        "skip": ([int(layer.skip) for layer in layers], "added to another path"),
    }
    return xr.Dataset(
        {
            **columns,
            **{name: variable(["layer"], values, meaning) for name, (values, meaning) in counts.items()},
            "babel": variable(["layer", "order"], babel, "babel function"),
        },
        coords={
            "layer": [layer.name for layer in layers],
            "order": axis("order", np.arange(1, orders + 1), "number of atoms that are summed over"),
        },
    )


def layer_atoms(layer: Layer) -> Tensor:
    """The kernels of a layer as rows, not yet scaled: (atoms, input channels x taps)."""
    weights = [tap.weight for tap in layer.taps if tap.weight is not None]
    if all(sum(n > 1 for n in tap.kernel) <= 1 for tap in layer.taps):  # (k,), (k, 1) or (1, k)
        return unrolled_atoms([weight.flatten(2) for weight in weights], [_dilation(tap) for tap in layer.taps])
    if len(weights) > 1 and len({weight.shape[1:] for weight in weights}) > 1:
        raise InputError(f"layer {layer.name!r} has two-dimensional branches of different shapes")
    return torch.cat([weight.flatten(1) for weight in weights])


def _dilation(tap: Tap) -> int:
    """Along the axis on which the kernel is longer than one tap."""
    return next((d for d, n in zip(tap.dilation, tap.kernel, strict=True) if n > 1), 1)


def _groups(layer: Layer) -> int:
    return layer.taps[0].groups if len(layer.taps) == 1 else 1

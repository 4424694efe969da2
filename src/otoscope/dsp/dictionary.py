"""The weights of a layer as a dictionary: how well its kernels span the space of inputs and differ from each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import Tensor
from torch.nn.functional import pad

from otoscope.errors import InputError


class DictionaryProperties(TypedDict):
    """Result of :func:`properties`; angles in degrees, NaN where there is no pair of atoms."""

    A: float
    B: float
    beta_min: float
    beta_avg: float
    beta_mse: float
    mu: float
    mu_avg: float
    mu_mse: float
    atoms: int
    dead: int
    dimension: int
    babel: Tensor


def unrolled_atoms(kernels: Sequence[Tensor], dilations: Sequence[int]) -> Tensor:
    """Unroll the kernels of the parallel branches of a layer into atoms of one length.

    Parameters
    ----------
    kernels : sequence of Tensor (K_i, C, w_i)
        Weights of the branches, which read the same C channels.
    dilations : sequence of int
        Dilation of each branch, at least 1.

    Returns
    -------
    Tensor (sum of K_i, C * longest)
        Dilation written out as zeros between taps; branches left-aligned and zero-padded to the longest.

    Raises
    ------
    InputError
        No kernels, shapes or channels that do not fit, a dilation below 1.

    Notes
    -----
    With this convention the published Inc-TSSDNet gives Table 4 of SWAM (Gupta and Abrol).

    Examples
    --------
    >>> import torch
    >>> unrolled_atoms([torch.ones(1, 1, 2), torch.full((1, 1, 2), 3.0)], dilations=[1, 2])
    tensor([[1., 1., 0.],
            [3., 0., 3.]])
    """
    if not kernels or len(kernels) != len(dilations):
        raise InputError(f"give one dilation for each branch, got {len(dilations)} for {len(kernels)} branches")
    for kernel, dilation in zip(kernels, dilations, strict=True):
        if kernel.ndim != 3 or 0 in kernel.shape or kernel.shape[1] != kernels[0].shape[1]:
            shapes = [tuple(each.shape) for each in kernels]
            raise InputError(f"kernels must be (atoms, channels, taps) with equal channels, got {shapes}")
        if isinstance(dilation, bool) or not isinstance(dilation, int) or dilation < 1:
            raise InputError(f"dilations must be whole numbers of at least 1, got {dilation!r}")
    spread = [_spread(kernel, dilation) for kernel, dilation in zip(kernels, dilations, strict=True)]
    longest = max(kernel.shape[-1] for kernel in spread)
    return torch.cat([pad(kernel, (0, longest - kernel.shape[-1])).flatten(1) for kernel in spread])


def gram(atoms: Tensor, groups: int = 1) -> Tensor:
    """Inner products of all atoms, scaled to unit norm.

    Parameters
    ----------
    atoms : Tensor (K, ...)
        One atom a row, such as the weight of a convolution; what follows the first dimension is unrolled.
    groups : int
        Groups of a grouped convolution, equal runs of rows.

    Returns
    -------
    Tensor (K, K), float64
        Zero between atoms of different groups, which read different channels, and for all-zero atoms.

    Raises
    ------
    InputError
        Atoms that are not finite real numbers of shape (K, ...), or groups that do not divide K.

    Examples
    --------
    >>> import torch
    >>> gram(torch.tensor([[2.0, 0.0], [3.0, 4.0]]))
    tensor([[1.0000, 0.6000],
            [0.6000, 1.0000]], dtype=torch.float64)
    """
    unit = _unit_norm(atoms, groups)
    return _masked_gram(unit, _group_of(unit, groups))


def properties(atoms: Tensor, groups: int = 1) -> DictionaryProperties:
    """Frame bounds, coherences and babel function of a dictionary.

    Parameters
    ----------
    atoms : Tensor (K, N)
        One atom a row, of any norm; what follows the first dimension is unrolled, so the weight of a
        convolution may be given as it is. All-zero atoms have no direction: they are left out and counted.
    groups : int
        Groups of a grouped convolution, equal runs of rows. Each group reads its own channels, so its atoms
        are orthogonal to all others and the dimension is ``N * groups``.

    Returns
    -------
    DictionaryProperties
        A dict of Python numbers and one Tensor:

        - ``A``, ``B``: smallest and largest eigenvalue of D D^T; ``A`` is 0 when the atoms do not span;
        - ``mu``, ``mu_avg``: largest and mean (over atoms) of each atom's largest absolute coherence;
        - ``mu_mse``: root of the summed squared eigenvalues over the number of atoms;
        - ``beta_min``, ``beta_avg``, ``beta_mse``: the angles, in degrees: arccos of ``mu``, the mean
          of the atoms' smallest angles, arccos of ``mu_mse``;
        - ``atoms``, ``dead``, ``dimension``: atoms counted, all-zero atoms left out, length of an atom;
        - ``babel``: Tensor (atoms - 1,), float64; entry ``m - 1`` is the largest sum of an atom's ``m``
          largest coherences.

        One atom alone has no coherence: ``mu``, ``mu_avg`` and their angles are NaN and ``babel`` is
        empty. With no atom at all ``A = B = 0`` and the rest is NaN.

    Raises
    ------
    InputError
        Atoms that are not finite real numbers of shape (K, N), or groups that do not divide K.

    Notes
    -----
    Skretting and Engan, "Learned dictionaries for sparse image representation: properties and
    results", SPIE 8138, 2011; used on networks in SWAM, section 2.2. Computed in float64 from the
    smaller of D D^T and D^T D, which share their eigenvalues but for zeros.

    Examples
    --------
    Three directions in the plane, 120 degrees apart, are a tight frame:

    >>> import torch
    >>> angles = 2 * torch.pi * torch.arange(3, dtype=torch.float64) / 3
    >>> frame = properties(torch.stack((angles.cos(), angles.sin()), 1))
    >>> {name: round(frame[name], 3) for name in ("A", "B", "mu", "beta_min")}
    {'A': 1.5, 'B': 1.5, 'mu': 0.5, 'beta_min': 60.0}
    >>> frame["babel"]
    tensor([0.5000, 1.0000], dtype=torch.float64)
    """
    unit = _unit_norm(atoms, groups)
    alive = unit.any(1)
    group_of = _group_of(unit, groups)[alive]
    dead = len(unit) - int(alive.sum())
    unit = unit[alive]
    count, dimension = len(unit), unit.shape[1] * groups
    products = _masked_gram(unit, group_of)

    smaller = unit.T @ unit if groups == 1 and unit.shape[1] < count else products
    lower, upper = _bounds(torch.linalg.eigvalsh(smaller), dimension, _precision(atoms))

    # The squared eigenvalues of a symmetric matrix sum to its squared entries.
    mu_mse = float(products.norm()) / count if count else torch.nan
    coherence = products.fill_diagonal_(0).abs_().clamp_(max=1)  # the Gram matrix itself is no longer needed
    nearest = coherence.amax(1) if count > 1 else coherence.new_tensor([torch.nan])
    mu = nearest.max()
    babel = coherence.sort(1, descending=True).values[:, :-1].cumsum(1)
    return DictionaryProperties(
        A=lower,
        B=upper,
        beta_min=_degrees(mu),
        beta_avg=_degrees(nearest),
        beta_mse=_degrees(nearest.new_tensor(mu_mse)),
        mu=float(mu),
        mu_avg=float(nearest.mean()),
        mu_mse=mu_mse,
        atoms=count,
        dead=dead,
        dimension=dimension,
        babel=babel.amax(0) if count > 1 else coherence.new_empty(0),
    )


def _spread(kernel: Tensor, dilation: int) -> Tensor:
    """The kernel with ``dilation - 1`` zeros between its taps."""
    spread = kernel.new_zeros(*kernel.shape[:-1], (kernel.shape[-1] - 1) * dilation + 1)
    spread[..., ::dilation] = kernel
    return spread


def _unit_norm(atoms: Tensor, groups: int) -> Tensor:
    """The atoms as rows of unit norm in float64; all-zero rows stay zero."""
    if atoms.ndim < 2 or 0 in atoms.shape or atoms.is_complex():
        shape = tuple(atoms.shape)
        raise InputError(f"atoms must be real and of shape (atoms, dimension), got {atoms.dtype} of {shape}")
    if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1 or len(atoms) % groups:
        raise InputError(f"groups must divide the {len(atoms)} atoms, got {groups!r}")
    rows = atoms.detach().flatten(1).double()
    if not rows.isfinite().all():
        raise InputError("atoms hold NaN or infinite weights: check that the training converged")
    # Divided by the largest entry first, so that squares of very small or large weights neither vanish nor overflow.
    rows = rows / rows.abs().amax(1, keepdim=True).where(rows.any(1, keepdim=True), 1)
    norm: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / norm.clamp(min=1)


def _group_of(unit: Tensor, groups: int) -> Tensor:
    """Number of the group of each row."""
    return torch.arange(len(unit), device=unit.device) // (len(unit) // groups)


def _masked_gram(unit: Tensor, group_of: Tensor) -> Tensor:
    products = unit @ unit.T
    return products.masked_fill_(group_of[:, None] != group_of, 0)


def _precision(atoms: Tensor) -> float:
    """Relative rounding error of the weights in their own precision."""
    return torch.finfo(atoms.dtype if atoms.is_floating_point() else torch.float64).eps


def _bounds(eigenvalues: Tensor, dimension: int, precision: float) -> tuple[float, float]:
    """Smallest and largest eigenvalue of D D^T from the ascending ones of the smaller Gram matrix."""
    if not len(eigenvalues):
        return 0.0, 0.0
    upper = float(eigenvalues[-1])
    if len(eigenvalues) < dimension:
        return 0.0, upper
    lower = float(eigenvalues[-dimension])
    # Eigenvalues are squared singular values, and the weights were rounded before they were squared.
    size = max(len(eigenvalues), dimension)
    smallest = upper * size * max(torch.finfo(torch.float64).eps, size * precision**2)
    return (lower if lower > smallest else 0.0), upper


def _degrees(cosine: Tensor) -> float:
    """Mean angle of these cosines."""
    return float(cosine.clamp(max=1).arccos().rad2deg().mean())

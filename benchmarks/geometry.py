"""Geometry of a large dictionary against a non-symmetric eigendecomposition of its frame operator."""

from __future__ import annotations

import numpy as np
import torch

from _measure import fastest, say_gain
from otoscope.dsp.dictionary import properties

DIMENSION, ATOMS = 1536, 512


def main() -> None:
    atoms = torch.randn(ATOMS, DIMENSION, generator=torch.Generator().manual_seed(0))
    unit = (atoms / atoms.norm(dim=1, keepdim=True)).double().numpy()
    products = unit.T @ unit  # D D^T, given to the peer for free
    assert np.isclose(properties(atoms)["B"], np.linalg.eigvalsh(products)[-1])
    seconds = fastest({"ours": lambda: properties(atoms), "eig": lambda: np.linalg.eig(products)}, repeats=3)
    what = f"all properties of {ATOMS} atoms of {DIMENSION} dimensions"
    say_gain(what, seconds["ours"], seconds["eig"], "numpy's eig of D D^T", 20)


if __name__ == "__main__":
    main()

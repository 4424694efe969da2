"""Speed of the geometry of a dictionary: ``python benchmarks/geometry.py``.

One line a ratio: name, ours, peer, ratio, goal. Medians of interleaved repeats.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from otoscope.dsp.dictionary import properties

DIMENSION, ATOMS, REPEATS = 1536, 512, 3


def seconds(call: object) -> float:
    start = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - start


def main() -> None:
    torch.set_num_threads(2)
    atoms = torch.randn(ATOMS, DIMENSION, generator=torch.Generator().manual_seed(0))
    unit = (atoms / atoms.norm(dim=1, keepdim=True)).double().numpy()
    products = unit.T @ unit  # D D^T, given to the peer for free
    properties(atoms)
    times = [(seconds(lambda: properties(atoms)), seconds(lambda: np.linalg.eig(products))) for _ in range(REPEATS)]
    ours, peer = 1e3 * np.median(times, axis=0)
    assert np.isclose(properties(atoms)["B"], np.linalg.eigvalsh(products)[-1])
    print(
        f"all properties of {ATOMS} atoms of {DIMENSION} dimensions against numpy eig of D D^T: "
        f"ours {ours:.1f} ms, peer {peer:.1f} ms, ratio {peer / ours:.1f} (goal >= 20, faster)"
    )


if __name__ == "__main__":
    main()

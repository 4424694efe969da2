"""Wigner-Ville distributions of a first layer against the same equation in plain numpy, kernel by kernel."""

from __future__ import annotations

import numpy as np
import scipy.signal
import torch

from _measure import fastest, say_gain
from otoscope.dsp.wigner import wigner_ville

KERNELS, WIDTH = 80, 300


def kernel_by_kernel(kernels: np.ndarray) -> np.ndarray:
    """The lag products of all half samples of one kernel and their transforms, then those of the next."""
    count, n = kernels.shape
    found = np.empty((count, 2 * n - 1, n))
    half_samples, products = np.zeros(4 * n - 3, complex), np.zeros((2 * n - 1, 2 * n), complex)
    for kernel, result in zip(kernels, found, strict=True):
        half_samples[n - 1 : 3 * n - 2 : 2] = scipy.signal.hilbert(kernel)
        windows = np.lib.stride_tricks.sliding_window_view(half_samples, n)
        later, earlier = windows[n - 1 :], windows[: 2 * n - 1, ::-1]
        products[:, :n] = later * earlier.conj()
        products[:, n + 1 :] = products[:, n - 1 : 0 : -1].conj()  # the lags below zero
        result[:] = np.fft.fft(products).real[:, :n] / n
    return found.transpose(0, 2, 1)


def main() -> None:
    kernels = torch.randn(KERNELS, WIDTH, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(wigner_ville(kernels), kernel_by_kernel(kernels.numpy()), atol=1e-5)
    seconds = fastest(
        {"ours": lambda: wigner_ville(kernels), "loop": lambda: kernel_by_kernel(kernels.numpy())}, repeats=7
    )
    what = f"Wigner-Ville distributions of {KERNELS} kernels of {WIDTH}"
    say_gain(what, seconds["ours"], seconds["loop"], "plain numpy, kernel by kernel", 2)


if __name__ == "__main__":
    main()

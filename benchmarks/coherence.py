"""Magnitude-squared coherence of many pairs of clips against scipy, clip by clip and all in one call."""

from __future__ import annotations

import numpy as np
import scipy.signal
import torch

from _measure import THREADS, fastest, say_cost, say_gain
from otoscope.dsp.coherence import coherence

CLIPS, SECONDS, SAMPLE_RATE = 64, 5, 8000


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    for dtype in (torch.float32, torch.float64):
        x, y = torch.randn(2, CLIPS, SECONDS * SAMPLE_RATE, dtype=dtype)
        y = x + y
        x_np, y_np = x.numpy(), y.numpy()
        _, expected = scipy.signal.coherence(x_np, y_np, SAMPLE_RATE)
        np.testing.assert_allclose(coherence(x, y, SAMPLE_RATE)[0], expected, atol=1e-5)
        seconds = fastest(
            {
                "ours": lambda x=x, y=y: coherence(x, y, SAMPLE_RATE),
                "loop": lambda x=x_np, y=y_np: [
                    scipy.signal.coherence(one, other, SAMPLE_RATE) for one, other in zip(x, y, strict=True)
                ],
                "vectorised": lambda x=x_np, y=y_np: scipy.signal.coherence(x, y, SAMPLE_RATE, axis=-1),
            },
            repeats=5,
            burst=4,
        )
        what = f"coherence of {CLIPS} pairs of {SECONDS} s, {str(dtype).removeprefix('torch.')}"
        say_gain(what, seconds["ours"], seconds["loop"], "scipy.signal.coherence pair by pair", 10)
        say_cost(what, seconds["ours"], seconds["vectorised"], "one call of scipy.signal.coherence", 1)


if __name__ == "__main__":
    main()

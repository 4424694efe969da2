"""STRS against the matrix products it is made of and against plain numpy; memory of the CRS of a long file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch

from _measure import THREADS, fastest, say_cost, say_gain
from otoscope.dsp.response import strs

SAMPLE_RATE, KERNELS, WIDTH, HOP, N_FFT = 16_000, 80, 300, 10, 1024

STREAMING = """
import resource, sys
import torch
from otoscope.audio import stream_audio
from otoscope.dsp.response import crs_stream
torch.set_num_threads(2)
crs_stream(stream_audio(sys.argv[1]), torch.randn(80, 300), hop=10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def published_convention(signal: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Zeros after the signal, double-precision complex spectra, one complex product."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, (0, WIDTH - 1)), WIDTH)[::HOP]
    spectra = np.fft.rfft(kernels.astype(np.float64), N_FFT)
    return np.abs(spectra.T @ (kernels @ frames.T))


def peak_memory(minutes: int, folder: str) -> float:
    """Peak resident MiB of a fresh process that streams a file of this length."""
    path = Path(folder) / f"{minutes}.wav"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 1) as file:
        for _ in range(minutes):
            file.write(rng.uniform(-0.5, 0.5, 60 * SAMPLE_RATE))
    run = subprocess.run([sys.executable, "-c", STREAMING, path], check=True, capture_output=True, text=True)
    return int(run.stdout) / 1024


def main() -> None:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    signal, kernels = torch.randn(SAMPLE_RATE), torch.randn(KERNELS, WIDTH)
    frames, bins = SAMPLE_RATE // HOP, N_FFT // 2 + 1
    unfolded, spectra, responses = (
        torch.randn(WIDTH, frames),
        torch.randn(2 * bins, KERNELS),
        torch.randn(KERNELS, frames),
    )
    signal_np, kernels_np = signal.numpy(), kernels.numpy()
    np.testing.assert_allclose(
        strs(signal, kernels, HOP, N_FFT, "start"), published_convention(signal_np, kernels_np), rtol=1e-3, atol=0.1
    )
    seconds = fastest(
        {
            "ours": lambda: strs(signal, kernels, HOP, N_FFT),
            "products": lambda: (kernels @ unfolded, spectra @ responses),
            "published": lambda: published_convention(signal_np, kernels_np),
        },
        repeats=5,
        burst=80,
    )
    what = f"STRS of {KERNELS} kernels of {WIDTH}, 1 s"
    say_cost(what, seconds["ours"], seconds["products"], "its two matrix products alone", 1.5)
    say_gain(what, seconds["ours"], seconds["published"], "plain numpy in the published convention", 3)
    with tempfile.TemporaryDirectory() as folder:
        short, long = peak_memory(3, folder), peak_memory(30, folder)
    print(
        f"streamed CRS: peak memory {long:.0f} MiB for 30 min, {long / short:.2f} times that for 3 min "
        f"({short:.0f} MiB); goal about 1"
    )


if __name__ == "__main__":
    main()

"""Speed and memory of STRS and CRS: ``python benchmarks/strs.py``.

One line a ratio: name, ours, peer, ratio, goal. All times are medians of interleaved repeats.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch

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


def medians(*calls: Callable[[], object], repeats: int = 40) -> list[float]:
    """Median milliseconds of each call, all taken in turn so that they meet the same conditions."""
    times: list[list[float]] = [[] for _ in calls]
    for turn in range(repeats + 3):
        for call, spent in zip(calls, times, strict=True):
            time.sleep(0.05)  # until the threads of the other's BLAS no longer spin
            start = time.perf_counter()
            call()
            if turn >= 3:  # after the caches are warm
                spent.append(1e3 * (time.perf_counter() - start))
    return [float(np.median(spent)) for spent in times]


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


def report(name: str, ours: float, peer: float, ratio: float, goal: str, unit: str = "ms") -> None:
    print(f"{name}: ours {ours:.2f} {unit}, peer {peer:.2f} {unit}, ratio {ratio:.2f} (goal {goal})", flush=True)


def main() -> None:
    torch.set_num_threads(2)
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
    ours, products, published = medians(
        lambda: strs(signal, kernels, HOP, N_FFT),
        lambda: (kernels @ unfolded, spectra @ responses),
        lambda: published_convention(signal_np, kernels_np),
    )
    report("STRS against its two matrix products alone", ours, products, ours / products, "<= 1.5")
    report("STRS against plain numpy, published convention", ours, published, published / ours, ">= 3, faster")
    with tempfile.TemporaryDirectory() as folder:
        short, long = peak_memory(3, folder), peak_memory(30, folder)
    report("streamed CRS, peak memory of 30 min against 3 min", long, short, long / short, "about 1", "MiB")


if __name__ == "__main__":
    main()

"""What Captum computes: integrated gradients, SmoothGrad, occlusion in time and in frequency."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from otoscope.errors import InputError

Score = Callable[[Tensor], Tensor]
"""From waveforms as the model takes them, (n, ..., time), to the output that is explained, (n,)."""


def integrated_gradients(
    score: Score, clip: Tensor, sample_rate: float, *, steps: int = 50, batch_size: int = 8
) -> tuple[Tensor, Tensor]:
    r"""The mean gradient on the straight way from silence to the clip.

    Parameters
    ----------
    score : callable
    clip : Tensor, (1, ..., time)
    sample_rate : float
        In Hz.
    steps : int
        Points of the Gauss-Legendre quadrature.
    batch_size : int
        Waveforms in one pass of the model.

    Returns
    -------
    gradient : Tensor, (1, ..., time)
        What the clip is multiplied by to be the relevance.
    baseline : Tensor, (1,)
        The score of silence: the relevance sums to the score of the clip less this, up to the error of the quadrature.

    Notes
    -----
    :math:`\int_0^1 \partial y / \partial x_n (\alpha x)\, d\alpha`, which times :math:`x_n` are integrated gradients
    (Sundararajan et al. 2017, eq. 1).
    """
    from captum.attr import IntegratedGradients

    _check_counts(steps=steps, batch_size=batch_size)
    silence = torch.zeros_like(clip)
    with torch.no_grad():
        baseline = score(silence)
    if not baseline.isfinite().all():
        raise InputError(
            "integrated gradients start at silence, to which the model's answer is not finite (does it divide by the "
            "level of the sound?): choose another rule, such as smoothgrad"
        )
    explainer = IntegratedGradients(score, multiply_by_inputs=False)
    return explainer.attribute(clip, silence, n_steps=steps, internal_batch_size=batch_size), baseline


def smoothgrad(
    score: Score,
    clip: Tensor,
    sample_rate: float,
    *,
    samples: int = 32,
    noise: float = 0.1,
    seed: int = 0,
    batch_size: int = 8,
) -> tuple[Tensor, None]:
    r"""The gradient, averaged over noisy copies of the clip.

    Parameters
    ----------
    score : callable
    clip : Tensor, (1, ..., time)
    sample_rate : float
        In Hz.
    samples : int
        Noisy copies.
    noise : float
        Standard deviation of the Gaussian noise over the root mean square of the clip; 0.1 is 20 dB below it.
    seed : int
        Of the noise.
    batch_size : int
        Waveforms in one pass of the model.

    Returns
    -------
    signal : Tensor, (1, ..., time)
    None

    Notes
    -----
    :math:`\frac{1}{S} \sum_s \partial y / \partial x_n (x + \epsilon_s)` (Smilkov et al. 2017, section 3). They
    give the noise as a share of the range of values, which says little about a sound: its root mean square does.
    """
    from captum.attr import NoiseTunnel, Saliency

    _check_counts(samples=samples, batch_size=batch_size)
    if not _is_number(noise) or noise < 0:
        raise InputError(
            f"noise has to be a number of 0 or more, a share of the clip's root mean square; got {noise!r}"
        )
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
        raise InputError(f"seed has to be a whole number of 0 or more, below 2**63; got {seed!r}")
    with _seeded(seed):
        # The noise comes as float32, also for a model of half precision.
        signal = NoiseTunnel(Saliency(lambda noisy: score(noisy.to(clip.dtype)))).attribute(
            clip.requires_grad_(),
            nt_samples=samples,
            nt_samples_batch_size=min(batch_size, samples),
            stdevs=float(noise * clip.detach().square().mean().sqrt()),
            abs=False,
        )
    return signal.detach(), None


def occlusion(
    score: Score,
    clip: Tensor,
    sample_rate: float,
    *,
    occlusion_window: float = 0.05,
    occlusion_hop: float | None = None,
    batch_size: int = 8,
) -> tuple[Tensor, Tensor]:
    r"""What the score loses when a window of the clip is silenced.

    Parameters
    ----------
    score : callable
    clip : Tensor, (1, ..., time)
    sample_rate : float
        In Hz.
    occlusion_window, occlusion_hop : float
        Length of the window and distance from one to the next in s; the hop is half of the window by default.
    batch_size : int
        Waveforms in one pass of the model.

    Returns
    -------
    signal : Tensor, (1, ..., time)
        Every sample of the clip times the loss there.
    loss : Tensor, (1, ..., time)
        For every sample, the mean over the windows that it lies in.

    Notes
    -----
    :math:`a[n] = \operatorname{mean}_{w \ni n} \left( y(x) - y(x\,[\text{not in } w]) \right)` (Zeiler and Fergus
    2014, section 4.2). The loss is a staircase, which can be looked at but not listened to, so that the
    signal is :math:`a[n]\, x[n]`.
    """
    from captum.attr import Occlusion

    _check_counts(batch_size=batch_size)
    for name, value in (("occlusion_window", occlusion_window), ("occlusion_hop", occlusion_hop)):
        if value is not None and not _is_number(value):
            raise InputError(f"{name} has to be a number of seconds, got {value!r}")
    hop = occlusion_window / 2 if occlusion_hop is None else occlusion_hop
    window, step = round(occlusion_window * sample_rate), round(hop * sample_rate)
    if not 1 <= step <= window <= clip.shape[-1]:
        raise InputError(
            f"occlusion_window has to be as short as the clip ({clip.shape[-1] / sample_rate:g} s) or shorter, and "
            f"occlusion_hop between one sample ({1 / sample_rate:g} s) and the window; got {occlusion_window!r} s and "
            f"{hop!r} s"
        )
    others = clip.shape[1:-1]
    loss = Occlusion(score).attribute(
        clip,
        sliding_window_shapes=(*others, window),
        strides=(*others, step),
        perturbations_per_eval=batch_size,
    )
    return loss * clip, loss


def frequency_occlusion(
    score: Score, clip: Tensor, sample_rate: float, *, bands: int | Sequence[float] = 24, batch_size: int = 8
) -> tuple[Tensor, Tensor]:
    r"""What the score loses when a band of frequencies is taken out of the clip.

    Parameters
    ----------
    score : callable
    clip : Tensor, (1, ..., time)
    sample_rate : float
        In Hz.
    bands : int or sequence of float
        Number of bands of equal width on the mel scale from 0 to the Nyquist limit, or their edges in Hz.
    batch_size : int
        Waveforms in one pass of the model.

    Returns
    -------
    signal : Tensor, (1, ..., time)
        The bands of the clip, each times its loss.
    loss : Tensor, (1, bands)

    Notes
    -----
    With :math:`x_b` the clip's DFT bins from one edge up to the next, so that the bands add up to the clip,

    .. math:: a_b = y(x) - y(x - x_b), \qquad s[n] = \sum_b a_b\, x_b[n]

    The gains of the bands, all one, are the features that Captum sets to zero one after another.
    """
    from captum.attr import FeatureAblation

    _check_counts(batch_size=batch_size)
    edges = band_edges(bands, sample_rate)
    length = clip.shape[-1]
    spectrum = torch.fft.rfft(clip.to(torch.promote_types(clip.dtype, torch.float32)))
    if len(edges) - 1 > spectrum.shape[-1]:
        raise InputError(
            f"{len(edges) - 1} bands are more than the {spectrum.shape[-1]} frequencies of a clip of {length} samples: "
            "give fewer bands"
        )
    band = np.searchsorted(edges, np.fft.rfftfreq(length, 1 / sample_rate), side="right") - 1
    if edges[-1] == sample_rate / 2:  # the last band holds the Nyquist limit too
        band = band.clip(max=len(edges) - 2)
    inside = torch.as_tensor((band >= 0) & (band < len(edges) - 1), device=clip.device)
    index = torch.as_tensor(band, device=clip.device).clamp(0, len(edges) - 2)

    def filtered(gains: Tensor, outside: float) -> Tensor:
        of_bins = torch.where(inside, gains[:, index], outside)
        signal: Tensor = torch.fft.irfft(spectrum * of_bins.reshape(-1, *[1] * (clip.ndim - 2), len(index)), length)
        return signal.to(clip)

    loss = FeatureAblation(lambda gains: score(filtered(gains, 1.0))).attribute(
        clip.new_ones(1, len(edges) - 1), perturbations_per_eval=batch_size
    )
    return filtered(loss, 0.0), loss


def band_edges(bands: int | Sequence[float], sample_rate: float) -> np.ndarray:
    """Edges of bands in Hz, (bands + 1,): as given, or of equal width on the mel scale up to the Nyquist limit.

    Raises
    ------
    InputError
        If there is no band, or edges do not rise from 0 or more to at most the Nyquist limit.

    Examples
    --------
    >>> band_edges(3, 16_000).round().tolist()
    [0.0, 921.0, 3056.0, 8000.0]
    """
    if isinstance(bands, (int, np.integer)):
        _check_counts(bands=int(bands))
        # mel(f) = 2595 log10(1 + f / 700) (O'Shaughnessy 1987)
        edges = 700 * (np.geomspace(1, 1 + sample_rate / 1400, int(bands) + 1) - 1)
        edges[-1] = sample_rate / 2
        return edges
    edges = np.asarray(bands, dtype=float)
    if (
        edges.ndim != 1
        or len(edges) < 2
        or edges[0] < 0
        or edges[-1] > sample_rate / 2
        or not (np.diff(edges) > 0).all()
    ):
        raise InputError(
            f"bands has to be a number of bands, or two edges or more that rise from 0 Hz or more to at most half the "
            f"sample rate ({sample_rate / 2:g} Hz); got {bands!r}"
        )
    return edges


def _check_counts(**counts: object) -> None:
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(f"{name} has to be a whole number of 1 or more, got {count!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and bool(np.isfinite(value))


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers from a seed, and afterwards those that would have come without it."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield

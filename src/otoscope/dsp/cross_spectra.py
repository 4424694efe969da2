r"""Relevance in frequency and in time-frequency that adds up: cross-spectra of a sound and its gradient.

Of a sound x and a gradient q, whose product is the relevance of each sample, the real part of the cross-spectrum is
the relevance of each frequency: by Parseval's theorem both sum to the same number (Vielhaben et al. 2024 explain the
coefficients of a transform that is put before the model). Frames divide the samples between them, so that the cells
of a spectrogram sum to it as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from otoscope.errors import InputError

_LONGEST = 60.0  # s: of a frame
_MOST_CELLS = 2**29  # of one spectrogram, 4 GiB
_AT_ONCE = 2**21  # samples in frames: memory depends on it, not on the length of the sound


@dataclass(frozen=True)
class Frames:
    """Windows along a signal that cover every sample, the first centred on its beginning.

    Attributes
    ----------
    length, hop : int
        Of a window, and from one to the next, in samples.

    Notes
    -----
    The window is Hann's where it is at least two hops long. Where frames overlap less it is flat, with the two halves
    of a Hann window where they do (Tukey), so that at every sample windows add up to at least a half.

    Examples
    --------
    >>> frames = Frames.of(0.025, 0.010, sample_rate=8000)
    >>> frames, frames.count(8000), frames.times(8000, 8000)[-1].item()
    (Frames(length=200, hop=80), 101, 1.0)
    """

    length: int
    hop: int

    @classmethod
    def of(cls, window: float, hop: float, sample_rate: float) -> Frames:
        """Frames of a length and a hop in s.

        Raises
        ------
        InputError
            If one of them is shorter than a sample, the window is longer than 60 s, or the hop is longer than the
            window, which would leave out samples.
        """
        for name, value in (("window", window), ("hop", hop)):
            if not 0 < value < float("inf") or round(value * sample_rate) < 1:
                raise InputError(
                    f"{name} must be at least one sample ({1 / sample_rate:g} s at this rate), got {value!r} s"
                )
        if window > _LONGEST:
            raise InputError(f"window is {window:g} s, and at most {_LONGEST:g} s: give it in s, such as 0.025")
        length, step = round(window * sample_rate), round(hop * sample_rate)
        if step > length:
            raise InputError(
                f"hop is {hop:g} s and window {window:g} s: frames further apart than they are long leave samples out. "
                "Give a hop of at most the window"
            )
        return cls(length, step)

    def count(self, samples: int) -> int:
        """How many of them a signal has: the last is centred on its last sample, or behind it."""
        return -(-(samples - 1) // self.hop) + 1

    def times(self, samples: int, sample_rate: float) -> Tensor:
        """Where their centres are, (frame_time,), in s."""
        return torch.arange(self.count(samples), dtype=torch.float64) * (self.hop / sample_rate)

    def frequencies(self, sample_rate: float) -> Tensor:
        """The frequencies of their spectra, (frame_frequency,), in Hz."""
        return torch.arange(self.length // 2 + 1, dtype=torch.float64) * (sample_rate / self.length)

    def window(self) -> Tensor:
        """The window, (length,)."""
        taper = min(self.length - self.hop, self.length // 2)
        if 2 * self.hop <= self.length:
            return torch.hann_window(self.length, dtype=torch.float64)
        whole = torch.ones(self.length, dtype=torch.float64)
        rise = (torch.arange(taper, dtype=torch.float64) * (torch.pi / 2 / max(1, taper))).sin().square()
        whole[:taper] = rise
        whole[self.length - taper :] = 1 - rise
        return whole

    def weights(self, samples: int) -> Tensor:
        """The sum over all frames of the squares of their windows at each sample, (samples,), which is never zero."""
        rows = -(-self.length // self.hop)
        squares = pad(self.window().square(), (0, rows * self.hop - self.length)).reshape(rows, self.hop)
        count = self.count(samples)
        sums = torch.zeros(count + rows - 1, self.hop, dtype=torch.float64)
        for row, square in enumerate(squares):
            sums[row : row + count] += square
        return sums.flatten()[self.length // 2 :][:samples]

    def spectra(self, signal: Tensor) -> Iterator[Tensor]:
        """Unitary spectra of the windowed frames of a signal (..., N), (..., frames, length // 2 + 1), in blocks.

        Raises
        ------
        InputError
            If all of them together would have more than 2**29 cells.
        """
        self.check(signal.shape[-1])
        return self.blocks(signal)

    def check(self, samples: int) -> None:
        """Refuse a signal that has more frames than a spectrogram can hold."""
        count = self.count(samples)
        if count * (self.length // 2 + 1) > _MOST_CELLS:
            raise InputError(
                f"{count} frames of {self.length} samples are more than a spectrogram may have: give a shorter "
                "window or a longer hop"
            )

    def blocks(self, signal: Tensor) -> Iterator[Tensor]:
        """The same of a signal (..., N) of any length, whose blocks are not kept together."""
        samples, before = signal.shape[-1], self.length // 2
        count = self.count(samples)
        after = (count - 1) * self.hop + self.length - before - samples
        cut = pad(signal, (before, after)).unfold(-1, self.length, self.hop)
        others = signal[..., 0].numel()
        at_once, window = max(1, _AT_ONCE // (max(1, others) * self.length)), self.window().to(cut.device)
        for first in range(0, count, at_once):
            yield torch.fft.rfft(cut[..., first : first + at_once, :] * window, norm="ortho")


def cross_spectrum(sound: Tensor, gradient: Tensor) -> Tensor:
    r"""Relevance of each frequency, of a relevance that is the product of a sound and a gradient.

    Parameters
    ----------
    sound, gradient : Tensor (..., N)
        x and q; the relevance of a sample is x[n] q[n].

    Returns
    -------
    Tensor (..., N // 2 + 1), float64
        At the frequencies ``k / N`` cycles per sample up to the Nyquist limit; they sum to the sum of x[n] q[n].

    Raises
    ------
    InputError
        Signals that are empty, not real or of different shapes.

    Notes
    -----
    With the unitary DFTs X and Q, :math:`R_k = c_k \operatorname{Re}(X_k \overline{Q_k})`, and
    :math:`\sum_k R_k = \sum_n x[n] q[n]` (Parseval); :math:`c_k` is 2 where the frequency -k is left out, and 1 at 0
    and, for even N, at the Nyquist limit.

    Examples
    --------
    >>> sound, gradient = torch.tensor([1.0, 2.0, 0.0, -1.0]), torch.tensor([2.0, 0.5, 3.0, 1.0])
    >>> cross_spectrum(sound, gradient).tolist(), (sound * gradient).sum().item()
    ([3.25, -1.25, 0.0], 2.0)
    """
    x, q = _pair(sound, gradient)
    return _product(torch.fft.rfft(x, norm="ortho"), torch.fft.rfft(q, norm="ortho"), x.shape[-1])


def cross_spectrogram(sound: Tensor, gradient: Tensor, frames: Frames) -> Tensor:
    r"""Relevance of each cell of time and frequency, of a relevance that is the product of a sound and a gradient.

    Parameters
    ----------
    sound, gradient : Tensor (..., N)
        x and q; the relevance of a sample is x[n] q[n].
    frames : Frames

    Returns
    -------
    Tensor (..., frame_frequency, frame_time), float64
        All cells sum to the sum of x[n] q[n].

    Raises
    ------
    InputError
        Signals that are empty, not real or of different shapes.

    Notes
    -----
    With the window w, and :math:`W[n] = \sum_m w^2[n - mH]`, the spectra S of :math:`w[j]\, x[mH + j]` and Z of
    :math:`w[j]\, q[mH + j] / W[mH + j]` give :math:`R_{mk} = c_k \operatorname{Re}(S_{mk} \overline{Z_{mk}})`.

    Examples
    --------
    >>> sound, gradient = torch.arange(100.0), torch.arange(100.0).cos()
    >>> cells = cross_spectrogram(sound, gradient, Frames(16, 4))
    >>> cells.shape, round(cells.sum().item() - (sound * gradient).sum().item(), 3)
    (torch.Size([9, 26]), 0.0)
    """
    frames.check(sound.shape[-1] if sound.ndim else 0)
    return torch.cat(list(cross_spectra(sound, gradient, frames)), dim=-2).transpose(-1, -2)


def cross_spectra(sound: Tensor, gradient: Tensor, frames: Frames) -> Iterator[Tensor]:
    """The cells of :func:`cross_spectrogram` in blocks (..., frames, frame_frequency), of signals of any length."""
    x, q = _pair(sound, gradient)
    q = q / frames.weights(x.shape[-1]).to(q.device)
    for s, z in zip(frames.blocks(x), frames.blocks(q), strict=True):
        yield _product(s, z, frames.length)


def unitary_spectrum(signal: Tensor) -> Tensor:
    """Magnitude of the unitary DFT.

    Parameters
    ----------
    signal : Tensor (..., N)

    Returns
    -------
    Tensor (..., N // 2 + 1), float64
        Squares, each counted twice but at 0 and (N even) at the Nyquist limit, sum to the energy of the signal.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Examples
    --------
    >>> unitary_spectrum(torch.tensor([1.0, -1.0, 1.0, -1.0])).tolist()
    [0.0, 0.0, 2.0]
    """
    magnitude: Tensor = torch.fft.rfft(_real(signal), norm="ortho").abs()
    return magnitude


def unitary_spectrogram(signal: Tensor, frames: Frames) -> Tensor:
    r"""Magnitude of a short-time Fourier transform that keeps the energy.

    Parameters
    ----------
    signal : Tensor (..., N)
    frames : Frames

    Returns
    -------
    Tensor (..., frame_frequency, frame_time), float64
        Squares, counted as in :func:`unitary_spectrum`, sum to the energy of the signal.

    Raises
    ------
    InputError
        A signal that is empty or not real.

    Notes
    -----
    The unitary DFT of :math:`w[j]\, x[mH + j] / \sqrt{W[mH + j]}`, see :func:`cross_spectrogram`.

    Examples
    --------
    >>> magnitude = unitary_spectrogram(torch.cos(torch.arange(100.0)), Frames(16, 4))
    >>> twice = magnitude.square().sum(-1) * torch.tensor([1.0, *[2.0] * 7, 1.0])
    >>> round(twice.sum().item(), 3), round(torch.cos(torch.arange(100.0)).square().sum().item(), 3)
    (49.988, 49.988)
    """
    x = _real(signal)
    x = x / frames.weights(x.shape[-1]).sqrt().to(x.device)
    return torch.cat([spectra.abs() for spectra in frames.spectra(x)], dim=-2).transpose(-1, -2)


def counts(samples: int) -> Tensor:
    """How often each frequency of a one-sided spectrum counts, (samples // 2 + 1,).

    Twice where the frequency below 0 is left out.

    Examples
    --------
    >>> counts(4).tolist(), counts(5).tolist()
    ([1.0, 2.0, 1.0], [1.0, 2.0, 2.0])
    """
    twice = torch.full((samples // 2 + 1,), 2.0, dtype=torch.float64)
    twice[0] = 1
    if samples % 2 == 0:
        twice[-1] = 1
    return twice


def _product(x: Tensor, q: Tensor, samples: int) -> Tensor:
    """The real part of the cross-spectrum of one-sided spectra (..., frequency)."""
    product: Tensor = (x.real * q.real + x.imag * q.imag) * counts(samples).to(x.device)
    return product


def _pair(sound: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    if sound.shape != gradient.shape:
        raise InputError(
            f"a sound and its gradient have the same shape; these have {tuple(sound.shape)} and {tuple(gradient.shape)}"
        )
    return _real(sound), _real(gradient)


def _real(signal: Tensor) -> Tensor:
    """The signal in float64, in which sums of many products agree."""
    if signal.ndim == 0 or signal.shape[-1] == 0 or signal.is_complex():
        raise InputError(
            f"signal must hold real samples in its last dimension, got {signal.dtype} of shape {tuple(signal.shape)}"
        )
    return signal.to(torch.float64)

"""What stands between waveform and network: transforms, filterbanks, learnable front-ends."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from strangers.stranger import At, Stranger, chain, endless, energy


class ComplexMask(nn.Module):
    """STFT as real and imaginary channels, a complex mask, and back."""

    def __init__(self, n_fft: int = 128, hop: int = 32) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hamming_window(n_fft))
        self.enc = nn.Conv2d(2, 6, (5, 3), padding=(2, 1))
        self.act1 = nn.PReLU()
        self.dec = nn.Conv2d(6, 2, (5, 1), padding=(2, 0))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time) in and out."""
        spec = torch.stft(x, self.n_fft, self.hop, window=self.window, return_complex=True)
        ri = torch.view_as_real(spec).permute(0, 3, 1, 2)
        m = torch.tanh(self.dec(self.act1(self.enc(ri))))
        mask = torch.complex(m[:, 0], m[:, 1])
        return torch.istft(spec * mask, self.n_fft, self.hop, window=self.window, length=x.shape[-1])


_I = chain((128, 32, 1, 64), axis=3)
_I1 = chain((3, 1, 1, 1), after=_I, axis=3)
COMPLEX_MASK = Stranger(
    ComplexMask,
    {"enc": _I1, "act1": _I1, "dec": _I1, "tanh": _I1},
    samples=2400,
    call=lambda model, wave: model(wave[None]),
    target=energy,
)


class SpectralMask(nn.Module):
    """A complex spectrum, times a real mask that a network makes of its magnitude, and back."""

    def __init__(self, n_fft: int = 64, hop: int = 16) -> None:
        super().__init__()
        self.n_fft, self.hop, bins = n_fft, hop, n_fft // 2 + 1
        self.register_buffer("window", torch.hamming_window(n_fft))
        self.net = nn.Sequential(nn.Conv1d(bins, 12, 3, padding=1), nn.ReLU(), nn.Conv1d(12, bins, 1))

    def forward(self, noisy: Tensor) -> Tensor:
        """(batch, time) in and out."""
        spectrum = torch.stft(noisy, self.n_fft, self.hop, window=self.window, return_complex=True)
        masked = spectrum * torch.sigmoid(self.net(torch.log1p(spectrum.abs())))
        return torch.istft(masked, self.n_fft, self.hop, window=self.window, length=noisy.shape[-1])


_K = chain((64, 16, 1, 32), (3, 1, 1, 1))
SPECTRAL_MASK = Stranger(
    SpectralMask,
    {"net.0": _K, "net.1": _K, "net.2": _K},
    samples=2400,
    call=lambda model, wave: model(wave[None]),
    target=energy,
)


def mel_matrix(bands: int, bins: int, rate: int) -> Tensor:
    """Triangles evenly spaced on the mel scale, (band, bin)."""
    top = 2595 * math.log10(1 + rate / 2 / 700)
    hz = 700 * (10 ** (torch.linspace(0, top, bands + 2) / 2595) - 1)
    f = torch.linspace(0, rate / 2, bins)
    up = (f - hz[:-2, None]) / (hz[1:-1] - hz[:-2])[:, None]
    down = (hz[2:, None] - f) / (hz[2:] - hz[1:-1])[:, None]
    return torch.minimum(up, down).clamp(min=0)


class LogMel(nn.Module):
    """A log-mel spectrogram inside, and a small picture network on it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mel", mel_matrix(20, 129, 8000))
        self.register_buffer("window", torch.hamming_window(200))
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 8, 3, padding=1)
        self.pool, self.fc = nn.MaxPool2d(2), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        power = torch.stft(x, 256, 80, 200, self.window, center=False, return_complex=True).abs() ** 2
        x = torch.log(self.mel @ power + 1e-6).unsqueeze(1)
        x = self.pool(F.relu(self.conv1(x)))
        return self.fc(F.relu(self.conv2(x)).mean((2, 3)))


_J = At(3, 80.0, 200, 28 + 99.5)
_J1 = chain((3, 1, 1, 1), after=_J, axis=3)
_J2 = chain((2, 2), after=_J1, axis=3)
LOG_MEL = Stranger(
    LogMel,
    {"conv1": _J1, "relu": _J1, "pool": _J2, "conv2": chain((3, 1, 1, 1), after=_J2, axis=3)},
    call=lambda model, wave: model(wave[None]),
)


class LearnedSinc(nn.Module):
    """Band-pass kernels from learned edges, as long as needed for one side and mirrored."""

    def __init__(self, bands: int = 12, width: int = 81) -> None:
        super().__init__()
        self.low_hz = nn.Parameter(torch.linspace(30, 2500, bands)[:, None])
        self.band_hz = nn.Parameter(torch.full((bands, 1), 400.0))
        half = (width - 1) // 2
        self.register_buffer("n", 2 * math.pi * torch.arange(-half, 0.0)[None] / 8000)
        self.register_buffer("window", 0.54 - 0.46 * torch.cos(2 * math.pi * torch.arange(half) / width))

    def forward(self, x: Tensor) -> Tensor:
        low = 50 + self.low_hz.abs()
        high = torch.clamp(low + 50 + self.band_hz.abs(), max=4000.0)
        left = (torch.sin(high @ self.n) - torch.sin(low @ self.n)) / (self.n / 2) * self.window
        band = (high - low)[:, 0]
        kernels = torch.cat([left, 2 * band[:, None], left.flip(1)], dim=1) / (2 * band[:, None])
        return F.conv1d(x, kernels[:, None])


class SincNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sinc = LearnedSinc()
        self.norm = nn.InstanceNorm1d(12, affine=True)
        self.conv, self.ln = nn.Conv1d(12, 12, 5), nn.GroupNorm(1, 12)
        self.fc = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm(F.max_pool1d(torch.abs(self.sinc(x)), 3)))
        x = F.leaky_relu(self.ln(F.max_pool1d(self.conv(x), 3)))
        return F.log_softmax(self.fc(x.mean(-1)), dim=1)

    def before(self, x: Tensor) -> Tensor:
        x = F.leaky_relu(self.norm(F.max_pool1d(torch.abs(self.sinc(x)), 3)))
        x = F.leaky_relu(self.ln(F.max_pool1d(self.conv(x), 3)))
        return self.fc(x.mean(-1))


_O0 = chain((81,))
_O1 = chain((3, 3), after=_O0)
SINCNET = Stranger(
    SincNet,
    {
        "sinc.conv1d": _O0,
        "max_pool1d": _O1,
        "leaky_relu": endless(_O1),
        "conv": endless(_O1),
        "max_pool1d_2": endless(chain((5,), (3, 3), after=_O1)),
    },
    explained=lambda model, wave: model.before(wave[None, None]),
)


class Leaf(nn.Module):
    """Gabor filters, squared modulus, Gaussian low-pass, PCEN with its smoother as a loop."""

    def __init__(self, bands: int = 10, width: int = 101, hop: int = 80) -> None:
        super().__init__()
        self.width, self.hop = width, hop
        self.centre = nn.Parameter(torch.linspace(0.05, 1.3, bands) * math.pi / 2)
        self.inverse_bandwidth = nn.Parameter(torch.linspace(8, 16, bands))
        self.pool_width = nn.Parameter(torch.full((bands,), 0.4))
        self.alpha, self.delta = nn.Parameter(torch.tensor(0.96)), nn.Parameter(torch.tensor(2.0))
        self.root = nn.Parameter(torch.tensor(2.0))
        self.head = nn.Conv1d(bands, 8, 3, padding=1)
        self.fc = nn.Linear(8, 3)

    def gabor(self, x: Tensor) -> Tensor:
        t = torch.arange(-(self.width // 2), self.width // 2 + 1).to(x)
        s = self.inverse_bandwidth[:, None]
        envelope = torch.exp(-(t**2) / (2 * s**2)) / (math.sqrt(2 * math.pi) * s)
        phase = self.centre[:, None] * t
        kernels = torch.stack([envelope * torch.cos(phase), envelope * torch.sin(phase)], 1).flatten(0, 1)
        y = F.conv1d(x, kernels[:, None], padding=self.width // 2)
        return y[:, ::2] ** 2 + y[:, 1::2] ** 2

    def lowpass(self, y: Tensor) -> Tensor:
        t = torch.linspace(-1, 1, self.width).to(y)
        windows = torch.exp(-0.5 * (t / self.pool_width[:, None]) ** 2)[:, None]
        return F.conv1d(y, windows, stride=self.hop, padding=self.width // 2, groups=len(windows))

    def forward(self, x: Tensor) -> Tensor:
        z = torch.maximum(self.lowpass(self.gabor(x)), torch.tensor(1e-5))
        smooth, state = [], z[..., 0]
        for t in range(z.shape[-1]):
            state = 0.04 * z[..., t] + 0.96 * state
            smooth.append(state)
        m = torch.stack(smooth, -1)
        power = 1 / self.root
        z = (z / (1e-6 + m) ** self.alpha + self.delta) ** power - self.delta**power
        return self.fc(F.relu(self.head(z)).mean(-1))


_PC = chain((101, 1, 1, 50), (101, 80, 1, 50))
LEAF = Stranger(
    Leaf,
    {"conv1d": chain((101, 1, 1, 50)), "conv1d_2": _PC, "head": endless(_PC), "relu": endless(_PC)},
    samples=2400,
    guided=False,
)


class DiagonalSSM(nn.Module):
    """A state-space model as a convolution as long as the clip, by FFT."""

    def __init__(self, channels: int = 6, states: int = 8) -> None:
        super().__init__()
        self.log_dt = nn.Parameter(torch.linspace(-4, -2, channels))
        self.c = nn.Parameter(torch.randn(channels, states, 2) * 0.5)
        self.log_a_real = nn.Parameter(torch.log(0.5 * torch.ones(channels, states)))
        self.a_imag = nn.Parameter(math.pi * torch.arange(states).repeat(channels, 1))
        self.d = nn.Parameter(torch.randn(channels))

    def kernel(self, length: int) -> Tensor:
        dt = self.log_dt.exp()[:, None]
        a = (-self.log_a_real.exp() + 1j * self.a_imag) * dt
        c = torch.view_as_complex(self.c) * (a.exp() - 1) / (a / dt)
        powers = torch.exp(a.unsqueeze(-1) * torch.arange(length))
        return 2 * torch.einsum("cn,cnl->cl", c, powers).real

    def forward(self, u: Tensor) -> Tensor:
        length = u.shape[-1]
        k = torch.fft.rfft(self.kernel(length).to(u), n=2 * length)
        y = torch.fft.irfft(torch.fft.rfft(u, n=2 * length) * k, n=2 * length)[..., :length]
        return y + u * self.d[:, None]


class S4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.ssm = nn.Conv1d(1, 6, 16, 8), DiagonalSSM()
        self.mix, self.decoder = nn.Conv1d(6, 12, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(x)
        x = x + F.glu(self.mix(F.gelu(self.ssm(x))), dim=1)
        return self.decoder(x.mean(-1))


_SS = chain((16, 8))
S4_STRANGER = Stranger(
    S4, {"encoder": _SS, "gelu": endless(_SS), "mix": endless(_SS), "glu": endless(_SS)}, samples=2400
)


class UnfoldedBank(nn.Module):
    """A filterbank as frames times a matrix."""

    def __init__(self, bands: int = 12, width: int = 100, hop: int = 50) -> None:
        super().__init__()
        self.width, self.hop = width, hop
        self.bank = nn.Parameter(torch.randn(width, bands) / 10)
        self.conv, self.fc = nn.Conv1d(bands, 8, 3), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.unfold(-1, self.width, self.hop)  # (batch, 1, frame, sample)
        bands = torch.relu(frames.squeeze(1) @ self.bank)
        return self.fc(F.relu(self.conv(bands.transpose(1, 2))).mean(-1))


_UF = chain((100, 50), axis=1)
UNFOLDED_BANK = Stranger(
    UnfoldedBank, {"relu": _UF, "conv": chain((3,), after=_UF), "relu_2": chain((3,), after=_UF)}
)  # fmt: skip


class FixedFront(nn.Module):
    """A front that is not trained: its parameters ask for no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Sequential(nn.Conv1d(1, 10, 60, 12), nn.ReLU(), nn.Conv1d(10, 10, 3, padding=1), nn.ReLU())
        self.front.requires_grad_(False)
        self.head = nn.Sequential(
            nn.Conv1d(10, 6, 3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.front(x))


_FF = chain((60, 12))
FROZEN_FRONT = Stranger(
    FixedFront,
    {
        "front.0": _FF,
        "front.2": chain((3, 1, 1, 1), after=_FF),
        "head.0": chain((3, 1, 1, 1), (3,), after=_FF),
        "head.1": chain((3, 1, 1, 1), (3,), after=_FF),
    },
)


class NoGradientFront(FixedFront):
    """A front that is run without gradients."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            features = self.front(x)
        return self.head(features)


NO_GRADIENT_FRONT = Stranger(NoGradientFront, FROZEN_FRONT.truth, gradient=False)


class NumpyFront(nn.Module):
    """Frames and their spectra by numpy, as a script has them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv1d(65, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        import numpy as np

        signal = x.detach().cpu().numpy()[:, 0]
        frames = np.lib.stride_tricks.sliding_window_view(signal, 128, axis=-1)[:, ::64] * np.hanning(128)
        spectra = np.abs(np.fft.rfft(frames))
        features = torch.from_numpy(np.log1p(spectra)).to(x.dtype).transpose(1, 2)
        return self.fc(F.relu(self.conv(features)).mean(-1))


_NP = chain((128, 64), (3, 1, 1, 1))
NUMPY_FRONT = Stranger(NumpyFront, {"conv": _NP, "relu": _NP}, gradient=False)

ZOO = {
    "complex_mask": COMPLEX_MASK,
    "spectral_mask": SPECTRAL_MASK,
    "log_mel": LOG_MEL,
    "sincnet": SINCNET,
    "leaf": LEAF,
    "s4": S4_STRANGER,
    "unfolded_bank": UNFOLDED_BANK,
    "frozen_front": FROZEN_FRONT,
    "no_gradient_front": NO_GRADIENT_FRONT,
    "numpy_front": NUMPY_FRONT,
}

"""SimpleNet with its two kinds of upper layers, and SpecNet (*How do deep CNNs learn from raw audio waveforms?*)."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from otoscope.errors import InputError
from otoscope.models.initialisers import Bands, start_from_bands
from otoscope.models.wavernn import RecurrentHead, window_of

_BLOCKS, _CHANNELS = 4, 32


class FilterEnergies(nn.Module):
    """One convolution and the mean of its absolute value in every window of 40 ms.

    Parameters
    ----------
    filters, width : int
        Number of kernels, and their length in samples, at most those of a window.
    bands : {"even", "mel"}, sequence of pairs, or None
        Initialisation of the kernels, see :func:`otoscope.models.start_from_bands`; None leaves it random.
    sample_rate : int
        In Hz.
    trainable : bool
        Whether the kernels are trained.

    Notes
    -----
    SimpleNet, section 3. A window of 640 samples (at 16 kHz) has ``641 - width`` positions for a kernel. Here the whole
    clip is convolved, and the pooling averages these positions of every window and skips those across two windows: the
    same numbers, with one time axis. There is neither a bias nor a ReLU before the absolute value, as they would
    defeat its purpose.

    Examples
    --------
    >>> FilterEnergies()(torch.zeros(1, 1, 96_000)).shape
    torch.Size([1, 64, 150])
    """

    def __init__(
        self,
        filters: int = 64,
        width: int = 256,
        bands: Bands | None = "even",
        sample_rate: int = 16_000,
        trainable: bool = True,
    ) -> None:
        super().__init__()
        window = window_of(sample_rate)
        if not 1 <= width <= window or filters < 1:
            raise InputError(f"filters must be at least 1 and width 1 to {window}, not {filters} and {width}")
        self.conv = nn.Conv1d(1, filters, width, bias=False)
        if bands is not None:
            start_from_bands(self.conv, bands, sample_rate)
        self.conv.weight.requires_grad_(trainable)
        self.pool = nn.AvgPool1d(window - width + 1, stride=window)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Energies (batch, filter, window) of clips (batch, 1, time)."""
        energies: torch.Tensor = self.pool(self.conv(waveform).abs())
        return energies


class SimpleNetRNN(nn.Module):
    """SimpleNet-RNN: one convolution, its mean absolute value every 40 ms, two LSTM layers.

    Parameters
    ----------
    n_classes : int
        Outputs, at least 1; 4 are the emotions of the experiments.
    bands : {"even", "mel"}, sequence of pairs, or None
        Initialisation of the filters: equal bands as in the experiments, bands equal on the mel scale, or the edges of
        each filter's band in Hz; None leaves it random.
    filters, width : int
        Number of filters, and their length in samples.
    sample_rate : int
        In Hz; 16000 in the experiments. Windows are 40 ms at every rate.

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    SimpleNet, sections 3 and 4.1: 64 filters of 256 samples at 16 kHz (see `FilterEnergies`) and above them the
    layers of WaveRNN (see `RecurrentHead`). Samples after the last complete window are ignored.

    Examples
    --------
    >>> SimpleNetRNN(bands="mel").eval()(torch.zeros(1, 1, 16_000)).shape
    torch.Size([1, 4])
    """

    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "simplenet-rnn"

    def __init__(
        self,
        n_classes: int = 4,
        bands: Bands | None = "even",
        filters: int = 64,
        width: int = 256,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if n_classes < 1:
            raise InputError(f"{self.name}: n_classes must be at least 1, not {n_classes}")
        self.sample_rate, self.minimum_length = sample_rate, window_of(sample_rate)
        self.front = FilterEnergies(filters, width, bands, self.sample_rate)
        self.head = RecurrentHead(filters, n_classes)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, time) of at least one window."""
        logits: torch.Tensor = self.head(self.front(waveform).transpose(1, 2))
        return logits


class SimpleNetCNN(nn.Module):
    """SimpleNet-CNN: one convolution, its mean absolute value every 40 ms, four convolutions in two dimensions.

    Parameters
    ----------
    n_classes, bands, filters, width, sample_rate
        As in `SimpleNetRNN`; at least 31 filters.
    input_length : int
        Samples of every input; the dense layer depends on it. 96000 is 6 s, at least 31 windows of 40 ms are needed.

    Raises
    ------
    InputError
        If an option is out of range or a clip has another length than ``input_length``.

    Notes
    -----
    SimpleNet, sections 3 and 4.1: the energies of the filters (see `FilterEnergies`) as an image (window, filter),
    four times 32 kernels of (2, 2), ReLU and max-pooling by (2, 2), then 64 hidden units. The paper does not state the
    padding; here there is none, which leaves 8 x 3 positions of 32 channels after six seconds. Nor does it state the
    initialisation of the layers above the filters; here weights are initialised after He et al. (ICCV 2015) and biases
    with zero, because PyTorch's default biases would exceed the small energies.

    Examples
    --------
    >>> SimpleNetCNN().eval()(torch.zeros(1, 1, 96_000)).shape
    torch.Size([1, 4])
    """

    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "simplenet-cnn"
    _trainable = True

    def __init__(
        self,
        n_classes: int = 4,
        bands: Bands | None = "even",
        filters: int = 64,
        width: int = 256,
        input_length: int = 96_000,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__()
        if n_classes < 1:
            raise InputError(f"{self.name}: n_classes must be at least 1, not {n_classes}")
        self.input_length: int | None = input_length
        self.sample_rate = sample_rate
        window = window_of(sample_rate)
        rows, columns = _left(input_length // window), _left(filters)
        if min(rows, columns) < 1:
            raise InputError(
                f"{self.name}: at least 31 filters and an input_length of {31 * window} samples are needed, "
                f"not {filters} and {input_length}"
            )
        self.front = FilterEnergies(filters, width, bands, self.sample_rate, self._trainable)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number in range(1, _BLOCKS + 1):
            layers[f"conv{number}"] = nn.Conv2d(1 if number == 1 else _CHANNELS, _CHANNELS, 2)
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"pool{number}"] = nn.MaxPool2d(2)
        self.features = nn.Sequential(layers)
        self.dense = nn.Sequential(
            OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(_CHANNELS * rows * columns, 64), relu=nn.ReLU())
        )
        self.classifier = nn.Linear(64, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Logits (batch, n_classes) of clips (batch, 1, input_length)."""
        if waveform.shape[-1] != self.input_length:
            raise InputError(
                f"{self.name} takes {self.input_length} samples, got {waveform.shape[-1]}: "
                "pad or cut the clip, or build the model with another input_length"
            )
        picture = self.front(waveform).transpose(1, 2).unsqueeze(1)
        logits: torch.Tensor = self.classifier(self.dense(self.features(picture)))
        return logits


class SpecNet(SimpleNetCNN):
    """SpecNet: SimpleNet-CNN with fixed filters, and so a network on a spectrogram.

    Parameters
    ----------
    n_classes, bands, filters, width, input_length, sample_rate
        As in `SimpleNetCNN`.

    Notes
    -----
    SimpleNet, section 4.1: the spectrogram is computed with the initial filters of SimpleNet, and that they are not
    trained is the only difference. Here they are part of the network, so that every method reaches the waveform.

    Examples
    --------
    >>> model = SpecNet()
    >>> [name for name, p in model.named_parameters() if not p.requires_grad]
    ['front.conv.weight']
    """

    name: str = "specnet"
    _trainable = False


def _left(places: int) -> int:
    """Rows or columns that the four blocks leave of an image."""
    for _ in range(_BLOCKS):
        places = (places - 1) // 2
    return max(places, 0)

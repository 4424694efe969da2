"""CNN12, the encoder of the sonification thesis (Yadav 2022)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import torch
from torch import nn

from otoscope.contract import Contract
from otoscope.errors import InputError

# (filters, kernel width, max-pooling after it), Figure 4.1 of the thesis
_BLOCKS = (
    *((64, 7, True), (64, 7, True), (128, 5, True), (128, 5, True), (256, 5, True), (256, 3, True)),
    *((512, 3, True), (512, 3, True), (1024, 3, False), (1024, 3, False), (2048, 3, False)),
)


class CNN12(nn.Module):
    """Eleven blocks of convolution, ReLU and max-pooling, a mean over time, one dense layer.

    Parameters
    ----------
    n_classes : int, optional
        Outputs of a linear classifier on top of the embedding; without it the model is the encoder
        and returns the embedding of 512, whose contract says that it has no classes.
    width : float
        Multiplies the number of filters of every convolution, > 0; 2 gives CNN12_x2. The embedding
        keeps its 512 dimensions.
    dropout : float
        Share of features dropped before the dense layer in training, 0 to 1.
    reduce : {"max", "stride"}
        What halves the rate in the first eight blocks: max-pooling, or convolutions with stride 2, which, as the thesis
        says, distort sonifications (section 5.2.1).

    Raises
    ------
    InputError
        If an option is out of range.

    Notes
    -----
    Yadav 2022, *Interpreting intermediate feature representations of raw-waveform deep CNNs by
    sonification*, section 4.1 and Figure 4.1: 8 kHz, no padding, no normalisation, kernels of 7, 7, 5,
    5, 5, then 3 samples at stride 1, max-pooling by 2 after the first eight. 14 M parameters, 53 M for
    CNN12_x2 (Table 4.3). The layers are ``features.conv1``, ``features.relu1``, ``features.pool1``, ..., and the
    parameters have the names of the figure. The thesis does not describe its classifier; here it is linear on the
    embedding. Nor does it give the initialisation; here the convolutions are initialised after He et al. (ICCV 2015),
    because with PyTorch's default the signal vanishes over eleven layers without normalisation, and small networks of
    this form do not start to learn.

    Examples
    --------
    >>> import torch
    >>> encoder = CNN12(width=0.125).eval()
    >>> encoder(torch.zeros(2, 1, 8000)).shape
    torch.Size([2, 512])
    """

    sample_rate: int = 8000
    input_length: int | None = None
    padding: str = "zeros"
    classes: tuple[str, ...] | None = None
    name: str = "cnn12"

    def __init__(
        self, n_classes: int | None = None, width: float = 1.0, dropout: float = 0.4, reduce: str = "max"
    ) -> None:
        super().__init__()
        if reduce not in ("max", "stride"):
            raise InputError(f"cnn12: reduce must be max or stride, not {reduce!r}")
        if not width > 0:
            raise InputError(f"cnn12: width must be more than 0, not {width}")
        if n_classes is not None and n_classes < 1:
            raise InputError(f"cnn12: n_classes must be at least 1, not {n_classes}")
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels = 1
        for number, (filters, kernel, pooled) in enumerate(_BLOCKS, start=1):
            wide = max(1, round(filters * width))
            layers[f"conv{number}"] = convolution = nn.Conv1d(
                channels, wide, kernel, stride=2 if pooled and reduce == "stride" else 1
            )
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
            layers[f"relu{number}"] = nn.ReLU()
            if pooled and reduce == "max":
                layers[f"pool{number}"] = nn.MaxPool1d(2)
            channels = wide
        self.features = nn.Sequential(layers)
        self.fc1 = nn.Sequential(OrderedDict(drop10=nn.Dropout(dropout), fc10=nn.Linear(channels, 512)))
        self.classifier = nn.Linear(512, n_classes) if n_classes is not None else nn.Identity()
        self._reduce = reduce
        self._stated = Contract()

    @property
    def contract(self) -> Contract:
        """What is stated of it, and that an embedding is a hidden state, as long as no classifier is on top of it."""
        if isinstance(self.classifier, nn.Identity):
            return replace(self._stated, scores="hidden state")
        return replace(self._stated, scores=None) if self._stated.scores == "hidden state" else self._stated

    @contract.setter
    def contract(self, stated: Contract) -> None:
        self._stated = stated

    @property
    def minimum_length(self) -> int:
        """Samples that give one frame at the last convolution, its receptive field."""
        length = 1
        for _, kernel, pooled in reversed(_BLOCKS):
            length = (2 * length - (self._reduce == "stride") if pooled else length) + kernel - 1
        return length

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """Embed or classify clips (batch, 1, time) of any length from ``minimum_length`` on."""
        logits: torch.Tensor = self.classifier(self.fc1(self.features(waveform).mean(dim=-1)))
        return logits

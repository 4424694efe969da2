"""CNN12 with strides in place of max pooling, which the thesis says distorts sonifications."""

from __future__ import annotations

from torch import nn

from otoscope.models.cnn12 import CNN12


class StridedCNN12(CNN12):
    """CNN12 whose convolutions move by two samples where CNN12 pools.

    Parameters
    ----------
    n_classes : int, optional
    width : float
    dropout : float
        As of :class:`otoscope.models.cnn12.CNN12`.

    Examples
    --------
    >>> import torch
    >>> model = StridedCNN12(width=0.125).eval()
    >>> model(torch.zeros(2, 1, 8000)).shape, any(isinstance(one, nn.MaxPool1d) for one in model.modules())
    (torch.Size([2, 512]), False)
    """

    def __init__(self, n_classes: int | None = None, width: float = 1.0, dropout: float = 0.4) -> None:
        super().__init__(n_classes, width, dropout)
        for name in [name for name, module in self.features.named_children() if isinstance(module, nn.MaxPool1d)]:
            convolution = self.features.get_submodule(name.replace("pool", "conv"))
            assert isinstance(convolution, nn.Conv1d)
            convolution.stride = (2,)
            delattr(self.features, name)

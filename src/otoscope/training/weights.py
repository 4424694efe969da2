"""Weights of the classes in the loss, for data in which some are rare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from otoscope.data.items import DataSet, label_codes
from otoscope.errors import InputError


def class_weights(wanted: Literal["balanced"] | Mapping[str, float] | None, data: DataSet) -> Tensor | None:
    r"""The weight of each class of a data set.

    Parameters
    ----------
    wanted : "balanced", mapping of class to float, or None
        Weights by the names of classes, 1 for those that are not named. Balanced: by how many of the clips have each.
    data : DataSet
        The clips to train on.

    Returns
    -------
    Tensor (class,), float32, or None
        None where no weights are wanted.

    Raises
    ------
    InputError
        If a class is named that the data does not have.

    Notes
    -----
    With one class a clip, a clip of the class c of K counts :math:`w_c` times in the cross-entropy, whose mean is
    divided by the sum of the weights of a batch (with mixup, by the number of clips); balanced,
    :math:`w_c = N / (K N_c)` of N clips, so that each class has the same weight in all. With several classes a clip the
    binary cross-entropy of the clips that have the class c counts :math:`w_c` times; balanced,
    :math:`w_c = (N - N_c) / N_c`, so that having it weighs what lacking it does. A class that no clip has gets the
    weight 1.

    Examples
    --------
    >>> from pathlib import Path
    >>> from otoscope.data.items import Item
    >>> data = DataSet([Item(Path(f"{n}.wav"), (name,)) for n, name in enumerate("aaab")], ("a", "b"))
    >>> class_weights("balanced", data), class_weights({"b": 9.0}, data)
    (tensor([0.6667, 2.0000]), tensor([1., 9.]))
    """
    if wanted is None:
        return None
    if wanted == "balanced":
        return _balanced(data)
    unknown = next((name for name in wanted if name not in data.classes), None)
    if unknown is not None:
        raise InputError(f"learn.class_weights names {unknown!r}: the classes are {_some(data.classes)}")
    return torch.tensor([float(wanted.get(name, 1.0)) for name in data.classes])


def _balanced(data: DataSet) -> Tensor:
    codes, _ = label_codes(data.items, data.classes)
    counts = np.bincount(codes, minlength=len(data.classes))
    others = len(data) - counts if data.multilabel else np.full(len(counts), len(data) / len(counts))
    weights = np.where((counts > 0) & (others > 0), others / np.maximum(counts, 1), 1.0)
    return torch.from_numpy(weights.astype(np.float32))


def _some(names: Sequence[str], shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more

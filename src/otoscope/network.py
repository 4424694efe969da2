"""The user's model on tensors of one shape: (clip, channel, time) in, the one output that is looked at out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.probe.answer import output_tensor


class Network(nn.Module):
    """A model behind its contract.

    Whatever layout the model itself takes, a network takes (clip, channel, time), and returns the one tensor that is
    looked at with the clips on its first axis. It has no name and no weight of its own: modules, parameters and
    buffers are those of the model, and so are the names of taps.

    Parameters
    ----------
    model : nn.Module
        The user's own, which is not changed.
    contract : Contract
        What it takes and answers; it may be replaced when more is known.
    given : mapping of str to object
        Further arguments of its forward pass: what they are, or functions of the tensor that the model is given. Of a
        tensor whose first axis has a single entry, every clip of a batch gets that entry.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    >>> network = Network(model, Contract(layout="(batch, time)"))
    >>> network(torch.ones(5, 1, 3)).shape, [name for name, _ in network.named_modules()]
    (torch.Size([5, 2]), ['', '0', '1'])
    """

    wraps_model: ClassVar[bool] = True  # lock, mode and state are those of the model
    model: nn.Module
    contract: Contract

    def __init__(self, model: nn.Module, contract: Contract, given: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "model", model)  # not as a submodule, which would change every name
        self.contract = contract
        self.given = dict(given or {})

    def __getattr__(self, name: str) -> Any:
        if name == "model" or name.startswith("__"):  # while it is copied or unpickled
            raise AttributeError(name)
        return getattr(self.model, name)

    def of(self, other: nn.Module) -> Network:
        """Another model behind the same contract."""
        return Network(other, self.contract, self.given)

    def under(self, contract: Contract) -> Network:
        """The same model behind another contract."""
        return Network(self.model, contract, self.given)

    @property
    def apart(self) -> bool:
        """Whether clips can be run together, for they do not meet."""
        return self.contract.clips not in ("meet", "alone")

    def parts(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Clips as they can be run: all together, or one by one where they would meet."""
        return (inputs,) if self.apart or len(inputs) == 1 else inputs.split(1)

    def ask(self, inputs: Tensor) -> Any:
        """All that the model answers to waveforms (clip, channel, time)."""
        arranged = self.contract.arrange(inputs)
        return self.model(arranged, **{name: _argument(value, arranged) for name, value in self.given.items()})

    def forward(self, inputs: Tensor) -> Tensor:
        """Of waveforms (clip, channel, time), the output that is looked at.

        Where the model has no such output, the error is what is returned, and is raised by what needs the output: what
        is inside can be seen all the same.
        """
        if len(inputs) > 1 and not self.apart:
            raise InputError(
                f"the clips of {self._get_name()} meet in a batch, or it takes one at a time: give it one clip"
            )
        answer = self.ask(inputs)
        try:
            output = output_tensor(answer, self.contract.output)
        except InputError as error:
            return error  # type: ignore[return-value]
        return output[None] if len(inputs) == 1 and self.contract.clip_axis == "lost" else output

    def train(self, mode: bool = True) -> Network:
        self.model.train(mode)
        return self

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        yield from self.model.named_modules(memo, prefix, remove_duplicate)

    def named_children(self) -> Iterator[tuple[str, nn.Module]]:
        return self.model.named_children()

    def get_submodule(self, target: str) -> nn.Module:
        return self.model.get_submodule(target)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return self.model.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return self.model.load_state_dict(*args, **kwargs)

    def _apply(self, *args: Any, **kwargs: Any) -> Network:
        self.model._apply(*args, **kwargs)
        return self

    def _get_name(self) -> str:
        return str(self.model._get_name())


def _argument(value: Any, arranged: Tensor) -> Any:
    """A further argument for a batch, on its device."""
    if callable(value) and not isinstance(value, (Tensor, nn.Module)):
        return value(arranged)
    if not isinstance(value, Tensor):
        return value
    value = value.to(arranged.device)
    repeated = value.ndim > 0 and len(value) == 1 < len(arranged)
    return value.expand(len(arranged), *value.shape[1:]) if repeated else value

"""A network: the user's model behind its contract, with its own names and weights."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError
from otoscope.contract import Contract
from otoscope.network import Network
from otoscope.probe import trace, vjp
from otoscope.probe.answer import output_tensor
from otoscope.probe.listen import evaluating


class Flat(nn.Module):
    """Takes (batch, time); returns an embedding and logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.drop, self.out = nn.Conv1d(1, 4, 9, 3), nn.Dropout(), nn.Linear(4, 2)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        assert x.ndim == 2
        embedding = self.drop(self.conv(x[:, None]).relu().mean(-1)) * self.scale
        return embedding, self.out(embedding)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network(Flat(), Contract(layout="(batch, time)", output=1))


def test_it_takes_clips_and_channels_and_returns_the_output_that_is_looked_at(network: Network) -> None:
    x = torch.randn(3, 1, 100)
    with evaluating(network):
        torch.testing.assert_close(network(x), network.model(x[:, 0])[1])
    value, pull = vjp(network, x)
    assert pull(torch.ones_like(value)).shape == x.shape


def test_its_modules_weights_and_state_are_those_of_the_model(network: Network) -> None:
    model = network.model
    for names in ("named_modules", "named_children", "named_parameters", "named_buffers"):
        assert list(getattr(network, names)()) == list(getattr(model, names)())
    assert [*network.modules()] == [*model.modules()] and [*network.parameters()] == [*model.parameters()]
    assert network.state_dict().keys() == model.state_dict().keys()
    assert network.get_submodule("conv") is model.conv and network.get_parameter("scale") is model.scale
    assert list(trace(network, torch.zeros(1, 1, 100), 8000)) == list(trace(model, torch.zeros(1, 100), 8000))
    network.double()
    assert model.scale.dtype == torch.float64
    network.load_state_dict({name: 0 * value for name, value in model.state_dict().items()})
    assert not model.out.weight.any()


def test_the_model_keeps_its_mode(network: Network) -> None:
    network.model.train()
    network.model.conv.eval()
    with evaluating(network):
        assert not any(module.training for module in network.model.modules())
    assert [m.training for m in network.model.modules()] == [True, False, True, True]


def test_copies_have_a_model_of_their_own(network: Network) -> None:
    x = torch.randn(1, 1, 100)
    for other in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):  # noqa: S301
        assert other.model is not network.model and other.contract == network.contract
        with evaluating(other), evaluating(network):
            torch.testing.assert_close(other(x), network(x))


def test_what_is_inside_can_be_seen_where_there_is_no_such_output(network: Network) -> None:
    network.contract = network.contract.changed(output=5)
    assert "conv" in trace(network, torch.zeros(1, 1, 100), 8000)
    with pytest.raises(InputError, match=r"no output 5 .* 0 of shape"):
        vjp(network, torch.zeros(1, 1, 100))
    with pytest.raises(InputError, match="no output 5"):
        output_tensor(network(torch.zeros(1, 1, 100)))

"""After any method a model is bit for bit what it was, also from several threads and in the workers of a loader."""

from __future__ import annotations

import multiprocessing
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from otoscope import Scope, backproject, read_taps, trace, vjp
from otoscope.methods.listing import listing

RATE, CLASSES = 8000, ("a", "b", "c")


class Living(nn.Module):
    """A model in training with all that forward passes write to: statistics, a stream, norms of weights, draws."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 4, 20, stride=5))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old weight norm, which is in many checkpoints
            self.wide = nn.utils.weight_norm(nn.Conv1d(1, 4, 40, stride=10))
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)
        self.relu, self.other = nn.ReLU(inplace=True), nn.ReLU()
        self.out = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 3))
        self.register_buffer("stream", torch.zeros(4))
        self.steps, self.memory = 0, [torch.zeros(4)]

    def forward(self, x: Tensor) -> Tensor:
        maps = self.relu(self.drop(self.norm(self.conv(x)))), self.other(self.wide(0.5 * x))
        one, other = (one.mean(-1) for one in maps)
        self.stream.mul_(0.5).add_(one.detach().mean(0))
        self.memory.append(self.memory[-1] + self.stream)
        self.steps += 1
        return 10 * self.out(torch.cat([one + 0.1 * self.memory[-1], other + self.steps], 1)) + CLASS_BIAS


CLASS_BIAS = torch.tensor([0.0, 0.1, 0.2])


def living() -> nn.Module:
    model = Living().train()
    model.drop.eval()  # modes differ
    model.conv.bias.requires_grad_(False)
    model.out.bias.grad = torch.ones(3)
    model.norm.register_forward_hook(lambda module, args, output: output * 1.0)
    return model


def described(value: Any) -> Any:
    """What a model holds, in values that can be compared, tensors bit for bit."""
    if isinstance(value, Tensor):
        grad = value.grad if value.is_leaf else None
        return value.detach().numpy().tobytes(), value.requires_grad, grad is not None and grad.tolist(), value._version
    if isinstance(value, (list, tuple)):
        return [described(one) for one in value]
    if isinstance(value, dict):
        return {key: described(one) for key, one in value.items()}
    return described(vars(value)) if isinstance(value, nn.Module) else value


def drawn() -> Any:
    state = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), random.getstate(), repr(state)


@pytest.mark.parametrize("name", listing())
def test_a_method_changes_nothing(name, example, tmp_path):
    given = example(name)
    arguments = dict(given.arguments)
    if "checkpoints" in arguments:
        for step in (5, 40):
            torch.save(Living().state_dict(), tmp_path / f"step={step}.pt")
        arguments["checkpoints"] = str(tmp_path)
    model = living()
    scope = Scope(model, RATE, classes=CLASSES)
    before, random_before, digest = described(model), drawn(), scope.digest
    results = [getattr(scope, name)(*given.given, **arguments) for _ in range(2)]
    assert described(model) == before
    assert scope.digest == digest
    assert drawn() == random_before
    assert results[0].equals(results[1])


def heard(scope: Scope, wave: Tensor) -> np.ndarray:
    return scope.relevance(wave, target="b").relevance.values


CALLS = {
    "relevance": heard,
    "sonify": lambda scope, wave: scope.sonify(wave, layer="other", channels=[1]).sonification.values,
    "output": lambda scope, wave: scope.output(wave).numpy(),
    "vjp": lambda scope, wave: (lambda value, pull: pull(value))(*vjp(scope.model, wave[None, None], "relu")).numpy(),
    "backproject": lambda scope, wave: backproject(scope.model, wave[None, None], torch.ones_like).numpy(),
    "read_taps": lambda scope, wave: read_taps(scope.model, wave[None, None])["other"].numpy(),
    "trace": lambda scope, wave: trace(scope.model, wave[None, None], RATE)["wide"].weight.numpy(),
}


@pytest.mark.parametrize("name", CALLS)
def test_two_threads_on_one_model_in_training(name):
    """Eighty calls: all right, nothing changed."""
    waves = [torch.randn(800, generator=torch.Generator().manual_seed(n)) for n in range(8)]
    right = [CALLS[name](Scope(living().eval(), RATE, classes=CLASSES), wave) for wave in waves]
    model = living()
    before = described(model)
    scopes = [Scope(model, RATE, classes=CLASSES) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda n: CALLS[name](scopes[n % 2], waves[n % 8]), range(80)))
    assert sum(not np.array_equal(value, right[n % 8]) for n, value in enumerate(found)) == 0
    assert described(model) == before


class Relevances(Dataset[tuple[Tensor, bool]]):
    """The relevance of sounds, and whether the model is what it was, as a loader's workers find them."""

    def __init__(self, model: nn.Module) -> None:
        self.scope = Scope(model, RATE, classes=CLASSES)

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[Tensor, bool]:
        wave = torch.randn(800, generator=torch.Generator().manual_seed(index))
        before = described(self.scope.model)
        found = heard(self.scope, wave)
        return torch.from_numpy(found), described(self.scope.model) == before


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
def test_four_workers_of_a_loader():
    """Forked while another thread looks into the same model."""
    model = living()
    data, right = Relevances(model), Relevances(living().eval())
    before = described(model)
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(lambda: [heard(data.scope, torch.randn(800)) for _ in range(40)])
        loader = DataLoader(data, batch_size=None, num_workers=4, multiprocessing_context="fork", timeout=60)
        found = list(loader)
        beside.result()
    assert [torch.equal(wave, right[n][0]) for n, (wave, _) in enumerate(found)] == [True] * 20
    assert all(same for _, same in found)
    assert described(model) == before

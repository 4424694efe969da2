"""Files that torch or safetensors load strictly are loaded; those of another architecture are refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_model
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.models import fit_weights, read_weights

NEW, OLD = nn.utils.parametrizations, nn.utils
Norm = Callable[[nn.Module], nn.Module]


def network(norm: Norm = lambda layer: layer, kernel: int = 16) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = [norm(nn.Conv1d(1, 4, kernel, 4)), nn.BatchNorm1d(4), nn.ReLU(), norm(nn.Conv1d(4, 3, 5))]
    return nn.Sequential(*parts, nn.AdaptiveAvgPool1d(1), nn.Flatten()).eval()


NORMS: dict[str, tuple[Norm, Norm]] = {
    "weight norm": (OLD.weight_norm, NEW.weight_norm),
    "spectral norm": (OLD.spectral_norm, NEW.spectral_norm),
}


@pytest.mark.parametrize("prefix", ["", "module.", "net.model."])
@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_norm_may_be_written_either_way(norm: str, back: bool, prefix: str, tmp_path: Path) -> None:
    theirs, ours = NORMS[norm][::-1] if back else NORMS[norm]
    torch.manual_seed(1)
    saved, model, x = network(theirs), network(ours), torch.randn(2, 1, 100)
    torch.save({"state_dict": {prefix + key: value for key, value in saved.state_dict().items()}}, tmp_path / "a.pt")
    fit_weights(model, read_weights(tmp_path / "a.pt"), tmp_path / "a.pt")
    torch.testing.assert_close(model(x), saved(x))


def test_counts_of_batches_may_be_missing() -> None:
    torch.manual_seed(1)
    saved, model, x = network(), network(), torch.randn(2, 1, 100)
    weights = {name: value for name, value in saved.state_dict().items() if "num_batches" not in name}
    fit_weights(model, weights, "a.pt")
    assert torch.equal(model(x), saved(x))
    del weights["1.running_mean"]
    with pytest.raises(InputError, match=r"another architecture: the file lacks 1\.running_mean"):
        fit_weights(model, weights, "a.pt")


class Tied(nn.Module):
    def __init__(self, tied: bool = True) -> None:
        super().__init__()
        self.one = nn.Conv1d(1, 4, 16)
        self.other = self.one if tied else nn.Conv1d(1, 4, 16)
        self.out, self.also = nn.Linear(4, 2), nn.Linear(4, 2)
        if tied:
            self.also.weight = self.out.weight

    def forward(self, x: Tensor) -> Tensor:
        y = (self.one(x) + self.other(-x).relu()).mean(-1)
        return self.out(y) + self.also(y)


def test_shared_tensors_are_saved_once(tmp_path: Path) -> None:
    torch.manual_seed(1)
    saved, model, x = Tied(), Tied(), torch.randn(2, 1, 100)
    save_model(saved, str(tmp_path / "a.safetensors"))
    weights = read_weights(tmp_path / "a.safetensors")
    assert len(weights) < len(model.state_dict())
    fit_weights(model, weights, "a.safetensors")
    assert torch.equal(model(x), saved(x))
    with pytest.raises(InputError, match="another architecture: the file lacks"):
        fit_weights(Tied(tied=False), weights, "a.safetensors")


class Lazy(nn.Module):
    sample_rate = 8000

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.out = nn.LazyConv1d(4, 16, 4), nn.LazyBatchNorm1d(), nn.LazyLinear(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.norm(self.conv(x)).relu().mean(-1))


def test_lazy_modules_get_the_shapes_of_the_file() -> None:
    torch.manual_seed(1)
    saved, model, wave = Lazy(), Lazy(), torch.randn(800)
    saved(torch.zeros(1, 1, 800))
    fit_weights(model, saved.state_dict(), "a.pt")
    scopes = Scope(saved.eval()), Scope(model)
    for _ in range(2):
        found, expected = (scope.relevance(wave, target=1) for scope in scopes[::-1])
        assert found.relevance.equals(expected.relevance)
        assert found.attrs["model_sha256"] == expected.attrs["model_sha256"]
    with pytest.raises(InputError, match=r"another architecture: .*out\.weight"):
        fit_weights(Lazy(), {k: v for k, v in saved.state_dict().items() if k != "out.weight"}, "a.pt")


def test_lazy_modules_without_weights_are_made_by_the_first_sound() -> None:
    scope = Scope(Lazy())
    one, other = (scope.relevance(torch.ones(800), target=1) for _ in range(2))
    assert one.equals(other)
    assert one.attrs["model_sha256"] == scope.digest


def test_another_architecture_is_refused() -> None:
    weights = network(NEW.weight_norm, kernel=20).state_dict()
    with pytest.raises(InputError, match=r"0\.parametrizations\.weight\.original1 is \(4, 1, 20\) in the file"):
        fit_weights(network(NEW.weight_norm), weights, "a.pt")
    with pytest.raises(InputError, match="another architecture"):
        fit_weights(network(), weights, "a.pt")

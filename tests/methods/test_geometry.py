"""Geometry of weights: the published table, and numpy on models small enough to see through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import tables
from otoscope.contract import Contract
from otoscope.errors import InputError
from otoscope.methods.catalogue import METHODS
from otoscope.methods.geometry import geometry
from otoscope.models import load
from otoscope.subject import Subject

# SWAM (Gupta and Abrol), Table 4: Inc-TSSDNet, the first convolution and the four blocks of dilated branches.
TABLE_4 = {
    "A": (0.3457, 0.0, 0.0, 0.0, 0.0),
    "B": (4.5024, 3.0179, 3.7923, 8.8337, 12.5639),
    "beta_avg": (41.2059, 72.0779, 70.5769, 65.8626, 62.1708),
    "mu": (0.8925, 0.4402, 0.5149, 0.7679, 0.7788),
    "mu_avg": (0.7434, 0.307, 0.3313, 0.4056, 0.462),
}


def test_published_weights_give_the_published_table(published: Path) -> None:
    result = geometry(Subject(load("inc-tssdnet", weights=published)))
    assert result.layer.values.tolist() == ["conv1", "DCM1", "DCM2", "DCM3", "DCM4"]
    for name, row in TABLE_4.items():
        assert np.round(result[name].values, 4).tolist() == list(row), name
    assert result.beta_avg.attrs["units"] == "degrees"
    assert not result.skip.any()


def test_the_table_on_screen_and_in_json_shows_the_whole_published_table(published: Path) -> None:
    result = geometry(Subject(load("inc-tssdnet", weights=published)))
    rows = tables.envelope(result, METHODS["geometry"])["rows"]
    assert [row["layer"] for row in rows] == ["conv1", "DCM1", "DCM2", "DCM3", "DCM4"]
    for name, published_row in TABLE_4.items():
        assert [round(row[name], 4) for row in rows] == list(published_row), name
    headings = tables.headings(result, METHODS["geometry"])
    assert {"A", "B", "mu", "mu_avg", "mu_mse", "beta_min", "beta_avg", "beta_mse"} <= headings.keys()
    assert headings["beta_avg"] == "beta avg (degrees)"


def test_a_layer_of_one_atom_has_no_pair_and_json_says_null() -> None:
    result = geometry(Subject(nn.Conv1d(1, 1, 3), 8000))
    (row,) = tables.envelope(result, METHODS["geometry"])["rows"]
    assert row["mu"] is None and row["B"] == pytest.approx(1)


def test_layers_with_a_skip_are_those_whose_result_is_added() -> None:
    result = geometry(Subject(load("res-tssdnet")))
    marked = result.layer.values[result.skip.values == 1].tolist()
    assert marked == [f"RSM{block}.{name}" for block in range(1, 5) for name in ("conv3", "nin")]


def measure(model: nn.Module) -> dict[str, np.ndarray]:
    result = geometry(Subject(model, 8000, contract=Contract(length=200)))
    return {str(name): result[name].values for name in result.data_vars}


def by_numpy(atoms: np.ndarray) -> dict[str, float]:
    """Skretting and Engan 2011, from the equations."""
    unit = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    eigenvalues = np.linalg.eigvalsh(unit.T @ unit)
    coherence = np.abs(unit @ unit.T) - np.eye(len(unit))
    nearest = coherence.max(1)
    mu_mse = np.sqrt(np.sum(np.linalg.eigvalsh(unit @ unit.T) ** 2)) / len(unit)
    return {
        "A": max(eigenvalues[0], 0.0),
        "B": eigenvalues[-1],
        "mu": nearest.max(),
        "mu_avg": nearest.mean(),
        "mu_mse": mu_mse,
        "beta_min": np.degrees(np.arccos(nearest.max())),
        "beta_avg": np.degrees(np.arccos(nearest)).mean(),
        "beta_mse": np.degrees(np.arccos(mu_mse)),
    }


def agrees(found: dict[str, np.ndarray], layer: int, atoms: np.ndarray) -> bool:
    return all(np.isclose(found[name][layer], value, atol=1e-6) for name, value in by_numpy(atoms).items())


def test_measures_are_those_of_the_unrolled_kernels() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 9, 5), nn.ReLU(), nn.Conv1d(9, 40, 3))
    found = measure(model)
    for layer, module in ((0, model[0]), (1, model[2])):
        atoms = module.weight.detach().double().flatten(1).numpy()
        assert agrees(found, layer, atoms)
        assert (found["atoms"][layer], found["dimension"][layer]) == atoms.shape
    assert np.isnan(found["babel"][0][8:]).all() and np.isfinite(found["babel"][0][:8]).all()
    assert found["babel"][0][0] == pytest.approx(found["mu"][0])
    assert (np.diff(found["babel"][0][:8]) >= 0).all()


def test_groups_look_at_channels_of_their_own() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 4, 5), nn.ReLU(), nn.Conv1d(4, 6, 3, groups=2))
    weight = model[2].weight.detach().double().numpy()
    atoms = np.zeros((6, 4, 3))
    atoms[:3, :2], atoms[3:, 2:] = weight[:3], weight[3:]
    found = measure(model)
    assert agrees(found, 1, atoms.reshape(6, 12))
    assert found["dimension"][1] == 12


def test_dilation_is_written_out_in_one_dimension_and_in_two() -> None:
    torch.manual_seed(0)
    line = nn.Conv1d(1, 20, 4, dilation=3)
    column = nn.Sequential(nn.Unflatten(2, (-1, 1)), nn.Conv2d(1, 20, (4, 1), dilation=(3, 1)))
    column[1].weight.data.copy_(line.weight.data[..., None])
    atoms = np.zeros((20, 10))
    atoms[:, ::3] = line.weight.detach().double()[:, 0].numpy()
    for model in (line, column):
        found = measure(model)
        assert agrees(found, 0, atoms)
        assert found["A"][0] == 0 and found["dimension"][0] == 10


def test_kernels_with_two_sides_are_unrolled_whole() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 8, 5), nn.Unflatten(1, (1, 8)), nn.Conv2d(1, 30, 3))
    found = measure(model)
    assert agrees(found, 1, model[2].weight.detach().double().flatten(1).numpy())


def test_parallel_branches_are_one_layer() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.ModuleList([nn.Conv1d(1, 4, 3, padding=1), nn.Conv1d(1, 4, 7, padding=3)])

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([torch.relu(branch(x)) for branch in self.block], 1)

    torch.manual_seed(0)
    model = Branches()
    atoms = np.zeros((8, 7))
    atoms[:4, :3] = model.block[0].weight.detach()[:, 0]
    atoms[4:] = model.block[1].weight.detach()[:, 0]
    found = measure(model)
    assert len(found["A"]) == 1 and agrees(found, 0, atoms)


def test_dead_kernels_are_counted_and_left_out() -> None:
    layer = nn.Conv1d(1, 4, 3)
    layer.weight.data[1] = 0
    found = measure(layer)
    assert found["dead"][0] == 1 and found["atoms"][0] == 3
    assert np.isfinite(found["mu_avg"][0])


def test_a_model_without_convolution_is_refused() -> None:
    with pytest.raises(InputError, match="no convolution"):
        measure(nn.Sequential(nn.Flatten(), nn.Linear(200, 4), nn.ReLU()))


def test_weights_that_diverged_are_refused() -> None:
    layer = nn.Conv1d(1, 4, 3)
    layer.weight.data[0] = float("nan")
    with pytest.raises(InputError, match="NaN"):
        measure(layer)

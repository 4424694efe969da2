"""Geometry of dictionaries: known frames, numpy written from the definitions, and published weights."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from otoscope.dsp.dictionary import gram, properties, unrolled_atoms
from otoscope.errors import InputError


def by_definition(atoms: np.ndarray) -> dict[str, float | np.ndarray]:
    """The properties by loops over pairs of atoms and the eigenvalues of the full D D^T."""
    atoms = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    count = len(atoms)
    pairs = [sorted(abs(atoms[i] @ atoms[j]) for j in range(count) if j != i)[::-1] for i in range(count)]
    nearest = np.array([row[0] for row in pairs])
    eigenvalues = np.linalg.eigvals(atoms.T @ atoms).real
    mu_mse = np.sqrt((eigenvalues**2).sum()) / count
    return {
        "A": eigenvalues.min(),
        "B": eigenvalues.max(),
        "mu": nearest.max(),
        "mu_avg": nearest.mean(),
        "mu_mse": mu_mse,
        "beta_min": np.degrees(np.arccos(nearest.max())),
        "beta_avg": np.degrees(np.arccos(nearest)).mean(),
        "beta_mse": np.degrees(np.arccos(mu_mse)),
        "babel": np.array([max(sum(row[:m]) for row in pairs) for m in range(1, count)]),
    }


@pytest.mark.replica("geometry")
@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (8, 8), (2, 3)])
def test_random_dictionaries_match_the_definitions(shape: tuple[int, int]) -> None:
    atoms = np.random.default_rng(0).standard_normal(shape)
    found = properties(torch.tensor(atoms))
    for name, expected in by_definition(atoms).items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-9, atol=1e-9, err_msg=name)
    assert (found["atoms"], found["dimension"], found["dead"]) == (*shape, 0)
    if shape[0] < shape[1]:
        assert found["A"] == 0.0


def test_scale_sign_and_order_of_atoms_do_not_matter() -> None:
    atoms = torch.randn(12, 5, dtype=torch.float64)
    factors = torch.tensor([1e-30, -1e20] * 6, dtype=torch.float64)[:, None]
    first, second = properties(atoms), properties((atoms * factors).flip(0))
    for name in ("A", "B", "mu", "mu_avg", "beta_avg", "beta_mse"):
        assert second[name] == pytest.approx(first[name])
    torch.testing.assert_close(first["babel"], second["babel"])


def test_orthonormal_basis() -> None:
    basis = torch.linalg.qr(torch.randn(16, 16, dtype=torch.float64)).Q
    found = properties(basis)
    assert found["A"] == pytest.approx(1)
    assert found["B"] == pytest.approx(1)
    assert found["mu"] == pytest.approx(0, abs=1e-12)
    assert found["beta_min"] == pytest.approx(90)
    assert found["mu_mse"] == pytest.approx(1 / 4)
    assert found["babel"].max() < 1e-10


def test_union_of_bases_is_a_tight_frame() -> None:
    """Identity and Hadamard basis: A = B = 2, coherence 1 / sqrt(N)."""
    from scipy.linalg import hadamard

    found = properties(torch.cat((torch.eye(16, dtype=torch.float64), torch.tensor(hadamard(16)) / 4)))
    assert found["A"] == pytest.approx(2)
    assert found["B"] == pytest.approx(2)
    assert found["mu"] == pytest.approx(1 / 4)
    assert found["mu_avg"] == pytest.approx(1 / 4)
    expected = torch.arange(1, 32, dtype=torch.float64).clamp(max=16) / 4
    torch.testing.assert_close(found["babel"], expected)


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_simplex_is_the_mercedes_benz_frame(dimension: int) -> None:
    """N + 1 corners of a simplex: A = B = (N + 1) / N, all coherences 1 / N."""
    corners = torch.eye(dimension + 1, dtype=torch.float64) - 1 / (dimension + 1)
    atoms = corners @ torch.linalg.svd(corners).Vh[:dimension].T
    found = properties(atoms)
    assert found["A"] == pytest.approx(1 + 1 / dimension)
    assert found["B"] == pytest.approx(1 + 1 / dimension)
    assert found["mu"] == pytest.approx(1 / dimension)
    assert found["beta_avg"] == pytest.approx(math.degrees(math.acos(1 / dimension)))
    torch.testing.assert_close(found["babel"], torch.arange(1, dimension + 1, dtype=torch.float64) / dimension)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_dependent_atoms_do_not_span(dtype: torch.dtype) -> None:
    """More atoms than dimensions, all of zero mean up to the rounding of their dtype: A is exactly 0."""
    atoms = torch.randn(200, 64, dtype=torch.float64)
    atoms = (atoms - atoms.mean(1, keepdim=True)).to(dtype)
    assert properties(atoms)["A"] == 0.0
    assert properties(torch.randn(200, 64).to(dtype))["A"] > 0.1


def test_equal_atoms_are_fully_coherent() -> None:
    found = properties(torch.tensor([[1.0, 2.0, 2.0], [-3.0, -6.0, -6.0]]))
    assert found["mu"] == pytest.approx(1)
    assert found["beta_min"] == pytest.approx(0, abs=1e-5)
    assert found["B"] == pytest.approx(2)


def test_dead_atoms_are_left_out_and_counted() -> None:
    atoms = torch.randn(9, 4, dtype=torch.float64)
    with_dead = torch.cat((atoms[:3], torch.zeros(2, 4), atoms[3:]))
    first, second = properties(atoms), properties(with_dead)
    assert second["dead"] == 2
    assert second["atoms"] == 9
    for name in ("A", "B", "mu", "mu_avg", "mu_mse", "beta_avg"):
        assert second[name] == pytest.approx(first[name])


def test_one_atom_and_no_atom() -> None:
    one, none = properties(torch.ones(1, 4)), properties(torch.zeros(3, 4))
    assert (one["A"], one["B"], one["mu_mse"], one["beta_mse"]) == (0.0, 1.0, 1.0, 0.0)
    assert properties(torch.ones(1, 1))["A"] == 1.0
    assert (none["A"], none["B"], none["atoms"], none["dead"]) == (0.0, 0.0, 0, 3)
    for found in (one, none):
        assert all(math.isnan(found[name]) for name in ("mu", "mu_avg", "beta_min", "beta_avg"))
        assert found["babel"].shape == (0,)


@pytest.mark.parametrize(("count", "width"), [(24, 5), (24, 40), (4, 3)])
def test_groups_are_blocks_of_a_larger_dictionary(count: int, width: int) -> None:
    """The same as the dense weight of the grouped convolution, with its zeros written out."""
    groups = 4
    weight = torch.randn(count, width, dtype=torch.float64)
    dense = torch.zeros(count, groups, width, dtype=torch.float64)
    rows = torch.arange(count)
    dense[rows, rows // (count // groups)] = weight
    grouped, written_out = properties(weight, groups), properties(dense)
    for name, value in written_out.items():
        np.testing.assert_allclose(grouped[name], value, atol=1e-7, err_msg=name)
    torch.testing.assert_close(gram(weight, groups), gram(dense))


def test_dilation_writes_zeros_between_taps() -> None:
    kernels = torch.randn(4, 3, 5), torch.randn(2, 3, 2)
    atoms = unrolled_atoms(kernels, [2, 3])
    assert atoms.shape == (6, 3 * 9)
    first, second = atoms.unflatten(1, (3, 9))[:4], atoms.unflatten(1, (3, 9))[4:]
    torch.testing.assert_close(first[..., ::2], kernels[0])
    assert not first[..., 1::2].any()
    torch.testing.assert_close(second[..., [0, 3]], kernels[1])
    assert second.count_nonzero() == kernels[1].numel()


def test_published_weights_give_table_4_of_swam() -> None:
    """Gupta and Abrol, Table 4, to the printed digit."""
    folder = os.environ.get("OTOSCOPE_DATA")
    path = Path(folder or "") / "tssdnet" / "inc_tssdnet_asvspoof2019_la.pth"
    if not folder or not path.is_file():
        pytest.skip("needs the published Inc-TSSDNet weights; set OTOSCOPE_DATA")
    weights = torch.load(path, weights_only=True, map_location="cpu")["model_state_dict"]
    branches = (1, 2, 4, 8)
    layers = [properties(weights["conv1.weight"])] + [
        properties(unrolled_atoms([weights[f"DCM{block}.cv{d}.weight"] for d in branches], branches))
        for block in range(1, 5)
    ]
    table = {
        "A": [0.3457, 0, 0, 0, 0],
        "B": [4.5024, 3.0179, 3.7923, 8.8337, 12.5639],
        "beta_avg": [41.2059, 72.0779, 70.5769, 65.8626, 62.1708],
        "mu": [0.8925, 0.4402, 0.5149, 0.7679, 0.7788],
        "mu_avg": [0.7434, 0.307, 0.3313, 0.4056, 0.462],
    }
    for name, published in table.items():
        assert [round(layer[name], 4) for layer in layers] == published, name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: properties(torch.ones(5)), "shape"),
        (lambda: properties(torch.ones(0, 5)), "shape"),
        (lambda: properties(torch.ones(2, 5, dtype=torch.complex64)), "real"),
        (lambda: properties(torch.tensor([[1.0, math.nan]])), "NaN"),
        (lambda: properties(torch.ones(6, 5), groups=4), "groups"),
        (lambda: properties(torch.ones(6, 5), groups=0), "groups"),
        (lambda: unrolled_atoms([], []), "dilation"),
        (lambda: unrolled_atoms([torch.ones(2, 1, 3)], [1, 2]), "dilation"),
        (lambda: unrolled_atoms([torch.ones(2, 1, 3)], [0]), "dilations"),
        (lambda: unrolled_atoms([torch.ones(2, 1, 3), torch.ones(2, 2, 3)], [1, 1]), "equal channels"),
        (lambda: unrolled_atoms([torch.ones(2, 3)], [1]), "channels"),
    ],
)
def test_bad_input_gets_one_clear_error(call, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()

"""Evolution is sonification at every checkpoint, and the model has its own weights afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.methods.evolution import sounds_of_checkpoints

RATE = 8000


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU()
    )


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def ask(model: nn.Module, x: Tensor, checkpoints: Any = None, **options: Any) -> xr.Dataset:
    return sounds_of_checkpoints(
        Scope(model, RATE), x, RUN if checkpoints is None else checkpoints, **{"layer": "5", **options}
    )


RUN = [(step, network(step).state_dict()) for step in (0, 10, 200)]


def test_every_step_is_the_sonification_of_its_weights() -> None:
    x = noise(2, 1, 600)
    calls: list[tuple[int, int]] = []
    result = ask(network(7), x, channels=[3, 1], progress=lambda *counts: calls.append(counts))
    assert result.sonification.dims == ("clip", "checkpoint", "channel", "time")
    assert result["checkpoint"].values.tolist() == [0, 10, 200]
    for i, step in enumerate((0, 10, 200)):
        alone = Scope(network(step), RATE).sonify(x[:, 0], layer="5", channels=[3, 1])
        for name in ("sonification", "activity", "peak_frequency"):
            np.testing.assert_array_equal(result[name][:, i], alone[name])
    np.testing.assert_array_equal(result.input, x[:, 0])
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_the_map_is_by_default_the_most_active_one_at_the_end() -> None:
    x = noise(1, 1, 600)
    last = Scope(network(200), RATE).sonify(x[0, 0], layer="5", n_maps=2)
    assert ask(network(7), x, n_maps=2).channel.values.tolist() == last.channel.values.tolist()
    assert ask(network(7), x, channels="layer").channel.values.tolist() == ["layer"]


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_folder_of_checkpoints_is_sorted_by_step(tmp_path: Path, prefix: str) -> None:
    """As Lightning writes them, too; the weights that were used are signed, whatever their files are called."""
    for step, weights in RUN:
        state = {f"{prefix}{name}": value for name, value in weights.items()}
        torch.save({"state_dict": state}, tmp_path / f"epoch=1-step={step}.ckpt")
    scope = Scope(network(7), RATE)
    before = scope.digest
    result = scope.evolution(noise(600), checkpoints=tmp_path, layer="5")
    expected = ask(network(7), noise(600)[None, None])
    np.testing.assert_array_equal(result.sonification, expected.sonification[0])
    assert result["checkpoint"].values.tolist() == [0, 10, 200] and scope.digest == before
    assert result.attrs["model_sha256"] == before
    arguments = json.loads(result.attrs["arguments"])
    assert arguments["channels"] == result.channel.values.tolist()
    assert {step: len(digest) for step, digest in arguments["checkpoints"].items()} == {"0": 64, "10": 64, "200": 64}
    one = scope.evolution(noise(600), checkpoints=tmp_path / "epoch=1-step=10.ckpt", layer="5", channels=2)
    assert one["checkpoint"].values.tolist() == [10]


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Conv1d(1, 2, 3).state_dict(), tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"other\.pt does not fit Sequential"):
        Scope(network(7), RATE).evolution(noise(600), checkpoints=tmp_path / "other.pt", layer="5")


def test_weights_are_read_one_at_a_time_when_their_turn_comes() -> None:
    read: list[int] = []

    def reader(step: int) -> Callable[[], dict[str, Tensor]]:
        return lambda: read.append(step) or network(step).state_dict()

    calls: list[int] = []
    run = [(step, reader(step)) for step in (0, 10)]
    ask(network(7), noise(1, 1, 600), run, channels=0, progress=lambda *_: calls.append(len(read)))
    assert read == [0, 10] and calls == [1, 2]


@pytest.mark.parametrize("broken", [False, True])
def test_the_model_has_its_own_weights_afterwards(broken: bool) -> None:
    model = network(7)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run = [*RUN, (300, nn.Conv1d(1, 1, 3).state_dict())] if broken else RUN
    if broken:
        with pytest.raises(InputError, match="checkpoint 300 does not fit the model"):
            ask(model, noise(1, 1, 600), run, channels=0)
    else:
        ask(model, noise(1, 1, 600), run, channels=0)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert optimizer.param_groups[0]["params"][0] is model[0].weight


def test_a_map_that_dies_goes_silent() -> None:
    dead = network(0).state_dict()
    dead["4.weight"][2] = 0
    dead["4.bias"][2] = -1
    run = [("alive", network(0).state_dict()), ("dead", dead)]
    result = ask(network(7), noise(1, 1, 600), run, channels=2)
    assert abs(result.sonification.sel(checkpoint="alive")).max() > 0 and result.activity[0, 0, 0] > 0
    assert not result.sonification.sel(checkpoint="dead").any() and result.activity[0, 1, 0] == 0


@pytest.mark.parametrize("checkpoints", [RUN, [("before", RUN[0][1]), ("after", RUN[2][1])]])
def test_the_result_can_be_saved(tmp_path: Path, checkpoints: list[Any]) -> None:
    result = ask(network(7), noise(1, 1, 600), checkpoints)
    result.otoscope.save(tmp_path / "run.nc")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "run.nc"), result)


def test_its_sounds_can_be_written(tmp_path: Path) -> None:
    x = 0.1 * noise(1, 1, 600)
    result = ask(network(7), x, channels=2)
    written = result.isel(clip=0).otoscope.write_audio(tmp_path / "map.wav")
    assert [path.name for path in written] == [f"map_checkpoint{step}_channel2.wav" for step in (0, 10, 200)]


@pytest.mark.parametrize(
    ("checkpoints", "options", "message"),
    [
        ([], {}, "no checkpoint"),
        ([RUN[0], RUN[0]], {}, "two checkpoints are called '0'"),
        (RUN, {"layer": "9"}, "no tap is named '9'"),
        (RUN, {"channels": 5}, "unknown map 5"),
    ],
)
def test_bad_input_is_refused(checkpoints: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(network(7), noise(1, 1, 600), checkpoints, **options)

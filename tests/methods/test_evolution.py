"""Evolution is sonification at every checkpoint, and the model has its own weights afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from otoscope import InputError
from otoscope.methods import feature_evolution, sonify

RATE = 8000


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(1, 6, 9, stride=3), nn.BatchNorm1d(6), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(6, 5, 5), nn.ReLU()
    )


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


RUN = [(step, network(step).state_dict()) for step in (0, 10, 200)]


def test_every_step_is_the_sonification_of_its_weights() -> None:
    x = noise(2, 1, 600)
    told: list[tuple[int, int]] = []
    result = feature_evolution(
        network(7), x, sample_rate=RATE, checkpoints=RUN, layer="5", channel=[3, 1], progress=lambda *n: told.append(n)
    )
    assert result.sonification.dims == ("clip", "checkpoint", "channel", "time")
    assert result["checkpoint"].values.tolist() == [0, 10, 200]
    for i, step in enumerate((0, 10, 200)):
        alone = sonify(network(step), x, sample_rate=RATE, layer="5", channel=[3, 1])
        np.testing.assert_array_equal(result.sonification[:, i], alone)
        np.testing.assert_array_equal(result.activity[:, i], alone.activity)
    np.testing.assert_array_equal(result.input, x[:, 0])
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_map_is_by_default_the_most_active_one_at_the_end() -> None:
    x = noise(1, 1, 600)
    result = feature_evolution(network(7), x, sample_rate=RATE, checkpoints=RUN, layer="5", top=2)
    last = sonify(network(200), x, sample_rate=RATE, layer="5", top=2)
    assert result.channel.values.tolist() == last.channel.values.tolist()
    whole = feature_evolution(network(7), x, sample_rate=RATE, checkpoints=RUN, layer="5", channel="layer")
    assert whole.channel.values.tolist() == ["layer"]


def test_weights_are_read_one_at_a_time_when_their_turn_comes() -> None:
    read: list[int] = []

    def reader(step: int) -> Callable[[], dict[str, Tensor]]:
        return lambda: read.append(step) or network(step).state_dict()

    told: list[int] = []
    feature_evolution(
        network(7), noise(1, 1, 600), sample_rate=RATE, checkpoints=[(s, reader(s)) for s in (0, 10)], layer="5",
        channel=0, progress=lambda done, total: told.append(len(read)),
    )  # fmt: skip
    assert read == [0, 10] and told == [1, 2]


@pytest.mark.parametrize("broken", [False, True])
def test_the_model_has_its_own_weights_afterwards(broken: bool) -> None:
    model = network(7)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run = [*RUN, (300, nn.Conv1d(1, 1, 3).state_dict())] if broken else RUN
    if broken:
        with pytest.raises(InputError, match="checkpoint 300 does not fit the model"):
            feature_evolution(model, noise(1, 1, 600), sample_rate=RATE, checkpoints=run, layer="5", channel=0)
    else:
        feature_evolution(model, noise(1, 1, 600), sample_rate=RATE, checkpoints=run, layer="5", channel=0)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert optimizer.param_groups[0]["params"][0] is model[0].weight


def test_a_map_that_dies_goes_silent() -> None:
    dead = network(0).state_dict()
    dead["4.weight"][2] = 0
    dead["4.bias"][2] = -1
    run = [("alive", network(0).state_dict()), ("dead", dead)]
    result = feature_evolution(network(7), noise(1, 1, 600), sample_rate=RATE, checkpoints=run, layer="5", channel=2)
    assert abs(result.sonification.sel(checkpoint="alive")).max() > 0 and result.activity[0, 0, 0] > 0
    assert not result.sonification.sel(checkpoint="dead").any() and result.activity[0, 1, 0] == 0


@pytest.mark.parametrize("checkpoints", [RUN, [("before", RUN[0][1]), ("after", RUN[2][1])]])
def test_the_result_can_be_saved(tmp_path: Path, checkpoints: list) -> None:
    result = feature_evolution(network(7), noise(1, 1, 600), sample_rate=RATE, checkpoints=checkpoints, layer="5")
    result.otoscope.save(tmp_path / "run.nc")
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "run.nc"), result)


def test_its_sounds_can_be_written(tmp_path: Path) -> None:
    x = 0.1 * noise(1, 1, 600)
    result = feature_evolution(network(7), x, sample_rate=RATE, checkpoints=RUN, layer="5", channel=2)
    written = result.isel(clip=0).sonification.otoscope.write_audio(tmp_path / "map.wav")
    assert [path.name for path in written] == [f"map_checkpoint{step}_channel2.wav" for step in (0, 10, 200)]


@pytest.mark.parametrize(
    ("checkpoints", "options", "message"),
    [
        ([], {}, "no checkpoint"),
        ([RUN[0], RUN[0]], {}, "two checkpoints are called '0'"),
        (RUN, {"layer": "9"}, "no tap is named '9'"),
        (RUN, {"channel": 5}, "unknown map 5"),
    ],
)
def test_bad_input_is_said(checkpoints: list, options: dict, message: str) -> None:
    options = {"layer": "5", **options}
    with pytest.raises(InputError, match=message):
        feature_evolution(network(7), noise(1, 1, 600), sample_rate=RATE, checkpoints=checkpoints, **options)

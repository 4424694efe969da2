"""SimpleNet and SpecNet against sections 3 and 4.1 of the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from otoscope.dsp.kernels import centre_frequency
from otoscope.errors import InputError
from otoscope.models import SimpleNetCNN, SimpleNetRNN, SpecNet, WaveRNN
from otoscope.models.simplenet import FilterEnergies

SMALL = {"filters": 31, "width": 64, "input_length": 31 * 640}


def test_filters_start_evenly_from_0_to_8_khz() -> None:
    for model in (SimpleNetRNN(), SimpleNetCNN(), SpecNet()):
        assert model.front.conv.weight.shape == (64, 1, 256)
        centres = centre_frequency(model.front.conv.weight.detach()[:, 0], 16_000)
        assert centres[1:-1].tolist() == pytest.approx(np.arange(1.5, 63) * 125, abs=5)


def test_other_starts() -> None:
    mel = centre_frequency(SimpleNetRNN(bands="mel").front.conv.weight.detach()[:, 0], 16_000)
    assert (mel.diff()[8:].diff() > -5).all() and mel[32] < 4000 / 2
    listed = SimpleNetRNN(bands=[[1000, 2000], [4000, 5000]], filters=2).front.conv.weight.detach()[:, 0]
    assert centre_frequency(listed, 16_000).tolist() == pytest.approx([1500, 4500], abs=10)
    drawn = SimpleNetRNN(bands=None).front.conv.weight
    assert not torch.equal(drawn, SimpleNetRNN(bands=None).front.conv.weight)
    with pytest.raises(InputError, match="2 bands for 64 filters"):
        SimpleNetRNN(bands=[[1000, 2000], [4000, 5000]])


@pytest.mark.parametrize("samples", [640, 1279, 3200, 4000])
def test_energies_are_the_mean_absolute_value_of_the_filtered_windows(samples: int) -> None:
    """Window by window with NumPy: the kernel at each place where it fits into the window."""
    front = FilterEnergies(filters=5, width=200)
    sound = np.random.default_rng(0).standard_normal(samples).astype(np.float32)
    kernels = front.conv.weight.detach().numpy()[:, 0]
    expected = [
        [np.abs(np.correlate(sound[start : start + 640], kernel, "valid")).mean() for kernel in kernels]
        for start in range(0, samples - 639, 640)
    ]
    found = front(torch.from_numpy(sound)[None, None])[0].T.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_upper_layers_of_the_cnn() -> None:
    model = SimpleNetCNN()
    convolutions = [m for m in model.features if isinstance(m, nn.Conv2d)]
    pools = [m for m in model.features if isinstance(m, nn.MaxPool2d)]
    assert [(c.kernel_size, c.out_channels) for c in convolutions] == [((2, 2), 32)] * 4
    assert [p.kernel_size for p in pools] == [2] * 4
    assert model.input_length == 6 * model.sample_rate
    picture = model.front(torch.zeros(1, 1, 96_000)).transpose(1, 2).unsqueeze(1)
    assert picture.shape == (1, 1, 150, 64)
    assert model.features(picture).shape == (1, 32, 8, 3)


def test_upper_layers_of_the_rnn_are_those_of_wavernn() -> None:
    ours, theirs = SimpleNetRNN().head, WaveRNN().head
    assert str(ours).replace("LSTM(64,", "LSTM(80,") == str(theirs)


def test_parameters_add_up() -> None:
    front, dense = 64 * 256, 64 * (32 * 8 * 3 + 1)
    pictures = 32 * (4 + 1) + 3 * 32 * (32 * 4 + 1)
    assert sum(p.numel() for p in SimpleNetCNN().parameters()) == front + pictures + dense + 4 * 65
    lstm = 2 * 4 * 64 * (64 + 64 + 2)
    assert sum(p.numel() for p in SimpleNetRNN().parameters()) == front + lstm + 64 * 65 + 4 * 65


def test_specnet_differs_in_that_its_filters_stay() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(4, 1, SMALL["input_length"]), torch.tensor([0, 1, 2, 3])
    moved = {}
    for network in (SimpleNetCNN, SpecNet):
        model = network(**SMALL)
        before = model.front.conv.weight.detach().clone()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimiser = torch.optim.Adam(trained, 1e-3)
        nn.functional.cross_entropy(model(x), labels).backward()
        optimiser.step()
        moved[network.__name__] = not torch.equal(model.front.conv.weight, before)
    assert moved == {"SimpleNetCNN": True, "SpecNet": False}
    assert SpecNet(**SMALL).state_dict().keys() == SimpleNetCNN(**SMALL).state_dict().keys()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="takes 96000 samples, got 16000"):
        SimpleNetCNN()(torch.zeros(1, 1, 16_000))
    with pytest.raises(InputError, match="at least 31 filters"):
        SimpleNetCNN(filters=30)
    with pytest.raises(InputError, match="input_length of 19840"):
        SimpleNetCNN(input_length=31 * 640 - 1)
    with pytest.raises(InputError, match="width 1 to 640"):
        SimpleNetRNN(width=641)
    for network in (SimpleNetCNN, SimpleNetRNN):
        with pytest.raises(InputError, match="n_classes"):
            network(n_classes=0)


def test_windows_are_40_ms_at_other_rates() -> None:
    halved: dict[str, Any] = {"width": 128, "filters": 32, "sample_rate": 8000}
    rnn, cnn = SimpleNetRNN(**halved), SimpleNetCNN(**halved, input_length=9920)
    assert rnn.minimum_length == 320 and rnn.sample_rate == cnn.sample_rate == 8000
    assert rnn.front(torch.zeros(1, 1, 9920)).shape == cnn.front(torch.zeros(1, 1, 9920)).shape == (1, 32, 31)
    assert cnn(torch.zeros(1, 1, 9920)).shape == (1, 4)
    with pytest.raises(InputError, match="multiple of 25 Hz"):
        SimpleNetRNN(sample_rate=8010)

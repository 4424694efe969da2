"""Time axis, hop, field and centre on networks whose truth is known: exact, or said not to be known."""

from __future__ import annotations

import math

import pytest
import torch
from known_nets import NETS, Known
from torch import nn
from traced_nets import TRACED

from otoscope.probe import Tap, trace
from otoscope.probe.trace import locate

NETWORKS = NETS | TRACED
UNKNOWN = {"numpy_in_front"}  # of which a trace tells the hop alone, and says so


def traced(name: str) -> tuple[dict[str, Tap], Known]:
    known = NETWORKS[name]()
    return trace(known.build().eval(), torch.randn(1, 1, known.samples), 16000).taps, known


@pytest.mark.parametrize("name", NETWORKS)
def test_a_tap_is_where_it_is_known_to_be(name):
    taps, known = traced(name)
    for tap, place in known.places.items():
        found = taps[tap]
        assert found.time_axes == place.axes, found
        if not place.axes:
            continue
        assert found.hop == pytest.approx(place.hop, rel=1e-9), found
        if name in UNKNOWN:
            assert found.receptive_field is None, found
            continue
        assert found.whole == bool(place.whole), found
        if place.whole:
            continue
        assert found.receptive_field == place.field, found
        assert place.centre is None or abs(found.centre - place.centre) <= found.uneven + 1e-6, found


@pytest.mark.parametrize("name", NETWORKS)
def test_every_trace_has_no_hop_that_is_not_positive(name):
    taps, _ = traced(name)
    for tap in taps.values():
        assert math.isnan(tap.hop) or tap.hop > 0
        assert tap.receptive_field != 0, "what is not known is not 0"
        assert not tap.time_axes or len(tap.times()) > 0


def test_what_a_place_rests_on_is_said():
    notes = {
        "running_mean": ("b", "sees all before"),
        "pairs_of_times": ("tanh", "two time axes"),
        "quantised": ("b", "behind a cut: argmin"),
        "filtered_by_fft": ("b", "measured at fft_irfft"),
        "fixed_length_without_gradients": ("b", "behind a cut: detach"),
        "unet_nearest": ("d1", "elements lie up to 1.5 samples off an even hop"),
        "dead_activations": ("5", ""),
    }
    for name, (tap, note) in notes.items():
        taps, _ = traced(name)
        assert taps[tap].note.startswith(note) and bool(taps[tap].note) == bool(note), (name, taps[tap].note)


def test_numbers_that_left_torch_are_no_field_of_zero():
    taps, _ = traced("numpy_in_front")
    assert taps["a"].receptive_field is None and math.isnan(taps["a"].receptive_field_seconds)
    assert "behind a cut: numpy, field not known" in taps["a"].note


def test_a_map_over_pairs_of_times_has_no_single_time_axis():
    taps, _ = traced("graph_attention")
    assert taps["tanh"].time_axis is None
    assert taps["tanh"].channel_axis == 3


def test_time_that_runs_backwards_has_no_hop():
    model = nn.Sequential(nn.Conv1d(1, 4, 8, 4))
    model.forward = lambda x: nn.Sequential.forward(model, x.flip(-1))  # type: ignore[method-assign]
    (tap,) = trace(model, torch.randn(1, 1, 400), 8000).values()
    assert math.isnan(tap.hop) and tap.note == "time runs backwards"
    assert (tap.time_axis, tap.receptive_field) == (2, 8)


class Scripted(nn.Module):
    """A function that torch scripted, inside of which nothing is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(1, 4, 16, 8), nn.Conv1d(4, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = snake(self.first(x))
        return self.second(h).relu()


@torch.jit.script
def snake(x: torch.Tensor) -> torch.Tensor:
    return x + torch.sin(x).square()


def test_behind_a_scripted_function_is_measured():
    taps = trace(Scripted().eval(), torch.randn(1, 1, 2000), 8000)
    assert (taps["second"].hop, taps["second"].receptive_field, taps["second"].centre) == (8, 32, 15.5)


def test_a_layer_that_nobody_knows_is_measured():
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv1d(1, 4, 16, 8), nn.Conv1d(4, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x).diff(dim=-1)).relu()

    taps = trace(Odd().eval(), torch.randn(1, 1, 2000), 8000)
    assert (taps["second"].hop, taps["second"].receptive_field, taps["second"].centre) == (8, 40, 19.5)
    assert taps["second"].note == "measured at diff"


def test_parallel_layers_have_names_of_their_own():
    class Parallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c1, self.c2 = nn.Conv1d(1, 8, 9, padding=4), nn.Conv1d(1, 8, 5, padding=2)
            self.c3, self.c4 = nn.Conv1d(16, 8, 9, padding=4), nn.Conv1d(16, 8, 5, padding=2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = torch.cat([self.c1(x), self.c2(x)], 1).relu()
            return torch.cat([self.c3(x), self.c4(x)], 1).relu()

    layers = trace(Parallel(), torch.randn(1, 1, 400), 8000).layers
    assert [layer.name for layer in layers] == ["c1+c2", "c3+c4"]


def test_a_located_tap_is_that_of_the_trace_also_where_it_is_measured():
    known = NETWORKS["filtered_by_fft"]()
    model, clip = known.build(), torch.randn(1, 1, known.samples)
    assert repr(locate(model, clip, 16000, "b")[0]) == repr(trace(model, clip, 16000)["b"])


def test_what_is_chosen_by_its_values_has_no_order_in_time():
    class Chosen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.top = nn.Conv1d(1, 4, 16, 8), nn.Conv1d(4, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.conv(x)
            return self.top(h[..., h.abs().sum((0, 1)).topk(h.shape[-1] // 2).indices]).relu()

    taps = trace(Chosen().eval(), torch.randn(1, 1, 2000), 8000)
    assert (taps["top"].time_axes, taps["top"].receptive_field) == ((), None)
    assert "elements are chosen by their values" in taps["top"].note


def test_a_filter_as_long_as_the_clip_sees_all_before():
    class Long(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 16, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.conv(x)
            n = h.shape[-1]
            kernel = torch.fft.rfft(0.999 ** torch.arange(n, dtype=x.dtype), 2 * n)
            return torch.fft.irfft(torch.fft.rfft(h, 2 * n) * kernel, 2 * n)[..., :n].relu()

    tap = trace(Long().eval(), torch.randn(1, 1, 2000), 8000)["relu"]
    assert (tap.time_axis, tap.hop, tap.whole) == (2, 8, True)
    assert "sees all before" in tap.note


def test_a_hop_that_growth_alone_tells_is_exact():
    class Outside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            frames = torch.from_numpy(x.detach().numpy().copy()[..., ::67]).float()
            return self.conv(frames).relu()

    tap = trace(Outside().eval(), torch.randn(1, 1, 7000), 8000)["relu"]
    assert (tap.time_axis, tap.hop, tap.receptive_field) == (2, 67, None)

"""Controls and tests of models as users have them: a right number, or one clear reason, and never a wrong number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import Contract, InputError, Scope
from otoscope.trust.blocks import blocks, line

RATE = 8000
X = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
pytestmark = pytest.mark.filterwarnings("ignore")


def small(outputs: int, channels: int = 1, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv1d(channels, 4, 20, stride=5), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, outputs)
    )  # fmt: skip


def both(scope: Scope, wave: Any = X, **question: Any) -> tuple[Any, Any]:
    return scope.control(wave, draws=3, **question), scope.taken_away(wave, places=4, **question)


def note(result: Any) -> str:
    return str(result.attrs.get("note", ""))


@pytest.mark.parametrize(("rule", "r"), [("gradient", 1.0), ("gradient_x_input", -1.0)])
def test_one_logit_mirrors_its_classes_by_necessity(rule: str, r: float) -> None:
    control, taken = both(Scope(small(1), RATE, classes=["no", "yes"]), rule=rule)
    assert control.control_runner_up.item() == pytest.approx(r) and "by necessity" in note(control)
    assert {control.class_name.item(), control.other.item()} == {"no", "yes"} and taken.answer.item() in ("no", "yes")
    assert taken.margin.item() > 0


def test_a_number_without_classes_has_no_answer_and_keeps_its_score() -> None:
    control, taken = both(Scope(small(1), RATE))
    assert np.isnan(control.control_runner_up) and "there is one class only" in note(control)
    assert np.isfinite(control.control_random)
    assert taken.answer.item() == "" and np.isnan(taken.margin) and np.isnan(taken.changed).all()
    assert "single number" in note(taken) and np.isfinite(taken.taken_score).all()
    assert np.isfinite(taken.elsewhere_score).all() and taken.judged_by.item() == "the logit of 0"
    assert [block["level"] for block in blocks([control, taken])] == [
        control.control_level.item(), taken.taken_level.item()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "more"),
    [("energy", {}), ("similarity", {"against": X[::-1].copy()}), (lambda y: y.flatten(1)[:, :2].sum(1), {})],
)
def test_what_is_no_class_has_no_runner_up(target: Any, more: dict[str, Any]) -> None:
    torch.manual_seed(0)
    waveform = nn.Sequential(nn.Conv1d(1, 4, 21, padding=10), nn.ReLU(), nn.Conv1d(4, 1, 21, padding=10))
    model = waveform if target == "energy" else small(5)
    control, taken = both(Scope(model, RATE), target=target, rule="gradient", **more)
    assert np.isnan(control.control_runner_up) and "which is not a class" in note(control)
    assert np.isfinite(control.control_random) and np.isfinite(taken.taken_score).all()
    assert (taken.answer.item() == "") == (target == "energy")


def test_silence_has_nothing_to_explain() -> None:
    for method in ("control", "taken_away"):
        with pytest.raises(InputError, match="silence"):
            getattr(Scope(small(3), RATE), method)(0 * X)


def test_a_clip_shorter_than_a_window() -> None:
    control, taken = both(Scope(small(3), RATE), X[:60], rule="gradient")
    assert -1 <= control.control_runner_up.item() <= 1 and 0 <= control.focus_start < control.focus_stop <= 60 / RATE
    assert taken.sel(domain="band").elsewhere_count.values.tolist() == [4, 4]


@pytest.mark.parametrize("rule", ["guided", "gradient_x_input"])
def test_frames_longer_than_the_sound_tell_no_times_apart(rule: str) -> None:
    for found in (
        Scope(small(3), RATE).control(X, rule=rule, window=2, draws=1),
        Scope(small(3), RATE).taken_away(X, rule=rule, window=2, places=3),
    ):
        assert (found.focus_start.item(), found.focus_stop.item()) == (0, len(X) / RATE)
        assert "window is 2 s and the sound 0.5 s long" in note(found)
    assert found.elsewhere_count.sel(domain="time").sum() == 0 and (found.elsewhere_count.sel(domain="band") > 0).any()
    assert "window is" not in note(Scope(small(3), RATE).control(X, rule=rule, window=0.5, draws=1))


def test_clips_of_a_batch_are_as_alone() -> None:
    scope = Scope(small(3), RATE, classes=list("abc"))
    clips, targets = np.stack([X, X[::-1]]), ["a", "c"]
    for method, more in (("control", {"draws": 2}), ("taken_away", {"places": 3})):
        together = getattr(scope, method)(clips, target=targets, rule="gradient", **more)
        for number, target in enumerate(targets):
            alone = getattr(scope, method)(clips[number], target=target, rule="gradient", **more)
            for name, one in alone.data_vars.items():
                if one.dtype.kind == "f":
                    np.testing.assert_allclose(together[name].isel(clip=number), one, rtol=1e-5, atol=1e-7)
                else:
                    assert (together[name].isel(clip=number) == one).all()


@pytest.mark.parametrize("length", [1600, 8000])
def test_a_model_of_one_length_is_asked_in_the_time_of_the_recording(length: int) -> None:
    contract = Contract(sample_rate=RATE, length=length, hop=length // 2, padding="repeat")
    control, taken = both(Scope(small(3), RATE, contract=contract), rule="gradient")
    assert control.frame_time.values[-1] == pytest.approx(len(X) / RATE, abs=0.0025)
    assert 0 <= control.focus_start < control.focus_stop <= len(X) / RATE
    assert taken.elsewhere_count.sel(domain="time", control="equal width").item() == 4
    assert taken.elsewhere_high.sel(domain="time").max() <= len(X) / RATE + 1e-9


def test_the_gap_is_cut_into_the_recording_and_not_into_its_copies() -> None:
    """Of a model that counts how often the sound is silent, which hears the sound four times."""

    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            silent = (x.abs() < 1e-4).float().sum(-1)
            return torch.cat([self.gain * x.abs().mean(-1), silent], -1)

    contract = Contract(sample_rate=RATE, length=4000, padding="repeat")
    scope = Scope(Silent(), RATE, contract=contract)
    found = scope.taken_away(X[:1000] + 5, rule="gradient", target=0, places=2)
    low, high = found.taken_low.sel(domain="time").item(), found.taken_high.sel(domain="time").item()
    expected = 4 * round((high - low - 0.005) * RATE)
    margin = found.taken_margin.sel(domain="time").item() * (1 if found.answer.item() == "1" else -1)
    assert margin == pytest.approx(expected, abs=24)


def test_several_channels_are_one_map_each_and_cut_together() -> None:
    control, taken = both(Scope(small(3, channels=2), RATE), np.stack([X, X[::-1]]))
    assert np.isfinite(control.control_random) and control.relevance_map.dims == ("frame_frequency", "frame_time")
    assert np.isfinite(taken.taken_margin).all()


def test_equal_calls_of_a_model_that_draws_are_equal() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x + 0.5 * torch.randn_like(x))

    scope = Scope(Noisy(), RATE)
    one, other = (both(scope, rule="gradient") for _ in range(2))
    assert one[0].equals(other[0]) and one[1].equals(other[1])
    # Nothing taken away is nothing changed: the noise of each version is the same.
    quiet = np.concatenate([X[:2000], np.zeros(2000, np.float32)])
    found = scope.taken_away(quiet, rule="gradient", places=8)
    late = found.elsewhere_low.sel(domain="time", control="equal width") > 0.2526
    margins = found.elsewhere_place_margin.sel(domain="time", control="equal width")[late]
    assert late.any() and np.allclose(margins, found.margin)
    assert "draws random numbers" in note(found)


def test_an_answer_that_is_not_finite_is_left_out() -> None:
    class Divides(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) + 0 / x[..., 2000:2010].abs().sum(-1)  # NaN where that is silent

    taken = Scope(Divides(), RATE).taken_away(X, rule="gradient", places=24)
    assert "not finite" in note(taken)
    assert taken.elsewhere_count.sel(domain="time").min() < 24
    assert np.isfinite(taken.elsewhere_margin).all()


def test_a_relevance_that_is_zero_is_refused_as_by_relevance() -> None:
    model = small(3)
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].bias.fill_(1.0)
    for method in ("relevance", "control", "taken_away"):
        with pytest.raises(InputError, match="zero everywhere"):
            getattr(Scope(model, RATE), method)(X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"draws": 0}, "draws"), ({"seed": -1}, "seed"), ({"rule": "guidd"}, "unknown rule"), ({"hop": 1.0}, "hop"),
        ({"steps": 3}, "no option"), ({"target": 9}, "unknown class"),
        ({"alike": float("nan")}, "correlations"), ({"random": 1.5}, "correlations"),
    ],
)  # fmt: skip
def test_impossible_arguments_of_control(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Scope(small(3), RATE).control(X, **arguments)


@pytest.mark.parametrize(
    "arguments", [{"places": 0}, {"share": 0.0}, {"share": 1.0}, {"overlap": 1.0}, {"overlap": -0.1}]
)
def test_impossible_arguments_of_taken_away(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="has to be"):
        Scope(small(3), RATE).taken_away(X, **arguments)


def test_a_planted_band_is_found_and_needed() -> None:
    """A model that hears a tone of 1 kHz: its focus is that, and nothing else changes its answer."""
    time = torch.arange(200) / RATE
    model = nn.Sequential(nn.Conv1d(1, 2, 200, stride=20), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
                          nn.Linear(2, 2))  # fmt: skip
    with torch.no_grad():
        for place, phase in enumerate((0, torch.pi / 2)):
            model[0].weight[place, 0] = torch.cos(2 * torch.pi * 1000 * time + phase) * torch.hann_window(200)
        model[0].bias.zero_()
        model[4].weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
        model[4].bias.copy_(torch.tensor([-3.0, 3.0]))
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(4000) / RATE)
    wave = (tone + 0.05 * X).astype(np.float32)
    for rule in ("guided", "gradient_x_input"):
        control, taken = both(Scope(model, RATE, classes=["tone", "none"]), wave, rule=rule)
        assert 900 <= control.focus_low < 1000 < control.focus_high <= 1100 and taken.answer.item() == "tone"
        assert taken.taken_answer.sel(domain="band").item() == "none"
        assert not taken.elsewhere_changed.sel(domain="band", control="equal width")
        assert taken.taken_level.item() == "ok" and "band" in taken.taken_verdict.item()


def test_half_of_a_control_is_read_with_care_and_says_why() -> None:
    (block,) = blocks([Scope(small(1), RATE).control(X, draws=3)])
    assert block["level"] == "care" and block["head"] == "Only compared with random weights"
    assert "there is one class only" in line(block) and "of 3 draws" in block["note"]


def test_draws_without_a_map_are_not_counted_as_used() -> None:
    control = Scope(small(3), RATE).control(X, draws=4)
    control["control_random_draw"] = control.control_random_draw.where(control.draw > 0)
    (block,) = blocks([control])
    assert "mean and range of 3 of 4 draws" in block["note"]


def test_blocks_of_several_clips_are_refused() -> None:
    result = Scope(small(3), RATE).control(np.stack([X, X[::-1]]), draws=1)
    with pytest.raises(InputError, match=r"of 2 clips, and blocks are of one: give result.isel\(clip=\[0\]\)"):
        blocks([result])
    assert len(blocks([result.isel(clip=[0])])) == 1


class Mapped(nn.Module):
    """Kernels that torch.vmap takes one by one."""

    def __init__(self, how: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kernels, self.head, self.how = nn.Parameter(0.1 * torch.randn(6, 64)), nn.Linear(6, 3), how

    def forward(self, x: Tensor) -> Tensor:
        frames, kernels = x[:, 0].unfold(-1, 64, 16), self.kernels
        of_each = {
            "matrix": lambda kernel: frames @ kernel,
            "factor": lambda kernel: (frames * kernel).sum(-1),
            "kernel": lambda kernel: nn.functional.conv1d(x, kernel[None, None], stride=16)[:, 0],
            "view": lambda kernel: frames @ (2 * kernel),
        }[self.how]
        return self.head(torch.vmap(of_each)(kernels).relu().permute(1, 0, 2).mean(-1))


@pytest.mark.parametrize("how", ["matrix", "factor", "kernel", "view"])
def test_weights_within_vmap_are_named_as_not_drawn_again(how: str) -> None:
    model = Mapped(how)
    before = model.kernels.detach().clone()
    control, taken = both(Scope(model, RATE), rule="gradient")
    assert np.isnan(control.control_random) and np.isfinite(control.control_runner_up)
    assert "cannot be drawn again" in note(control) and "kernels" in note(control)
    assert taken.answer.item() in "012" and torch.equal(model.kernels, before)


def test_that_a_model_draws_random_numbers_stands_with_its_verdicts() -> None:
    class Dithered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x + 0.1 * torch.randn_like(x))

    for result in both(Scope(Dithered(), RATE, name="dithered")):
        (block,) = blocks([result])
        assert "ithered draws random numbers as it runs" in line(block)
        assert note(result).count("draws random numbers") == 1


@pytest.mark.parametrize(("value", "shown"), [(0.94967, "0.9497"), (0.9499999, "0.9499999"), (0.93, "0.93")])
def test_a_correlation_near_a_threshold_has_the_digits_that_tell_its_side(value: float, shown: str) -> None:
    control = Scope(small(3), RATE).control(X, draws=2)
    control["control_runner_up"] = control.control_runner_up * 0 + value
    (block,) = blocks([control])
    assert f"is not the same (r = {shown})" in block["text"]
    assert block["bars"]["rows"][0][1] == pytest.approx(value, abs=1e-8) and block["bars"]["rows"][0][5] == 0.95

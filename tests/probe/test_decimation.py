"""A step's result is its stride-1 version decimated, however the step is written."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import ZOO, Written, build
from torch import Tensor, nn

from otoscope.probe import Tap, trace
from otoscope.probe.decimation import downsampling_steps, time_stride, watch_steps


def seen_steps(model: nn.Module, x: Tensor, **options: Any) -> list[tuple[Tap, Tensor, Tensor]]:
    seen = []
    steps, _ = downsampling_steps(trace(model, x, 8000, **options))
    watch_steps(model, x, steps, lambda tap, before, after: seen.append((tap, before.clone(), after.clone())))
    return seen


def decimated(tap: Tap, before: Tensor) -> Tensor:
    index = [slice(None)] * before.ndim
    index[tap.time_axis] = slice(None, None, time_stride(tap))
    return before[tuple(index)]


@pytest.mark.parametrize("name", [name for name in ZOO if name not in ("framed", "spectrogram")])
def test_the_stride_1_version_decimated_is_the_result(name: str) -> None:
    model, x = build(name)
    seen = seen_steps(model, x)
    assert seen
    for tap, before, after in seen:
        torch.testing.assert_close(decimated(tap, before), after, rtol=1e-12, atol=1e-12)


POOLINGS = {
    "max": lambda x: F.max_pool1d(x, 3),
    "max_indices": lambda x: F.max_pool1d(x, 3, 2, return_indices=True)[0],
    "max_positional": lambda x: F.max_pool1d(x, 4, 3, 1, 2),
    "max_torch": lambda x: torch.max_pool1d(x, kernel_size=5, stride=2, padding=2),
    "avg_uncounted": lambda x: F.avg_pool1d(x, 4, 2, 1, False, False),
    "avg_module": nn.AvgPool1d(5, stride=3, padding=2, count_include_pad=False),
    "lp": lambda x: F.lp_pool1d(x, 2.0, 3, stride=2),
    "lp_module": nn.LPPool1d(4, 3),
    "gap": lambda x: F.avg_pool1d(x, 2, stride=5),
    "rows": lambda x: F.avg_pool2d(x[:, :, None], (1, 3), (1, 2), divisor_override=7),
    "columns": lambda x: F.max_pool2d(x[..., None], (3, 1)),
    "conv_keywords": lambda x: F.conv1d(input=x, weight=torch.ones(2, 1, 3).to(x), groups=2, stride=3),
    "conv_circular": nn.Conv1d(2, 3, 5, stride=2, padding=2, padding_mode="circular").double(),
    "conv_dilated": nn.Conv1d(2, 3, 5, stride=3, padding=4, dilation=2).double(),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_all_arguments_of_a_step_are_kept(name: str) -> None:
    x = torch.randn(2, 2, 100, dtype=torch.float64)
    ((tap, before, after),) = seen_steps(Written(lambda m, x: POOLINGS[name](x)), x)
    torch.testing.assert_close(decimated(tap, before), after, rtol=1e-12, atol=1e-12)
    assert before.numel() > 1.9 * after.numel()


@pytest.mark.parametrize("pool", [nn.MaxPool1d, nn.AvgPool1d])
def test_of_ceil_mode_only_the_window_beyond_the_end_has_no_place(pool: Any) -> None:
    x = torch.randn(1, 2, 101, dtype=torch.float64)
    ((tap, before, after),) = seen_steps(nn.Sequential(pool(4, 3, ceil_mode=True)), x)
    whole = pool(4, 3)(x).shape[-1]
    assert after.shape[-1] == whole + 1
    torch.testing.assert_close(decimated(tap, before)[..., :whole], after[..., :whole])


def test_of_two_dimensions_only_time_is_made_dense() -> None:
    model, x = build("two_dimensional")
    tap, before, after = seen_steps(model, x)[-1]
    assert tap.name == "pool" and before.shape[2] == after.shape[2]
    assert before.shape[3] == 2 * after.shape[3] or before.shape[3] == 2 * after.shape[3] - 1


def test_in_frames_the_time_axis_can_be_given() -> None:
    model, x = build("framed")
    axes = {"first": 2, "relu": 2, "max_pool2d": 2, "second": 2}
    seen = seen_steps(model, x, time_axes=axes)
    assert [(tap.name, time_stride(tap), tap.rate) for tap, *_ in seen] == [
        ("first", 3, 8000 / 3),
        ("max_pool2d", 2, 8000 / 6),
    ]
    for tap, before, after in seen:
        torch.testing.assert_close(decimated(tap, before), after)


def test_what_shortens_otherwise_is_told_with_the_reason() -> None:
    model = Written(
        lambda m, x: F.adaptive_avg_pool1d(F.max_pool1d(F.adaptive_max_pool1d(m.conv(x), 20), 20), 1),
        conv=nn.Conv1d(1, 4, 8, stride=4),
    )
    steps, skipped = downsampling_steps(trace(model, torch.randn(1, 1, 400), 8000))
    assert [tap.name for tap in steps] == ["conv"]
    assert skipped == {
        "adaptive_max_pool1d": "adaptive pooling has no stride",
        "max_pool1d": "keeps one value of the whole clip",
        "adaptive_avg_pool1d": "keeps one value of the whole clip",
    }


def test_the_model_computes_what_it_would_unwatched() -> None:
    model, x = build("plain")
    outputs = []
    model[4].register_forward_hook(lambda module, args, output: outputs.append(output))  # the next one ends the pass
    steps, _ = downsampling_steps(trace(model, x, 8000))
    outputs.clear()
    watch_steps(model, x, steps, lambda tap, before, after: None)
    torch.testing.assert_close(outputs[0], model[:5](x), rtol=0, atol=0)


def test_the_pass_ends_at_the_last_step():
    ended = []
    model = nn.Sequential(nn.Conv1d(1, 2, 4, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(2, 2, 3))
    steps, _ = downsampling_steps(trace(model, torch.randn(1, 1, 100), sample_rate=8000))
    model[3].register_forward_hook(lambda module, args, output: ended.append(module))
    seen = []
    watch_steps(model, torch.randn(1, 1, 100), steps, lambda tap, before, after: seen.append(tap.name))
    assert seen == ["0", "2"] and not ended

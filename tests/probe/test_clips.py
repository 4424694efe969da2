"""Where the clips of a batch are at each tap: as a pass of two clips shows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from probe_zoo import Written
from torch import Tensor, nn

from otoscope.probe import growth, recorder, trace
from otoscope.probe.select import by_clip, maps_of

CLIP = torch.randn(1, 1, 800, generator=torch.Generator().manual_seed(0))
Forward = Any


def by_permuting(m: Any, x: Tensor) -> Tensor:
    return m.conv(x).permute(2, 0, 1).relu()


def by_einsum(m: Any, x: Tensor) -> Tensor:
    return torch.einsum("bct,cd->tbd", m.conv(x), torch.ones(8, 6)).relu()


def in_a_gru(m: Any, x: Tensor) -> Tensor:
    return m.gru(m.conv(x).permute(2, 0, 1))[0].tanh()


def last_state(m: Any, x: Tensor) -> Tensor:
    return m.gru(m.conv(x).permute(2, 0, 1))[1].tanh()


def packed(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).transpose(1, 2)
    lengths = torch.full((len(h),), h.shape[1])
    rows, _ = m.lstm(nn.utils.rnn.pack_padded_sequence(h, lengths, batch_first=True, enforce_sorted=False))
    return nn.utils.rnn.pad_packed_sequence(rows)[0].relu()


def transformer(m: Any, x: Tensor) -> Tensor:
    return m.encoder(m.conv(x).permute(2, 0, 1))


def attention_by_hand(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).permute(2, 0, 1)
    t, b, c = h.shape
    heads = h.contiguous().view(t, b * 2, c // 2).transpose(0, 1)
    weights = torch.softmax(heads @ heads.transpose(1, 2), -1)
    return (weights @ heads).transpose(0, 1).reshape(t, b, c).relu()


def frames_in_the_batch(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).transpose(1, 2)
    b, t, c = h.shape
    return h.reshape(b * t, c).relu().view(b, t, c).tanh()


def bands_in_the_batch(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x)
    b, c, t = h.shape
    return m.each(h.reshape(b * c, 1, t)).relu().view(b, 3 * c, -1).tanh()


def rows_of_zeros(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).permute(2, 0, 1)
    h = torch.cat([torch.zeros(3, h.shape[1], 8), h]).relu()
    into = torch.zeros(h.shape[0], h.shape[1], 16)
    into[:, :, 8:] = h
    return into.tanh()


def by_slices(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x[:, None])[:, :, None, ::2] if x.ndim == 2 else m.conv(x)[:, :, None, ::2]
    return h.movedim(-1, 0).squeeze(-1)[1:].flip(0).relu()


def pairs_of_times(m: Any, x: Tensor) -> Tensor:
    h = m.conv(x).permute(2, 0, 1)
    return torch.einsum("tbc,sbc->tsb", h, h).relu()


def one_after_another(m: Any, x: Tensor) -> Tensor:
    return torch.stack([step.relu() for step in m.conv(x).unbind(-1)]).tanh()


def averaged(m: Any, x: Tensor) -> Tensor:
    h = torch.cat([m.conv(x)[:, :, None], torch.ones(1, 8, 1, 3).expand(len(x), -1, -1, -1)], -1)
    return h.mean((1, 2)).t().relu()  # (time, clip)


EXPECTED: dict[Forward, list[tuple[int | None, int | None]]] = {
    by_permuting: [(1, 2)],
    by_einsum: [(1, 2)],
    in_a_gru: [(1, 2)],
    last_state: [(1, 0)],
    packed: [(1, 2)],
    transformer: [(1, 2)],
    attention_by_hand: [(None, 0), (1, 2)],
    frames_in_the_batch: [(None, 1), (0, 2)],
    bands_in_the_batch: [(None, 1), (None, 1), (0, 1)],
    rows_of_zeros: [(1, 2), (1, 2)],
    by_slices: [(1, 2)],
    averaged: [(1, None)],
    pairs_of_times: [(2, None)],
    one_after_another: [(1, 2)],
}


def written(forward: Forward) -> nn.Module:
    torch.manual_seed(0)
    parts = {
        "conv": nn.Conv1d(1, 8, 40, stride=20), "each": nn.Conv1d(1, 3, 3), "gru": nn.GRU(8, 6),
        "lstm": nn.LSTM(8, 6, batch_first=True),
        "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 12), 1, enable_nested_tensor=False),
    }  # fmt: skip
    return Written(forward, **parts).eval()


@pytest.mark.parametrize("forward", EXPECTED, ids=lambda forward: forward.__name__)
def test_clips_and_channels_are_told_apart(forward: Forward) -> None:
    taps = list(trace(written(forward), CLIP, 8000).values())
    expected = EXPECTED[forward]
    assert (taps[0].clip_axis, taps[0].channel_axis) == (0, 1)
    assert [(tap.clip_axis, tap.channel_axis) for tap in taps[-len(expected) :]] == expected


@pytest.mark.parametrize("forward", EXPECTED, ids=lambda forward: forward.__name__)
def test_a_pass_of_two_clips_says_the_same(forward: Forward) -> None:
    model = written(forward)
    twice = growth.of_clips(model, CLIP, 2).taps
    for name, tap in trace(model, CLIP, 8000).items():
        grown = [axis for axis, (n, m) in enumerate(zip(tap.shape, twice[name], strict=True)) if (n, m) == (1, 2)]
        assert grown == ([] if tap.clip_axis is None else [tap.clip_axis]), name


@pytest.mark.parametrize("forward", EXPECTED, ids=lambda forward: forward.__name__)
def test_maps_of_a_batch_are_those_of_its_clips(forward: Forward) -> None:
    model, clips = written(forward), torch.cat([CLIP, 2 * CLIP, CLIP.flip(-1)])
    for name in trace(model, CLIP, 8000):
        _, maps = maps_of(model, clips, 8000, name)
        assert len(maps) == 3
        for clip, one in zip(clips.split(1), maps, strict=True):
            torch.testing.assert_close(maps_of(model, clip, 8000, name)[1][0], one, atol=1e-5, rtol=1e-5)


def test_known_operations_are_followed_without_another_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[str] = []
    monkeypatch.setattr(recorder, "of_clips", lambda *given: passes.append("of clips") or growth.Growth(0))
    for forward in EXPECTED:
        if forward not in (packed, rows_of_zeros):
            trace(written(forward), CLIP, 8000)
    assert not passes


def test_an_axis_that_nobody_knows_is_said_to_be_none() -> None:
    """A model that takes one clip alone, and drops the axis."""

    def forward(m: Any, x: Tensor) -> Tensor:
        assert len(x) == 1
        return F.elu(m.conv(x)[0].T)

    tap = trace(written(forward), CLIP, 8000)["elu"]
    assert (tap.clip_axis, tap.time_axis, tap.channel_axis, tap.channels) == (None, 0, 1, 8)
    assert by_clip(torch.zeros(tap.shape), tap).shape == (1, 8, 39)

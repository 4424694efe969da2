"""Whole clips: what is averaged, and how much is held at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from otoscope import Contract, InputError, load
from otoscope.training import clip_scores


class Watched(nn.Module):
    """Means and powers of windows; notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.dropout = nn.Dropout(0.5)
        notes: list[Tensor] = []  # beside the model, which gets its attributes back
        self.note, self.notes = notes.append, lambda: notes

    @property
    def heard(self) -> list[Tensor]:
        return self.notes()

    def forward(self, waves: Tensor) -> Tensor:
        self.note(waves)
        assert not torch.is_grad_enabled()
        return self.dropout(self.weight * torch.stack([waves.mean((1, 2)), waves.square().mean((1, 2))], 1))


def test_windows_follow_each_other() -> None:
    model, clip = Watched(), torch.randn(1, 1200)
    scores = clip_scores(model, clip, Contract(length=100), batch_size=5)
    assert [len(one) for one in model.heard] == [5, 5, 2]
    assert torch.equal(torch.cat(model.heard)[:, 0].flatten(), clip[0])
    torch.testing.assert_close(scores, torch.stack([clip.mean(), clip.square().mean()]))


def test_the_last_window_weighs_what_is_new_in_it() -> None:
    model, clip = Watched(), torch.randn(1, 230)
    scores = clip_scores(model, clip, Contract(length=100))
    heard = torch.cat(model.heard)[:, 0]
    assert torch.equal(heard, torch.stack([clip[0, :100], clip[0, 100:200], clip[0, 130:]]))
    torch.testing.assert_close(scores[0], (heard[0].mean() + heard[1].mean() + 0.3 * heard[2].mean()) / 2.3)


def test_a_few_samples_more_do_not_make_a_jump() -> None:
    model, clip = Watched(), torch.randn(1, 20001)
    torch.testing.assert_close(
        clip_scores(model, clip[:, :20000], Contract(length=10000)),
        clip_scores(model, clip, Contract(length=10000)),
        rtol=0,
        atol=1e-3,
    )


@pytest.mark.parametrize(("how", "mean"), [("zeros", 0.3), ("repeat", 1.0)])
def test_a_short_clip_is_filled(how: str, mean: float) -> None:
    model = Watched()
    scores = clip_scores(model, torch.ones(1, 30), Contract(length=100, padding=how))
    assert model.heard[0].shape == (1, 1, 100)
    assert float(scores[0]) == pytest.approx(mean)


def test_posteriors_are_averaged_and_not_logits() -> None:
    model, clip = Watched(), torch.randn(1, 300) * 3
    heard = clip.reshape(3, 100)
    logits = torch.stack([heard.mean(1), heard.square().mean(1)], 1)
    torch.testing.assert_close(
        clip_scores(model, clip, Contract(length=100), posteriors=torch.sigmoid), logits.sigmoid().mean(0)
    )
    softmax = clip_scores(model, clip, Contract(length=100), posteriors=nn.Softmax(dim=1))
    torch.testing.assert_close(softmax, logits.softmax(1).mean(0))
    assert float(softmax.sum()) == pytest.approx(1)


def test_without_a_window_the_clip_is_heard_at_once(cnn12: nn.Module) -> None:
    clip = torch.randn(1, 9000)
    with torch.no_grad():
        at_once = cnn12.eval()(clip[None])[0]
    torch.testing.assert_close(clip_scores(cnn12, clip), at_once)
    assert clip_scores(cnn12, clip, Contract(length=4000)).shape == at_once.shape


def test_a_bundled_model_knows_a_long_vowel_by_windows() -> None:
    from otoscope.data.find import find_sounds

    model = load("vowel-register")
    right = []
    for item in find_sounds("vowels", by="register", limit=9):
        clip = torch.from_numpy(item.sound.values).float()[None].repeat(1, 3)
        scores = clip_scores(model, clip, Contract(length=4000), posteriors=nn.Softmax(dim=1))
        right.append(model.classes[int(scores.argmax())] == item.labels[0])
    assert sum(right) >= 8


def test_the_modes_of_the_model_come_back() -> None:
    model = Watched()
    model.train()
    model.dropout.eval()
    clip_scores(model, torch.randn(1, 50), Contract(length=20))
    assert model.training and not model.dropout.training


def test_memory_depends_on_the_batch_and_not_on_the_clip() -> None:
    model = Watched()
    clip = torch.zeros(1, 1).expand(1, 1_000_000)
    clip_scores(model, clip, Contract(length=1000), batch_size=8)
    assert max(one.numel() for one in model.heard) == 8000
    assert len(model.heard) == 125


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match="no samples"):
        clip_scores(Watched(), torch.zeros(1, 0))
    with pytest.raises(InputError, match="1 or more, not 0"):
        clip_scores(Watched(), torch.zeros(1, 20), batch_size=0)
    with pytest.raises(InputError, match=r"Conv1d does not return \(window, class\)"):
        clip_scores(nn.Conv1d(1, 2, 3), torch.zeros(1, 20), Contract(length=10))

"""Models of one length along longer sounds: pieces, the mean of their scores, and the way back from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from otoscope import InputError, Scope
from otoscope.contract import Contract
from otoscope.methods.slide import answer_along
from otoscope.network import Network
from otoscope.pieces import Pieces
from otoscope.training.evaluate import clip_scores

RATE, LENGTH = 8000, 1000


class Fixed(nn.Module):
    """A thousand samples, three classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.out = nn.Conv1d(1, 6, 16, 4), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[1:] == (1, LENGTH)
        return self.out(torch.relu(self.conv(x)).mean(-1))


class Joint(Fixed):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x / x.std())


def scope(model: nn.Module, **stated: object) -> Scope:
    return Scope(model.eval(), contract=Contract(sample_rate=RATE, length=LENGTH, **stated))  # type: ignore[arg-type]


@pytest.fixture
def wave() -> Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(0).standard_normal(3300).astype("f4"))


def by_hand(model: nn.Module, wave: Tensor, starts: list[int], weights: list[float], frame: bool = False) -> Tensor:
    """The weighted mean of the scores of pieces, each run by itself."""
    total = torch.zeros(3)
    for start, weight in zip(starts, weights, strict=True):
        piece = wave[start : start + LENGTH]
        if frame:
            piece = (piece - piece.mean()) / piece.std(correction=0)
        total = total + weight * model(piece[None, None])[0]
    return total / sum(weights)


@pytest.mark.parametrize("kind", [Fixed, Joint])
@pytest.mark.parametrize(
    ("stated", "starts", "weights"),
    [
        ({}, [0, 1000, 2000, 2300], [1, 1, 1, 0.3]),
        ({"hop": 500}, [0, 500, 1000, 1500, 2000, 2300], [1, 1, 1, 1, 1, 0.6]),
        ({"normalisation": "frame"}, [0, 1000, 2000, 2300], [1, 1, 1, 0.3]),
    ],
)
def test_scores_and_relevance_are_those_of_the_mean_over_pieces(
    kind: type[nn.Module], stated: dict[str, object], starts: list[int], weights: list[float], wave: Tensor
) -> None:
    model, frame = kind().eval(), "normalisation" in stated
    found = scope(model, **stated)
    leaf = wave.clone().requires_grad_()
    expected = by_hand(model, leaf, starts, weights, frame)
    torch.testing.assert_close(found.output(wave)[0], expected.detach(), rtol=1e-4, atol=1e-6)
    result = found.relevance(wave, target=1, rule="gradient")
    assert float(result.logit) == pytest.approx(float(expected[1]), rel=1e-4)
    assert result.relevance.sizes == {"time": 3300}
    assert "mean of its answers" in result.attrs["pieces"] and "cut" not in result.attrs
    if not frame:  # the normalisation is not gone back through
        (gradient,) = torch.autograd.grad(expected[1], leaf)
        np.testing.assert_allclose(result.relevance, gradient, atol=1e-4 * float(gradient.abs().max()))
        np.testing.assert_array_equal(result.input, wave)
    two = torch.stack([wave, wave.flip(0)])
    both = found.relevance(two, target=1, rule="guided")
    for n in range(2):
        alone = found.relevance(two[n], target=1, rule="guided").relevance
        np.testing.assert_allclose(both.relevance[n], alone, atol=1e-6 * float(abs(alone).max()))


def test_captums_rules_go_along_a_sound_too(wave: Tensor) -> None:
    pytest.importorskip("captum")
    found, linear = scope(Fixed()), Fixed().eval()
    result = found.relevance(wave, target=1, rule="integrated_gradients", steps=200)
    zero = linear(torch.zeros(1, 1, LENGTH))[0, 1].item()
    assert float(result.relevance.sum()) == pytest.approx(float(result.logit) - zero, rel=0.02)


def test_the_score_is_that_of_training(wave: Tensor) -> None:
    model = Fixed().eval()
    contract = Contract(sample_rate=RATE, length=LENGTH)
    torch.testing.assert_close(scope(model).output(wave)[0], clip_scores(model, wave[None], contract))


def test_a_sound_that_fits_is_taken_as_it_is(wave: Tensor) -> None:
    found = scope(Fixed())
    result = found.relevance(wave[:LENGTH], target=1)
    assert not {"pieces", "cut", "note"} & set(result.attrs)
    assert Pieces.needed(found.contract, LENGTH) is None
    assert "cut" in found.strs(wave).attrs and found.strs(wave).strs.sizes["time"] == LENGTH // 4


def test_answers_without_one_axis_of_classes_are_those_of_the_first_piece(wave: Tensor) -> None:
    class Frames(Fixed):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.conv(x))

    found = scope(Frames())
    with pytest.warns(UserWarning, match="its answer to the first of 4 pieces"):
        answer = found.output(wave)
    torch.testing.assert_close(answer, found.output(wave[:LENGTH]))
    with pytest.raises(InputError, match="no mean over pieces of a longer sound can be explained"):
        found.relevance(wave, target=lambda y: y.sum((1, 2)))


@pytest.mark.parametrize("last", [nn.Softmax(1), nn.Sigmoid(), nn.LogSoftmax(1), nn.Identity()])
@pytest.mark.parametrize("kind", [Fixed, Joint])
def test_probabilities_of_a_long_sound_are_those_of_all_pieces(
    kind: type[Fixed], last: nn.Module, wave: Tensor
) -> None:
    class Last(kind):  # type: ignore[misc, valid-type]
        def forward(self, x: Tensor) -> Tensor:
            return last(super().forward(x))  # type: ignore[no-any-return]

    model, plain = Last().eval(), kind().eval()
    expected = by_hand(plain, wave, [0, 1000, 2000, 2300], [1, 1, 1, 0.3])
    two = answer_along(_network(model), torch.stack([wave, wave.flip(0)])[:, None])
    logits = two.value[0] - two.value[0].mean(), expected - expected.mean()
    torch.testing.assert_close(*(logits if not isinstance(last, nn.Sigmoid) else (two.value[0], expected)))
    if not isinstance(last, nn.Identity):
        assert two.normalised is not None
        assert two.normalised.logit.shape == (2, 3)
    result = scope(model).relevance(torch.stack([wave, wave.flip(0)]), rule="gradient")
    assert result.target.values[0] == int(expected.argmax())
    mean = by_hand(model, wave, [0, 1000, 2000, 2300], [1, 1, 1, 0.3])
    likely = mean if isinstance(last, (nn.Softmax, nn.Sigmoid)) else expected.softmax(0)
    assert float(result.probability[0]) == pytest.approx(float(likely.max()), rel=1e-4)


def _network(model: nn.Module) -> Network:
    found = scope(model)
    found.output(torch.zeros(LENGTH))
    return found.network


def test_what_says_nothing_of_a_long_sound_is_refused_with_the_reason(wave: Tensor) -> None:
    class Dead(Fixed):
        def forward(self, x: Tensor) -> Tensor:
            return self.out(torch.relu(self.conv(x) - 100).mean(-1))

    with pytest.raises(InputError, match=r"zero everywhere: it does not depend on the sound"):
        scope(Dead()).relevance(wave, target=0, rule="gradient")

    class Rounded(Fixed):
        def forward(self, x: Tensor) -> Tensor:
            return (1e3 * super().forward(x)).round()

    with pytest.raises(InputError, match=r"zero everywhere: its gradient is zero, though the output depends"):
        scope(Rounded()).relevance(wave, target=0)


def test_the_similarity_of_two_long_sounds(wave: Tensor) -> None:
    model, other = Fixed().eval(), wave.flip(0)
    leaf = wave.clone().requires_grad_()
    starts, weights = [0, 1000, 2000, 2300], [1, 1, 1, 0.3]
    own, reference = by_hand(model, leaf, starts, weights), by_hand(model, other, starts, weights).detach()
    expected = torch.cosine_similarity(own, reference, 0)
    (gradient,) = torch.autograd.grad(expected, leaf)
    result = scope(model).relevance(wave, target="similarity", against=other, rule="gradient")
    assert float(result.score) == pytest.approx(float(expected), rel=1e-5)
    np.testing.assert_allclose(result.relevance, gradient, atol=1e-4 * float(gradient.abs().max()))


@pytest.mark.parametrize(("total", "hop"), [(4, None), (5, None), (8, None), (9, 1), (11, 3)])
def test_pieces_cover_a_sound_and_their_shares_are_one(total: int, hop: int | None) -> None:
    pieces = Pieces.of(total, 4, hop)
    covered = pieces.join(torch.ones(len(pieces), 1, 4))
    assert (covered > 0).all() and covered.shape == (1, 1, total)
    assert sum(pieces.shares) == pytest.approx(1) and min(pieces.shares) > 0
    x = torch.arange(2.0 * total).reshape(2, 1, total)
    parts = pieces.cut(x)
    assert parts[0, 0].tolist() == x[0, 0, :4].tolist() and parts[-1, 0].tolist() == x[1, 0, -4:].tolist()

"""Learning the phone of each frame, judged by its frames and by the phones that are recognised in whole sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn

from otoscope.training.frames import Sentence, frame_log_posteriors
from otoscope.training.recipe import LearnSection
from otoscope.training.recognise import EVEN, choose_weights, correct_frames, count_errors, fold_map, learn_grammar
from otoscope.training.supervised import Supervised, gather_ranks


class Phones(Supervised):
    """A classifier of frames, for phones.

    After every epoch the frames of the validation part are judged. When the validation part is judged by itself, after
    training, the weights of decoding are chosen on it, with which the test part is recognised; without a
    validation part they are :data:`otoscope.training.recognise.EVEN`.

    Parameters
    ----------
    model : nn.Module
        From (window, 1, time) to logits (window, class).
    learn : LearnSection
        Of a recipe.
    seed : int
    classes : sequence of str
    parts : mapping of str to sequence of Sentence
        ``train``, of which the grammar is learnt, and where there are such ``validation`` and ``test``.
    length : int
        Samples of a window.
    sample_rate : int
    mixup_alpha : float, optional
        See :func:`otoscope.training.mixup`.
    """

    def __init__(
        self,
        model: nn.Module,
        learn: LearnSection,
        seed: int,
        classes: Sequence[str],
        parts: dict[str, Sequence[Sentence]],
        *,
        length: int,
        sample_rate: int,
        mixup_alpha: float | None = None,
    ) -> None:
        super().__init__(model, learn, seed, len(classes), mixup_alpha=mixup_alpha)
        self.parts, self.folded = parts, fold_map(classes)
        self.grammar = learn_grammar(parts["train"], len(classes))
        self.length, self.sample_rate = length, sample_rate
        self.weights = EVEN

    @property
    def best_by(self) -> str:
        """The metric by which one epoch is better than another; more is better."""
        return "frame_accuracy"

    def validation_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Listen to one whole sentence (1, time) with its number."""
        self._listen("validation", *clip)

    def test_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Listen to one whole sentence (1, time) with its number."""
        self._listen("test", *clip)

    def on_validation_epoch_end(self) -> None:
        """Judge the frames, and after training choose the weights of decoding."""
        found, said = self._judge_frames("validation")
        if self.trainer.state.fn == TrainerFn.VALIDATING:
            self.weights, errors = choose_weights(found, said, self.grammar, self.folded)
            self._log_part("validation", {"phone_error_rate": errors.rate} | self.weights._asdict())

    def on_test_epoch_end(self) -> None:
        """Judge the frames, and recognise the phones."""
        found, said = self._judge_frames("test")
        errors = count_errors(found, said, self.grammar, self.folded, self.weights)
        self._log_part("test", {"phone_error_rate": errors.rate} | self.weights._asdict())

    def _listen(self, part: str, wave: Tensor, number: Tensor) -> None:
        frames = len(self.parts[part][int(number)].labels)
        found = frame_log_posteriors(self.model, wave, frames, length=self.length, sample_rate=self.sample_rate)
        self.judged.append((number.cpu(), found.cpu()))

    def _judge_frames(self, part: str) -> tuple[list[np.ndarray], list[Sentence]]:
        """Log how well frames are told; what was heard of each sentence that was listened to, in order."""
        heard = {int(number): posteriors.numpy() for number, posteriors in gather_ranks(self.judged)}
        self.judged = []
        said = [self.parts[part][number] for number in sorted(heard)]
        found = [heard[number] for number in sorted(heard)]
        posteriors, labels = np.concatenate(found), np.concatenate([sentence.labels for sentence in said])
        there = labels >= 0
        right, judged = correct_frames(posteriors.argmax(1), labels, self.folded)
        loss = -posteriors[there, labels[there]].mean()
        self._log_part(part, {"loss": float(loss), "frame_accuracy": right / max(judged, 1)})
        return found, said

    def _log_part(self, part: str, found: dict[str, float]) -> None:
        self.log_dict({f"{part}_{name}": value for name, value in found.items()}, rank_zero_only=False)

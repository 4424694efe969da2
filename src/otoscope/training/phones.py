"""Learning the phone of each frame, evaluated by frames and by the phones recognised in whole sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn

from otoscope.training.frames import Sentence, frame_log_posteriors
from otoscope.training.recipe import Recipe
from otoscope.training.recognise import EVEN, choose_weights, correct_frames, count_errors, fold_map, learn_grammar
from otoscope.training.supervised import Supervised, gather_ranks


class Phones(Supervised):
    """A classifier of frames, for phones.

    The frames of the validation split are scored after every epoch. When the validation split is evaluated by itself,
    after training, the decoding weights are chosen on it, and the test split is recognised with them; without a
    validation split they are :data:`otoscope.training.recognise.EVEN`.

    Parameters
    ----------
    model : nn.Module
        From (window, 1, time) to logits (window, class).
    recipe : Recipe
    classes : sequence of str
    sentences : mapping of str to sequence of Sentence
        ``train``, which the grammar is learnt from, and optionally ``validation`` and ``test``.
    length : int
        Samples of a window.
    sample_rate : int
        In Hz.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        classes: Sequence[str],
        sentences: dict[str, Sequence[Sentence]],
        *,
        length: int,
        sample_rate: int,
    ) -> None:
        super().__init__(model, recipe, len(classes))
        self.sentences, self.fold_map = sentences, fold_map(classes)
        self.length, self.sample_rate = length, sample_rate
        self.grammar = learn_grammar(sentences["train"], len(classes))
        self.weights = EVEN

    @property
    def measured(self) -> tuple[str, ...]:
        """The metrics that may select the best epoch."""
        return "frame_accuracy", "loss"

    @property
    def best_by(self) -> str:
        """The metric that selects the best epoch."""
        return self.recipe.learn.select_by or "frame_accuracy"

    def validation_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Score the frames of one whole sentence (1, time), given with its number."""
        self._score("validation", *clip)

    def test_step(self, clip: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Score the frames of one whole sentence (1, time), given with its number."""
        self._score("test", *clip)

    def on_validation_epoch_end(self) -> None:
        """Compute the frame accuracy, and after training choose the decoding weights."""
        posteriors, sentences = self._log_frames("validation")
        if self.trainer.state.fn == TrainerFn.VALIDATING:
            self.weights, errors = choose_weights(posteriors, sentences, self.grammar, self.fold_map)
            self.log_split("validation", {"phone_error_rate": errors.rate} | self.weights._asdict())

    def on_test_epoch_end(self) -> None:
        """Compute the frame accuracy and the phone error rate."""
        posteriors, sentences = self._log_frames("test")
        errors = count_errors(posteriors, sentences, self.grammar, self.fold_map, self.weights)
        self.log_split("test", {"phone_error_rate": errors.rate} | self.weights._asdict())

    def _score(self, split: str, wave: Tensor, number: Tensor) -> None:
        n_frames = len(self.sentences[split][int(number)].labels)
        posteriors = frame_log_posteriors(self.model, wave, n_frames, length=self.length, sample_rate=self.sample_rate)
        self.scored.append((number.cpu(), posteriors.cpu()))

    def _log_frames(self, split: str) -> tuple[list[np.ndarray], list[Sentence]]:
        """Log the frame accuracy; return posteriors and truth of each scored sentence, in order."""
        scored = {int(number): posteriors.numpy() for number, posteriors in gather_ranks(self.scored)}
        self.scored = []
        sentences = [self.sentences[split][number] for number in sorted(scored)]
        per_sentence = [scored[number] for number in sorted(scored)]
        posteriors, labels = np.concatenate(per_sentence), np.concatenate([sentence.labels for sentence in sentences])
        labelled = labels >= 0
        correct, counted = correct_frames(posteriors.argmax(1), labels, self.fold_map)
        loss = -posteriors[labelled, labels[labelled]].mean()
        self.log_split(split, {"loss": float(loss), "frame_accuracy": correct / max(counted, 1)})
        return per_sentence, sentences

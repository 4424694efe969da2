"""Train the two models that come with Otoscope: ``vowel-name`` and ``vowel-register``.

    python studies/vowel_models.py --out src/otoscope/models/weights

Same architecture, same sounds, same augmentation, same seed; only the labels and the number of epochs differ. F0,
vocal-tract length and vowel are drawn independently, level, source tilt and noise level at random, so only the formants
carry the vowel, and only the periodicity the register. Two CPU cores need a few minutes for each model. The cues that
each model uses are then measured with plain torch and written into its card.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from otoscope._version import __version__
from otoscope.data.vowels import REGISTER_BOUNDS, REGISTERS, SYMBOLS, Vowel, draw, mean_vowel, register, synthesise
from otoscope.models import save
from otoscope.models.vowelnet import VowelNet
from otoscope.models.zoo import build

SAMPLE_RATE = 16_000
DURATION = 0.4  # s, of every synthesised token
CROP = 3200  # samples of a training piece: 0.2 s of the token, without its fades
FADE = 160  # samples
TILT = (-15.0, -6.0)  # dB an octave, of the glottal source
SNR = (5.0, 40.0)  # dB
LEVEL = (-30.0, -12.0)  # dB RMS re full scale
SPREAD = 0.03  # relative deviation of each formant
SEED_TRAIN, SEED_TEST, SEED_MEASURE = 1, 2, 3
LEARNING_RATE, WEIGHT_DECAY, BATCH = 2e-3, 0.1, 64
OPTIONS: dict[str, Any] = {"channels": [64, 64, 96], "kernels": [320, 9, 5], "stride": 4, "pools": [6, 3]}


@dataclass(frozen=True)
class Task:
    """One classification of the same sounds."""

    name: str
    classes: tuple[str, ...]
    epochs: int
    cues: str
    limits: str

    def label(self, vowel: Vowel) -> int:
        """Index of the true class."""
        return self.classes.index(vowel.symbol if self.name == "vowel-name" else register(vowel.f0))


TASKS = (
    Task(
        "vowel-name",
        SYMBOLS,
        20,
        "the formants: F1, F2 and F3 relative to one another. F0, level and source tilt carry no information about "
        "the vowel, and no single formant frequency is enough because the tract length varies.",
        "Steady vowels only: no formant movement, so `ei` and `oa` are represented only by their steady state. It has "
        "no class for silence, consonants or other languages and predicts a vowel for any sound. It was trained on "
        "neither human voices nor rooms.",
    ),
    Task(
        "vowel-register",
        REGISTERS,
        6,  # its loss is flat by then
        "the harmonics of F0: F0 is independent of vowel, tract length, level and source tilt, so only periodicity "
        f"distinguishes low (below {REGISTER_BOUNDS[0]:g} Hz) from mid and high (from {REGISTER_BOUNDS[1]:g} Hz). "
        "Which harmonics it uses is not determined; white noise masks the high ones first.",
        "Steady voiced sounds only. It was not trained on F0 outside 90 to 320 Hz, nor on sound without its "
        "fundamental (telephone). It predicts a register for any sound.",
    ),
)


def sounds(vowels: list[Vowel], seed: int) -> Tensor:
    """Synthesise tokens (n, time), each with a random source tilt."""
    tilts = np.random.default_rng(seed).uniform(*TILT, size=len(vowels))
    waves = [synthesise(v, SAMPLE_RATE, DURATION, tilt=t) for v, t in zip(vowels, tilts, strict=True)]
    return torch.from_numpy(np.stack(waves))


def augment(waves: Tensor, generator: torch.Generator) -> Tensor:
    """Crop, add white noise of random level, set a random level: (n, time) to (n, 1, CROP)."""

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(waves), 1, generator=generator)

    start = torch.randint(FADE, waves.shape[1] - CROP - FADE, (len(waves), 1), generator=generator)
    x = unit_rms(waves.gather(1, start + torch.arange(CROP)))
    noise = torch.randn(x.shape, generator=generator)
    x = unit_rms(x + noise * 10 ** (-uniform(*SNR) / 20))
    return (x * 10 ** (uniform(*LEVEL) / 20)).unsqueeze(1)


def unit_rms(x: Tensor) -> Tensor:
    """Scale each row to an RMS of 1."""
    return x / x.square().mean(-1, keepdim=True).sqrt()


def train(task: Task, vowels: list[Vowel], waves: Tensor, epochs: int) -> VowelNet:
    """Train from scratch with Adam, decoupled weight decay and a one-cycle learning rate."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model: Any = build("vowelnet", {"classes": list(task.classes), "name": task.name, **OPTIONS})
    model.config["otoscope_version"] = __version__
    labels = torch.tensor([task.label(v) for v in vowels])
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(waves) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.1)
    for epoch in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(waves), generator=generator).split(BATCH)[: len(waves) // BATCH]:
            loss = nn.functional.cross_entropy(model(augment(waves[batch], generator)), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"{task.name}: epoch {epoch + 1}/{epochs}, loss {total * BATCH / len(waves):.4f}", flush=True)
    return model.eval()


@torch.no_grad()
def accuracy(model: VowelNet, task: Task, vowels: list[Vowel], *, noisy: bool) -> float:
    """Accuracy on tokens as in training (`noisy`) or clean and whole."""
    waves = sounds(vowels, SEED_TEST)
    inputs = augment(waves, torch.Generator().manual_seed(SEED_TEST)) if noisy else 0.1 * unit_rms(waves)[:, None]
    answers = torch.cat([model(part).argmax(1) for part in inputs.split(100)])
    return float((answers == torch.tensor([task.label(v) for v in vowels])).float().mean())


def guided_relevance(model: VowelNet, waves: Tensor) -> np.ndarray:
    """Gradient of the predicted logit with the ReLUs passing positive gradients only, (n, time)."""

    def clamp(_module: nn.Module, inward: Any, _outward: Any) -> tuple[Tensor]:
        return (inward[0].clamp(min=0),)

    hooks = [m.register_full_backward_hook(clamp) for m in model.modules() if isinstance(m, nn.ReLU)]
    x = waves[:, None].clone().requires_grad_()
    model(x).max(1).values.sum().backward()
    for hook in hooks:
        hook.remove()
    assert x.grad is not None
    return x.grad[:, 0].numpy()


def energy_shares(signals: np.ndarray, vowels: list[Vowel]) -> dict[str, float]:
    """Where the energy of signals lies relative to F0 and formants of the vowels, as means over tokens.

    A band "at" a formant extends 10 % of it or half of F0 to each side, whichever is larger. The strongest peak is that
    of the power spectrum smoothed by a Gaussian with a standard deviation of F0 / 2.
    """
    rows = []
    power = np.abs(np.fft.rfft(signals * np.hanning(signals.shape[1]))) ** 2
    f = np.fft.rfftfreq(signals.shape[1], 1 / SAMPLE_RATE)
    others = np.roll(np.arange(len(vowels)), 1)
    for spectrum, vowel, other in zip(power, vowels, others, strict=True):
        spectrum = spectrum / spectrum.sum()
        smooth = np.exp(-0.5 * ((f[:, None] - f[None]) / (vowel.f0 / 2)) ** 2) @ spectrum
        strongest = f[smooth.argmax()]

        def near(frequency: float, formants: tuple[float, ...], f0: float = vowel.f0) -> bool:
            return any(abs(frequency - formant) <= max(0.1 * formant, f0 / 2) for formant in formants)

        def share(formants: tuple[float, ...], spectrum: np.ndarray = spectrum) -> float:
            return float(spectrum[[near(x, formants) for x in f]].sum())

        harmonics = np.abs(f - vowel.f0 * np.maximum(np.round(f / vowel.f0), 1)) <= 0.1 * vowel.f0
        rows.append(
            {
                "energy at harmonics of F0 (within a tenth of F0)": spectrum[harmonics].sum(),
                "energy at the fundamental (below 1.5 F0)": spectrum[f < 1.5 * vowel.f0].sum(),
                "energy below 3.5 F0": spectrum[f < 3.5 * vowel.f0].sum(),
                "energy at F1 or F2": share(vowel.formants[:2]),
                "energy at F1, F2 or F3": share(vowel.formants[:3]),
                "strongest peak at F1 or F2": near(strongest, vowel.formants[:2]),
                "strongest peak at F1, F2 or F3": near(strongest, vowel.formants[:3]),
                "strongest peak at F1 or F2 of another token (chance)": near(strongest, vowels[other].formants[:2]),
                "strongest peak below 1.5 F0": strongest < 1.5 * vowel.f0,
            }
        )
    return {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}


def measure(model: VowelNet, task: Task) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Accuracies on held-out draws, and the energy shares of the relevance of the predicted class."""
    means = [mean_vowel(symbol, group) for group in ("men", "women", "children") for symbol in SYMBOLS]
    held_out = draw(2000, SEED_TEST, spread=SPREAD)
    scores = {
        "held-out draws, augmented as in training": accuracy(model, task, held_out, noisy=True),
        "held-out draws, clean": accuracy(model, task, held_out, noisy=False),
        "held-out draws with exact formants (spread 0), clean": accuracy(
            model, task, draw(2000, SEED_TEST), noisy=False
        ),
        "mean vowels of men, women and children (36), clean": accuracy(model, task, means, noisy=False),
        "`natural` draws, clean": accuracy(model, task, draw(2000, SEED_TEST, "natural"), noisy=False),
    }
    tokens = draw(100, SEED_MEASURE)
    waves = 0.1 * unit_rms(torch.from_numpy(np.stack([synthesise(v, SAMPLE_RATE, DURATION) for v in tokens])))
    inside = slice(1600, -1600)  # away from onset and offset
    return scores, {
        "relevance": energy_shares(guided_relevance(model, waves)[:, inside], tokens),
        "the sound itself": energy_shares(waves.numpy()[:, inside], tokens),
    }


def card(task: Task, model: VowelNet, draws: int, epochs: int) -> str:
    """Write the model card from what was measured."""
    scores, shares = measure(model, task)
    size = sum(p.numel() for p in model.parameters())
    score_rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in scores.items())
    share_rows = "\n".join(
        f"| {name} | {value:.2f} | {shares['the sound itself'][name]:.2f} |"
        for name, value in shares["relevance"].items()
    )
    return f"""# {task.name}

A VowelNet ({size:,} parameters, {SAMPLE_RATE} Hz, input (batch, 1, time)) with the classes
{", ".join(task.classes)}. Licence: Apache-2.0. It is an example for analysis, not for use on speech.

## Data

{draws} steady vowels of {DURATION} s from the source-filter synthesiser of `otoscope.data.vowels`, drawn with
`draw({draws}, seed={SEED_TRAIN}, spread={SPREAD})`: twelve American English vowels, F0 log-uniform from 90 to 320 Hz,
vocal-tract length 0.87 to 1.11 of the reference voice, all independent of each other; every formant scatters by
{SPREAD:.0%}. Formant means: Hillenbrand, Getty, Clark and Wheeler (1995), J. Acoust. Soc. Am. 97(5), 3099-3111.

## Training

    python studies/vowel_models.py --task {task.name} --draws {draws} --epochs {epochs} --out FOLDER

Random weights, AdamW (rate {LEARNING_RATE}, one cycle, decay {WEIGHT_DECAY}), batches of {BATCH}, {epochs} epochs;
a few minutes on two free CPU cores. Every token is cropped to {CROP / SAMPLE_RATE} s at random and gets a
source tilt of {TILT[0]:g} to {TILT[1]:g} dB an octave, white noise at {SNR[0]:g} to {SNR[1]:g} dB and a level of
{LEVEL[0]:g} to {LEVEL[1]:g} dB. The other bundled model was trained on the same sounds in the same way; only the labels
and the number of epochs differ.

## Accuracy

| on | accuracy |
| --- | --- |
{score_rows}

Held-out draws have another seed. In `natural` draws each formant varies independently by the full deviation of its
group, so vowels overlap much more than in training.

## Cues

{fill("By construction: " + task.cues, 110)}

Measured on {100} clean tokens (`draw(100, seed={SEED_MEASURE})`): shares of the energy of the guided-backpropagation
relevance of the predicted class, or of tokens, and beside it the same for the sound itself.

| | relevance | sound |
| --- | --- | --- |
{share_rows}

"At" a formant: within 10 % of it or half of F0, whichever is larger. At high F0 the harmonics are further apart than
the formants are wide, so relevance can only peak at the nearest harmonics.

## Limitations

{fill(task.limits, 110)}
"""


def main() -> None:
    """Train, measure and save the models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder that receives one folder a model")
    parser.add_argument("--task", choices=[task.name for task in TASKS], action="append", help="default: both")
    parser.add_argument("--draws", type=int, default=16_000)
    parser.add_argument("--epochs", type=int, help="default: 20 for vowel-name, 6 for vowel-register")
    arguments = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    vowels = draw(arguments.draws, SEED_TRAIN, spread=SPREAD)
    waves = sounds(vowels, SEED_TRAIN)
    for task in TASKS:
        if arguments.task and task.name not in arguments.task:
            continue
        epochs = arguments.epochs or task.epochs
        model = train(task, vowels, waves, epochs)
        text = card(task, model, arguments.draws, epochs)
        folder = save(model, arguments.out / task.name)
        (folder / "README.md").write_text(text, encoding="utf-8")
        print(text)


if __name__ == "__main__":
    main()

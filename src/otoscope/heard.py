"""What a model really hears of a sound: which part of it, and what it was filled up with; what results say of that."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otoscope.errors import InputError
from otoscope.subject import Subject

_RANDOM = "random: what is seen is the architecture without training"
_MADE = ("mixed", "resampled", "scaled")  # changes of a sound; what else is noted of it are warnings


def fitted(subject: Subject, samples: int, name: str | None = None) -> dict[str, str]:
    """What is done to a sound of so many samples so that the model, of that name, can take it.

    Returns
    -------
    dict
        A sentence as `cut` or as `filled`; nothing where the sound is taken as it is.
    """
    contract, rate, taken = subject.contract, subject.sample_rate, _taken(subject, samples)
    if taken == samples:
        return {}
    takes = "takes" if contract.length else "was trained on" if taken == contract.trained_length else "takes at least"
    start = f"{name or subject.name} {takes} {taken} samples ({taken / rate:.3g} s): the sound was"
    if taken < samples:
        return {"cut": f"{start} cut to that length, the first {taken / rate:.3g} s of {samples / rate:.3g} s."}
    how = "repeated" if contract.padding == "repeat" else "filled up with zeros"
    return {"filled": f"{start} {how} to that length, from {samples / rate:.3g} s."}


def _taken(subject: Subject, samples: int) -> int:
    contract = subject.contract
    return contract.length or max(samples, contract.trained_length or 1, contract.minimum_length)


def changes_of(subject: Subject, clip: xr.DataArray) -> list[tuple[str, str]]:
    """What is done to a sound of a data set, in a few words each, under `cut`, `filled` or `changed`."""
    made = [one for one in str(clip.attrs.get("note") or "").split("; ") if one.startswith(_MADE)]
    samples, taken = clip.sizes["time"], _taken(subject, clip.sizes["time"])
    length = f"to {taken / subject.sample_rate:.3g} s"
    filled = "repeated" if subject.contract.padding == "repeat" else "filled up with zeros"
    fit = [("cut", f"cut {length}")] if taken < samples else [("filled", f"{filled} {length}")] * (taken > samples)
    return [*(("changed", one) for one in (*made, repeated(subject, clip)) if one), *fit]


def repeated(subject: Subject, clip: xr.DataArray | None = None) -> str | None:
    """What is said of a sound of one channel that a model of several gets in each; None of any other."""
    channels = subject.contract.channels or 1
    if channels == 1 or (clip is not None and "channel" in clip.dims):
        return None
    return f"given to each of the {channels} channels that {subject.name} takes"


def sines_to_each(subject: Subject) -> dict[str, str]:
    """The note of a result of sines, which are the same in every channel."""
    to_each = repeated(subject)
    return joined_note(f"the sines are {to_each}" if to_each else None)


def fit_note(subject: Subject, clip: xr.DataArray, name: str | None = None, *, slides: bool = False) -> str | None:
    """The sentence of :func:`fitted` for a sound, None where it is taken as it is.

    It `slides` where a relevance, which goes along the whole of a sound that is cut for all else, is shown beside.
    """
    found = fitted(subject, clip.sizes["time"], name)
    if slides and "cut" in found:
        return f"{found['cut'].rstrip('.')}, but for the relevance, which runs along all of it, in pieces."
    return next(iter(found.values()), None)


def untrained(subject: Subject, name: str | None = None) -> str | None:
    """The sentence that says so of a model whose weights are random, or may be, or some of them; None of any other."""
    random = getattr(subject.model, "weights_source", "unknown") is None
    are = _RANDOM if random else getattr(subject.model, "weights_are", None)
    return f"The weights of {name or subject.name} are {are}." if isinstance(are, str) else None


def varying(subject: Subject) -> str | None:
    """The sentence that says so of a model of which two equal calls differ."""
    if subject.contract.calls == "state":
        return f"{subject.name} keeps state from one call to the next: this is its answer from the state that it was in"
    if subject.contract.calls == "outside":
        return (
            f"{subject.name} keeps state outside of its modules (a global, a closure), which cannot be put back: its "
            "next answer is another one"
        )
    if subject.contract.calls == "random":
        return f"{subject.name} draws random numbers as it runs, so that this is one of many answers"
    return None


def refuse_silence(subject: Subject, clip: xr.DataArray, *, whole: bool = False) -> None:
    """Raise an InputError where what the model hears of a sound is nothing but zeros, which nothing explains.

    Of a sound that is cut this is its first part, unless the model is run along the `whole` of it.
    """
    length = None if whole else subject.contract.length
    values = clip.values if "clip" in clip.dims else clip.values[None]
    heard = np.abs(values[..., :length]).reshape(len(values), -1).max(-1)
    silent = np.flatnonzero(~(heard > 0))
    if not silent.size:
        return
    which = f"clip {silent[0]} of {clip.attrs.get('name', 'the sound')}" if len(heard) > 1 else clip.attrs.get("name")
    if length is not None and length < clip.sizes["time"] and clip.values.any():
        rate = subject.sample_rate
        raise InputError(
            f"the part of {which} that {subject.name} takes, its first {length / rate:.3g} s of "
            f"{clip.sizes['time'] / rate:.3g} s, is silence, in which there is nothing to explain: choose another part "
            "(--start on the command line, load_audio(path, start=...) or wave[n:] in Python)"
        )
    way = "give a file of one of them (on the command line --channel, in Python load_audio(path, channel=0))"
    mixed = f" It was mixed down from several channels: {way}." if _mixed(clip) else ""
    raise InputError(f"{which or 'the sound'} is silence, in which there is nothing to explain.{mixed}")


def _mixed(clip: xr.DataArray) -> bool:
    return "mixed down" in str(clip.attrs.get("note", ""))


def facts_of(subject: Subject, clip: xr.DataArray) -> dict[str, str]:
    """What a result says of its sound beside its name: `cut` or `filled`, and all that was changed as `note`."""
    found = fitted(subject, clip.sizes["time"])
    return found | joined_note(clip.attrs.get("note"), repeated(subject, clip), *found.values())


def along(facts: dict[str, str], pieces: str) -> dict[str, str]:
    """The facts of a sound that was not cut after all, but heard in pieces."""
    cut = facts.get("cut", "").rstrip(".")
    rest = [one for one in facts.get("note", "").split("; ") if one != cut]
    kept = {name: fact for name, fact in facts.items() if name not in ("cut", "note")}
    return kept | joined_note(*rest, pieces)


def joined_note(*notes: str | None) -> dict[str, str]:
    """Notes as the one text that a result has; nothing where there is none."""
    text = "; ".join(one.rstrip(".") for one in notes if one)
    return {"note": text} if text else {}

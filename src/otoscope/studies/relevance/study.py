"""The study of relevance signals: its claims; nothing of it is measured here yet."""

from __future__ import annotations

from otoscope.studies.relevance.claims import CLAIMS
from otoscope.studies.study import Study

STUDY = Study(
    "relevance",
    title="Relevance signals of raw-waveform networks",
    about="What do networks of phones and of speakers listen to: voice, formants, or other bands?",
    works=("relevance",),
    claims=CLAIMS,
    plan=lambda setting: (),
    parts=("systems", "signal", "phones", "vowels", "speakers", "listening"),
)

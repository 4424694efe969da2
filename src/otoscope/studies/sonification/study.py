"""The study of sonification: its claims; nothing of it is measured here yet."""

from __future__ import annotations

from otoscope.studies.sonification.claims import CLAIMS
from otoscope.studies.study import Study

STUDY = Study(
    "sonification",
    title="Sonification of supervised and contrastive encoders",
    about="What do the maps of supervised and of contrastive encoders sound like, and which of them matter?",
    works=("sonification",),
    claims=CLAIMS,
    plan=lambda setting: (),
    parts=("data", "encoder", "transfer", "sounds", "activity", "evolution", "layers", "residuals", "coherence"),
)

"""Any folder that holds a folder of sounds for each class, or recordings named as those of FSDD."""

from __future__ import annotations

from otoscope.data import fsdd
from otoscope.data.items import Asked, DataSet, Item, Source, by_alphabet, sound_files
from otoscope.errors import InputError


def _read(asked: Asked) -> DataSet:
    files = sound_files(asked.folder, asked.url)
    if all(fsdd.NAME.fullmatch(path.name) for path in files.values()):
        task = next(iter(fsdd.SOURCE.tasks)) if asked.task == "label" else asked.task
        if task not in fsdd.SOURCE.tasks:
            raise InputError(f"the recordings in {asked.folder} are told apart by digit or speaker, not by {task!r}")
        return fsdd.recordings(files.values(), task)
    if asked.task != "label":
        raise InputError(
            f"{asked.folder} has a folder for each class, so there is nothing to tell apart by {asked.task!r}"
        )
    items = []
    for name, path in files.items():
        label, slash, _ = name.partition("/")
        if not slash:
            raise InputError(
                f"{path} lies beside the folders of the classes, so its class is not known: move it into one"
            )
        items.append(Item(path, (label,)))
    return DataSet(tuple(items), by_alphabet(items))


SOURCE = Source(
    name="folder",
    about="any folder with a folder of sounds for each class",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)

"""Any folder with a subfolder of sounds for each class, or with recordings named as those of FSDD."""

from __future__ import annotations

from otoscope.data import fsdd
from otoscope.data.items import DataSet, Item, Request, Source, alphabetical_classes, sound_files
from otoscope.errors import InputError


def _read(request: Request) -> DataSet:
    files = sound_files(request.folder, request.url)
    folders = {name.partition("/")[0] for name in files if "/" in name}
    if len(folders) < 2 and all(fsdd.NAME.fullmatch(path.name) for path in files.values()):
        task = next(iter(fsdd.SOURCE.tasks)) if request.task == "label" else request.task
        if task not in fsdd.SOURCE.tasks:
            raise InputError(f"the recordings in {request.folder} are labelled by digit or speaker, not by {task!r}")
        return fsdd.recordings(files.values(), task)
    if request.task != "label":
        raise InputError(
            f"{request.folder} has a subfolder for each class and no labels of {request.task!r}: leave that out, or "
            "list the sounds in a csv table"
        )
    items = []
    for name, path in files.items():
        label, slash, _ = name.partition("/")
        if not slash:
            raise InputError(
                f"{path} is beside the folders of the classes, so its class is not known: move it into one"
            )
        items.append(Item(path, (label,)))
    return DataSet(tuple(items), alphabetical_classes(items))


SOURCE = Source(
    name="folder",
    about="any folder with a subfolder of sounds for each class",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)

"""The processes that a launcher started: one for each device, of which this is one.

``torchrun`` and Slurm start the processes of a training themselves. Lightning has to be told how many there are, which
they say in environment variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from otoscope.errors import InputError


class Launched(NamedTuple):
    """What was started, and by what.

    Attributes
    ----------
    by : str
        ``torchrun`` or ``Slurm``.
    devices, num_nodes : int
        Processes on each machine, and machines.
    """

    by: str
    devices: int
    num_nodes: int


def launched(environment: Mapping[str, str] | None = None) -> Launched | None:
    """What started this process; None where nothing did but the user.

    Parameters
    ----------
    environment : mapping, optional
        That of this process by default.

    Raises
    ------
    InputError
        If machines have different numbers of processes.

    Examples
    --------
    >>> launched({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"})
    Launched(by='torchrun', devices=4, num_nodes=2)
    >>> launched({"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "SLURM_NNODES": "2"})
    Launched(by='Slurm', devices=4, num_nodes=2)
    """
    env = os.environ if environment is None else environment
    if "TORCHELASTIC_RUN_ID" in env:
        return _evenly("torchrun", int(env["WORLD_SIZE"]), int(env["WORLD_SIZE"]) // int(env["LOCAL_WORLD_SIZE"]))
    # A shell of an allocation has the variables of a job of one task as well, and is not started by srun.
    tasks = int(env.get("SLURM_NTASKS", "1"))
    if tasks > 1 and "SLURM_PROCID" in env and env.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        return _evenly("Slurm", tasks, int(env.get("SLURM_NNODES") or env.get("SLURM_JOB_NUM_NODES") or "1"))
    return None


def _evenly(by: str, processes: int, machines: int) -> Launched:
    if machines < 1 or processes % machines:
        raise InputError(f"{by} started {processes} processes on {machines} machines: start as many on each")
    return Launched(by, processes // machines, machines)


def with_launched(options: Mapping[str, Any], started: Launched | None) -> dict[str, Any]:
    """Options of Lightning's Trainer with the devices and machines that a launcher started.

    Parameters
    ----------
    options : mapping
    started : Launched or None

    Raises
    ------
    InputError
        If the options name other numbers.

    Examples
    --------
    >>> with_launched({"precision": "bf16-mixed"}, Launched("torchrun", 4, 2))
    {'precision': 'bf16-mixed', 'devices': 4, 'num_nodes': 2}
    """
    found = dict(options)
    for name, count in (("devices", started.devices), ("num_nodes", started.num_nodes)) if started else ():
        given = found.setdefault(name, count)
        if given not in (count, "auto", -1, str(count)):
            assert started is not None
            raise InputError(
                f"{started.by} started {started.devices} processes on each of {started.num_nodes} machines, but "
                f"trainer.{name} is {given}: give trainer.devices={started.devices} "
                f"trainer.num_nodes={started.num_nodes}, and learn.batch_size for each device"
            )
        found[name] = count
    return found

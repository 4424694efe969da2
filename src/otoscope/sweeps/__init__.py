"""Methods over whole data sets, into a folder of tables: planned once, computed in parts, taken up again.

A run folder holds

``run.json``
    everything that has to be the same when it is taken up again, written whole and once;
``items.parquet``
    the list, a row a clip;
``rows/part-00012.parquet``
    what the methods say of the clips of one shard, a row a number: the one mark that this shard is done;
``errors/part-00012.parquet``
    the clips of it that could not be used, each with its cause; absent where there are none;
``arrays/METHOD/CLIP.nc``
    whole results, where they were asked for;
``sounds/``
    what can be heard of the clips that drive each map most, where it was asked for.
"""

from otoscope.sweeps.start import Swept, sweep

__all__ = ["Swept", "sweep"]

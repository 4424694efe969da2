"""Signal processing: functions on tensors, which know no network and no file."""

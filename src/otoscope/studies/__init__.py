"""The experiments of published works, each run whole by one command: a folder a study, and the frame they share."""

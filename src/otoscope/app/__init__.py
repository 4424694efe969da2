"""The page: one front end for the report, the export of a run, the server and the notebook."""

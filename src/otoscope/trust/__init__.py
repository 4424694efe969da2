"""Whether a picture may be believed: controls of a relevance, and tests that change the sound and ask the model."""

"""A live model in the browser: a small server for uploads, recordings and questions."""

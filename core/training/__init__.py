"""Training, apart from inference: nothing outside this package and ``scripts`` imports it."""

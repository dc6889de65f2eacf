"""Pictures and sound of one clip -> feature sequences of face, voice and words, and the networks that make them."""

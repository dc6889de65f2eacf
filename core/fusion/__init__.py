"""The fusion models, their attention, the reference implementation, and checkpoints on disk."""

"""A media file -> pictures with timestamps and 16 kHz sound, as a player would show and play them."""

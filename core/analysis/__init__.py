"""Everything said about one clip: verdicts, segments, attribution, tables, and the same for a live stream."""

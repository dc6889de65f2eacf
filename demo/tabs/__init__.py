"""One file a tab: its components and events."""

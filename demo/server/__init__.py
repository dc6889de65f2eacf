"""What serves strangers: uploads, sessions, limits, periodic jobs, the console."""

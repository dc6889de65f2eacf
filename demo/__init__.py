"""The page: what a visitor sees of an Analysis. No model code; nothing here is imported by ``core``."""

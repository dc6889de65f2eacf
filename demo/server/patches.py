"""Replacing parts of gradio that it offers no option for. Every such replacement on this page goes through here."""


def require(owner, *names: str) -> None:
    """Makes sure that a module, class or object has these attributes, which something here is about to override.

    Raises:
        RuntimeError: it has not: another version of the library would go on without what overrides them.
    """
    called = getattr(owner, "__name__", type(owner).__name__)
    for name in names:
        if not hasattr(owner, name):
            raise RuntimeError(f"{called} has no {name} to override; is another version of it installed?")


def replace(owner, name: str, value) -> None:
    """Puts ``value`` in the place of an attribute, which must be there; see ``require``."""
    require(owner, name)
    setattr(owner, name, value)

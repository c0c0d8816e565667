"""Text that others chose, such as the name of a photo, as it may be shown to a person."""


def on_one_line(text: str) -> str:
    """The text with its control characters written out: they would colour a terminal, or begin another line of a log."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)

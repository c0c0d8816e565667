"""The rules of the recognition benchmark: what is asked, how answers are judged, how the outcome is shown."""

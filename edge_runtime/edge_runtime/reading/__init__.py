"""Reading outlines: each cut out, embedded, searched and judged, and what stays where several lie in one place."""

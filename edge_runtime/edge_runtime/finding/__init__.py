"""Where cards may lie on a picture: outlines, from the likeliest to what lies half under another card."""

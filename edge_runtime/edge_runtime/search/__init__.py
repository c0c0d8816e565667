"""How the gallery is searched: by vectors that stay in their file, and by what a person types."""

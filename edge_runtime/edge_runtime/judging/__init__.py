"""How sure it is which card a picture shows: candidates weighed by similarity, points, artwork and print."""

"""Ways to recognise a card, each behind the same few lines (`base.Peer`), so that one loop asks them all."""

"""``make gc``: what nothing refers to any more, in the store and on this machine, told first and removed when asked.

Four questions, a module each: what is referred to (:mod:`.references`), what lies in the store besides (:mod:`.stored`), what this
machine keeps that it need not (:mod:`.local`), and what Dagster's records do (:mod:`.records`). :mod:`.sweep` puts the first three
together.

Belongs here: deciding that something may go. Does not: knowing how a store removes it.
"""

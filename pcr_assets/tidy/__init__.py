"""``make gc``: what nothing refers to any more, in the store and on this machine, told first and removed when asked.

Three questions, a module each: what is referred to (:mod:`.references`), what lies in the store besides (:mod:`.stored`), and what
this machine keeps that it need not (:mod:`.local`). :mod:`.sweep` puts them together.

Belongs here: deciding that something may go. Does not: knowing how a store removes it.
"""

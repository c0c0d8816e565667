"""``edge-runtime serve``: the page, the API and the metrics of one recogniser.

Threads: *feed* reads the source, *loop* owns the recogniser, *viewfinder* makes JPEGs for those who watch, *successor*
opens the next release; the web server runs in the main thread and only looks at what the others made.
"""

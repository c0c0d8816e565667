"""Is this device fit to recognise cards? Every check looks, says what it found in one line, and names the cure.

A check is a function of a :class:`~edge_runtime.doctor.machine.Machine`, the device as it can be looked at; tests give it
another root folder and other answers. Nothing here changes anything.
"""

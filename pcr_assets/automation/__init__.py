"""What starts a refresh without a person typing: the UI's job, the sensor on new scans, and a declarative condition.

Nothing here is on by default: whoever owns the machine turns one of them on (``docs/automation.md`` says which).
"""

"""The one error of the command line itself."""


class UsageError(Exception):
    """One clear line for a person who asked for something that is not there; exit code 2."""

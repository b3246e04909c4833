"""What is wrong with how the gateway was set up."""


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it, the rule and the way out, a line for each fault."""

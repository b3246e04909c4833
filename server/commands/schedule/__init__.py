"""`ascend schedule`: one file a command."""

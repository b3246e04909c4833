"""`ascend webhook`: one file a command."""

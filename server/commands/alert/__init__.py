"""`ascend alert`: one file a command."""

"""`ascend workflow`: one file a command."""

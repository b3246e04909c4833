"""`ascend ai …`: models through one door, from the command line."""

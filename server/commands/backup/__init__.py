"""`ascend backup …`: copies that are tried before they are needed."""

"""`ascend service …`: machines that administer with a key of their own."""

"""Programs and modules in processes of their own, forked from one that has loaded the program."""

"""Reports: what a week came to, said in figures, tables and what somebody should look at. One kind a file."""

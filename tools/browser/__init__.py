"""Pages in a Chromium that the operator names: opened by nobody but us, with no way out but the guarded one."""

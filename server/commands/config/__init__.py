"""`ascend config`: the configuration as versions."""

"""The operations workflow_*: runs started, looked at, cancelled and resumed by the people whom they act for."""

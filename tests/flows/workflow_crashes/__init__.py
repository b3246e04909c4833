"""Processes that run workflows and die: a body that leaves traces, and a program that is killed between any two of them."""

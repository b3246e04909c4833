"""Signals: rules over the facts about one subject, each with a version, whose verdicts are kept with the facts behind them."""

"""Alerts: rules over a speaker's turns, evaluated in a dialogue's state."""

"""Turntone inside other people's programs: meeting rooms, voice agents, telephone recorders."""

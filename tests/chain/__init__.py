"""The main job, end to end: real processes, real broker, real signatures."""

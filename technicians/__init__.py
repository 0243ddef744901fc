"""The people who do the visits: skills, shifts and absences."""

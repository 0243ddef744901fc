"""What is said to whom, and when it is better left unsaid."""

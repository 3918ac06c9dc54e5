"""The warehouse for people who ask questions in SQL: connection, prompt, answers, and what the views' columns mean."""

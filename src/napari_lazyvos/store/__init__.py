"""What a session knows, on disk: masks, uncertainty, scores, clicks, and their history."""

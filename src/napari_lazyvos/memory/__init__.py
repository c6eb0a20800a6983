"""What a matching tracker remembers, and the policies that keep it small."""

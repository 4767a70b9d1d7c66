"""What is lost with copies."""

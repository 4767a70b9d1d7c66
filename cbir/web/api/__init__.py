"""What programs ask of a served index, as JSON."""

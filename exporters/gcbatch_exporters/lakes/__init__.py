"""What exporters to lakes share."""

"""The shipped exporters, through the same door as anyone's."""

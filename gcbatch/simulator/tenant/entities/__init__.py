"""Entities of the sample organisation, in the shapes of the official SDK's models."""

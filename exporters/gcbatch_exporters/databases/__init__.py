"""What exporters to databases share: how a load goes, and the ledger of loads."""

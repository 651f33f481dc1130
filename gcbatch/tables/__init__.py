"""Tables: what the parts mean, as streams of Arrow record batches."""

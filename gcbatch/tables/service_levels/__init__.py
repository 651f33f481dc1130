"""What the table `sla` is made of: periods, sums, targets and figures."""

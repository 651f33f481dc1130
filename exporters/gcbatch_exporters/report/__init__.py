"""The HTML report: figures from the tables, charts and the page made of them."""

"""The views of the page, one file each; each fills a tab once, and returns what refreshes it."""

"""LiteRT: the file format, and the tools that make, change and run such files."""

"""A web page in which the browser itself runs an exported model."""

"""How Headwater is run: images, manifests and local servers. Not part of the product package."""

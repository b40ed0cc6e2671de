"""What an event costs where one install has tens of thousands of them."""

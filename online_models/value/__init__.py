"""What an install will be worth: expected revenue by day 7, 30 and 90."""

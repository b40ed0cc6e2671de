"""What Apple says about advertising: who signed it, what it says, and what it is worth."""

"""Who gets the credit: rules, match index, waterfall, revenue, and the journey of one install."""

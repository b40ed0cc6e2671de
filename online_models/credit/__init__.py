"""What moved somebody to install: an additive hazard learned from exposures and intent.

A person installs at a rate that has two parts. One is there without advertising: it depends on
how much intent the person has shown by searching for the app or visiting what the advertiser
owns. The other is the sum of what each touchpoint adds, fading with time. At an install, each
part gets the share of the credit that it has in the rate; the first part is organic.
"""

"""A class of people who are not there: physiology, straps and the hub that sends for them."""

"""The mistakes, one view each, as a developer of Django in a hurry writes them."""

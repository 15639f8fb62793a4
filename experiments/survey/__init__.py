"""Whose Adam is PyTorch's? What the field's packages have, checked against torch's.

table   what is checked: the name in its package, what it should be, settings to try
run     the check of every row whose package is installed, each package in a process of its own
report  the results as JSON and as a page of Markdown
"""

"""The code that a check is about, and what it is held against.

candidate  what a user wrote: found in a file, made, blamed by its own line
program    the same of a program in any language, which is started and asked
reference  the entry of the registry that it should be equal to
settings   the same hyperparameters for both, whatever the candidate calls them
source     the line of the user's file where a cause stands
contract   what an optimizer must not do, watched while it runs
limit      an end for code that may never return
"""

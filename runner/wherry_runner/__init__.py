"""The program that runs user code, inside the user's interpreter.

It is sent over stdin into an interpreter that has nothing of ours installed, so it uses the
standard library only (Python >= 3.8) and imports IPython only where the interpreter has it.
"""

"""`watch`: a run seen from another terminal, which it leaves alone. Two panes and some keys."""

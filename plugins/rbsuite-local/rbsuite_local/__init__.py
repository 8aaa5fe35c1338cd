"""Real models on this machine for rbsuite: a language model in llama.cpp's server, and a sentence encoder in numpy."""

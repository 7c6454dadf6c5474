# shadow: see Makefile.am

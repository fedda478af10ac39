// Its names are in standin.h.

"""The vocabulary that both halves of the product share; standard library only."""

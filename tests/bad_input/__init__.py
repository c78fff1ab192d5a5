"""What the tests of bad input share: a cube with memories in it, and files that no program should trust."""

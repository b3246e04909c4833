"""What the code, its pages and its tests are held to."""

"""What families are built from: rewrites of weights, projections, attention over tokens, taps, sizes."""

"""One module a floor. An asset body says what goes in, what comes out and what to show; the work lives elsewhere."""

"""Models as SageMaker takes them: their archives, what a registry is told of them, and many pictures embedded at once."""

"""Embeddings over HTTP, as SageMaker's hosting and batch transform ask for them: a picture of a card in, its vector out.

:mod:`handlers` is what SageMaker's PyTorch containers call; it travels in a ``model.tar.gz`` with the few modules it needs.
:mod:`app` answers ``/ping`` and ``/invocations`` with the same handlers where no such container is.
"""

"""What the project needs of an AWS account, as one CloudFormation template; run as ``python -m``.

CloudFormation, for it is AWS's own: nothing is to be installed, no state is to be kept. troposphere writes the template, and
refuses properties that a resource doesn't have; the rules, paths and rights in it are those of the code that uses them.
"""

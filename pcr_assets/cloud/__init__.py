"""Plain functions over boto3 for what surrounds the store on AWS. Nothing here is called unless a person or a setting asks."""

"""The pages of the admin, for superusers: forms in, operations, templates out."""

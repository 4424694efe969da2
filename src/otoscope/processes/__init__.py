"""Programs and copies of programs that do the work of others, and may end without ending them."""

"""What a model hears: one file a method, a function of a model under test that returns labelled arrays."""

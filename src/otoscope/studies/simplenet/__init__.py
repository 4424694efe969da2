"""How do deep convolutional neural networks learn from raw audio waveforms? (2018): data flow and aliasing."""

"""The driver for Hailo's chips, by HailoRT 4.20 and later. Its Python package is imported when a chip is asked for, not before."""

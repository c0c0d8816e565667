"""Talking to the Hailo Dataflow Compiler: it lives in an interpreter of its own and is spoken to in files."""

"""Stands for a training on a spot instance that AWS takes back."""

import os
import signal
import time

print("teacher 1/9 loss=0.5000", flush=True)
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(60)

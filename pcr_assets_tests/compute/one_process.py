"""Stands for torchrun, which takes seconds to import: the program alone, in this process, as rank 0 of one."""

import os
import runpy
import sys

os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0")
module, job = sys.argv[-2:]
sys.argv = [module, job]
runpy.run_module(module, run_name="__main__", alter_sys=True)

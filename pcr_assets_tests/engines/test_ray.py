"""A real Ray cluster of several nodes on this machine: what it makes is what this machine makes, whatever dies meanwhile."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import numpy as np
import onnx
import psutil
import pytest

from pcr_assets import digests, layout
from pcr_assets.assets.cards import processed_cards
from pcr_assets.assets.reference import MODELS, card_embeddings, card_references
from pcr_assets.compute.launcher import JobFailed
from pcr_assets.compute.on_ray import RayCompute
from pcr_assets.compute.ray_bench import Bench
from pcr_assets.compute.settings import Ray, Torchrun
from pcr_assets.compute.torchrun import TorchrunCompute
from pcr_assets.resources import hardware
from pcr_assets.resources.engine import EngineError
from pcr_assets.resources.project import Project
from pcr_assets.resources.ray_cluster import ON_LOOPBACK, makeup
from pcr_assets_tests.cards.drawn import card, encoded
from pcr_assets_tests.engines import elsewhere, slow_training
from pcr_assets_tests.learning.test_together import SETTINGS, SPEC
from pcr_assets_tests.learning.test_train import cards

__all__ = ["cards"]

os.environ.setdefault(*ON_LOOPBACK)
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt '.[ray]'")
pytestmark = pytest.mark.faults

STORE_BYTES = 80 << 20
"""Ray's smallest object store, about: what is larger is spilled."""
HURRIED = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 4,
    "worker_niceness": 0,
}
"""By Ray's own figures a dead node is missed after half a minute, and work waits for all else that a machine does."""
SETS = ("base1", "base2", "base3", "base4")


@pytest.fixture(scope="module")
def cluster():
    """A head that takes no tasks, and two nodes of one core each, all on the loopback interface."""
    from ray.cluster_utils import Cluster

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)  # its workers run what is here
    small = {"object_store_memory": STORE_BYTES}
    head = {**small, "num_cpus": 0, "include_dashboard": False, "_system_config": HURRIED}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1, **small)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    yield cluster
    monkeypatch.undo()
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def raw(tmp_path):
    """Four sets of three drawn cards, one of them no picture."""
    folder = tmp_path / "raw"
    folder.mkdir()
    for number, set_id in enumerate(SETS):
        for at in range(3):
            (folder / f"{set_id}-{at}_Drawn.png").write_bytes(encoded(card(10 * number + at)))
    (folder / "base2-9_Torn.png").write_bytes(b"no picture")
    return folder


def mean_colours(name, width=64, height=96):
    """A model that takes cards as ours do and gives their mean colour, of length one."""
    nodes = [
        onnx.helper.make_node("Cast", ["cards"], ["pixels"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        onnx.helper.make_node("LpNormalization", ["colour"], ["vectors"], axis=1, p=2),
    ]
    axes = onnx.numpy_helper.from_array(np.array([1, 2]), "axes")
    given = onnx.helper.make_tensor_value_info("cards", onnx.TensorProto.UINT8, ["n", height, width, 3])
    made = onnx.helper.make_tensor_value_info("vectors", onnx.TensorProto.FLOAT, ["n", 3])
    graph = onnx.helper.make_graph(nodes, name, [given], [made], [axes])
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def built(folder, raw, engine):
    """All files of a store in which the sharded assets were made, by name, with their digests."""
    project = Project(store=str(folder), raw=str(raw), scratch=str(folder / "work"), runs_on=engine)
    for name, file in MODELS.values():
        project.artifacts.publish(name, {file: mean_colours(file)}, digest=digests.of_json(file))
    with dg.DagsterInstance.ephemeral() as instance:
        assets = [processed_cards, card_references, card_embeddings]
        dg.materialize(assets, instance=instance, resources={"project": project})
    return stored(project)


def stored(project):
    return {entry.key: digests.of_bytes(project.root.read(entry.key)) for entry in project.root.list()}


def test_a_store_filled_by_a_cluster_is_byte_for_byte_the_one_filled_here(cluster, raw, tmp_path):
    here = built(tmp_path / "here", raw, "local")
    assert built(tmp_path / "there", raw, "ray") == here
    assert sum(key.startswith(f"{layout.EMBEDDINGS}/ahead/") for key in here) == len(MODELS) * len(SETS)


def test_an_error_of_a_task_comes_back_as_its_own_sentence(cluster, raw, tmp_path):
    project = Project(store=str(tmp_path / "store"), raw=str(raw), runs_on="ray", scratch=str(tmp_path / "work"))
    scan = raw / "base1-0_Drawn.png"
    requests = requested(project)
    scan.write_bytes(scan.read_bytes() + b" ")
    with pytest.raises(EngineError, match="was replaced after it was listed: run again"):
        list(project.engine.each(elsewhere.make_shard, requests, tmp_path))


def requested(project):
    """What ``processed_cards`` would ask for."""
    from pcr_assets.assets.cards import list_raw
    from pcr_assets.cards.making import SetOfScans
    from pcr_assets.cards.shards import inputs_digest

    listing, store, raw = list_raw(project), project.root.root, project.raw_root
    return [SetOfScans(store, raw, s, inputs_digest(listing, s), scans, {}) for s, scans in listing.scans.items()]


def kill_when(cluster, named):
    """Kill, as a power cut would, the node whose process the file names, as soon as it names one."""

    def watch():
        while not (named.exists() and named.read_text()):
            time.sleep(0.1)
        doomed = int(named.read_text())
        nodes = {node.all_processes["raylet"][0].process.pid: node for node in cluster.list_all_nodes()}
        cluster.remove_node(nodes[doomed], allow_graceful=False)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    return watcher


def test_of_a_node_that_dies_the_work_is_done_elsewhere_nothing_lost_and_nothing_twice(cluster, raw, tmp_path):
    here = Project(store=str(tmp_path / "here/store"), raw=str(raw))
    list(here.engine.each(elsewhere.make_shard, requested(here), tmp_path))
    project = Project(store=str(tmp_path / "there/store"), raw=str(raw), runs_on="ray")
    watcher = kill_when(cluster, tmp_path / "there/store/project/diary/first")
    made = list(project.engine.each(elsewhere.slowly, requested(project), tmp_path))
    watcher.join()
    notes = sorted((tmp_path / "there/store/project/diary/notes").read_text().split("\n")[:-1])
    assert [shard.entry["scans"] for shard in made] == [3, 3, 3, 3]
    assert notes == ["base1 found", *(f"{set_id} made" for set_id in SETS)]
    assert stored(project) == stored(here)


ASK = """
import sys
from pathlib import Path
from pcr_assets.resources import ray_cluster
from pcr_assets.resources.ray_engine import OnRay
from pcr_assets_tests.engines.elsewhere import waiting
ray_cluster.OUT_OF_MEMORY = ray_cluster.OUT_OF_MEMORY[0], "1"
list(OnRay([sys.argv[1]]).each(waiting, ["base1"], Path(sys.argv[1])))
"""


def test_a_task_that_takes_its_nodes_last_memory_is_told_in_the_end(tmp_path):
    """Ray begins such a task again for ever, unless it is told otherwise before it is loaded: so in a process of its own."""
    known = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    known |= {
        "RAY_memory_usage_threshold": "0.001",
        "RAY_memory_monitor_refresh_ms": "50",
        "RAY_task_oom_retry_delay_base_ms": "1",
    }
    asked = [sys.executable, "-c", ASK, str(tmp_path)]
    at = Path(__file__).parents[2]
    ended = subprocess.run(asked, env=known, cwd=at, capture_output=True, text=True, timeout=300, check=False)
    assert "EngineError: a task was ended again and again, for its node had no memory left" in ended.stderr


@pytest.fixture
def job(tmp_path):
    """A training on files that together are larger than the object store of any node."""
    shards = []
    for number in range(3):
        shards.append(tmp_path / f"shard-{number}.parquet")
        shards[-1].write_bytes(np.random.default_rng(number).bytes(STORE_BYTES // 2))
    return {"shards": [str(shard) for shard in shards], "diary": str(tmp_path / "diary"), "killed": False}


def test_a_training_gets_files_that_do_not_fit_into_the_object_store(cluster, job, tmp_path, capfd):
    work = tmp_path / "work"
    work.mkdir()
    ran = RayCompute(threads=1).run(elsewhere.__name__, job, work)
    assert json.loads((work / "metrics.json").read_text()) == {"steps": 4, "bytes": 3 * (STORE_BYTES // 2)}
    assert [path.name for path in (work / "checkpoints").iterdir()] == ["step-4"]
    assert "step 4 of 4" in capfd.readouterr().out
    assert ran.hardware["threads"] == 1


def test_a_node_keeps_nothing_of_a_training_that_is_over(tmp_path):
    bench = Bench()
    job = {"shards": [], "diary": str(tmp_path / "diary"), "killed": True, "threads": 1}
    assert bench.start(elsewhere.__name__, job, {}, [], makeup()) == hardware.here(1)
    scratch = [bench._scratch.name, bench._programs[0]]
    bench.close()
    assert not Path(scratch[0]).exists()
    assert scratch[1].poll() is not None


def test_a_program_that_fails_on_a_node_tells_its_own_sentence(cluster, tmp_path):
    with pytest.raises(JobFailed, match=r"elsewhere failed \(exit 1\): KeyError: 'diary'"):
        RayCompute(threads=1).run(elsewhere.__name__, {"shards": []}, tmp_path)


def with_nodes(cluster, count):
    """Start nodes until so many are there besides the head: other tests killed some."""
    while len(cluster.worker_nodes) < count:
        cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)


def test_a_training_whose_node_dies_goes_on_elsewhere_from_its_last_checkpoint(cluster, job, tmp_path, capfd):
    with_nodes(cluster, 2)
    work = tmp_path / "work"
    work.mkdir()
    watcher = kill_when(cluster, tmp_path / "diary" / "first")
    RayCompute(threads=1).run(elsewhere.__name__, {**job, "shards": job["shards"][:1], "killed": True}, work)
    watcher.join()
    notes = (tmp_path / "diary" / "notes").read_text().split("\n")[:-1]
    assert notes == ["step 1", "step 2", "step 3", "step 4"]
    assert "its node died; another goes on from the last checkpoint" in capfd.readouterr().out
    assert [path.name for path in (work / "checkpoints").iterdir()] == ["step-4"]


@pytest.fixture
def shared(cards, tmp_path):
    """A small student, as two processes train it; ``stop`` says which rank stops on its way."""

    def made(**more):
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        files = {"snapshot": str(cards / "snapshot.parquet"), "shards": [str(cards / "shard.parquet")]}
        return {"stage": "student_stage2", "settings": SETTINGS, "spec": SPEC, **files, "out": str(out), **more}

    return made


TWO = RayCompute(threads=1, settings=Ray(nodes=2))


def test_two_nodes_train_what_torchrun_trains_bit_for_bit_also_when_the_leaders_node_dies(
    cluster, shared, tmp_path, capfd
):
    with_nodes(cluster, 3)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir(), there.mkdir()
    TorchrunCompute(Torchrun(processes=2), threads=1).run("pcr_assets.learning.train", shared(out=str(here)), here)
    stop = {"stop": {"rank": 0, "after": 3}, "diary": str(tmp_path / "diary")}
    watcher = kill_when(cluster, tmp_path / "diary" / "first")
    ran = TWO.run(slow_training.__name__, shared(**stop), there)
    watcher.join()
    said = capfd.readouterr().out
    assert "one of its nodes died; others go on from the last checkpoint" in said
    assert "going on from step 2 of 5" in said
    assert (tmp_path / "diary" / "open_to").read_text() == "127.0.0.1"  # and not to every network of the machine
    assert (ran.hardware["nodes"], ran.hardware["processes"]) == (2, 2)
    for file in ("weights.safetensors", "metrics.json", "model.json"):
        assert (there / file).read_bytes() == (here / file).read_bytes(), file
    (ours,), (theirs,) = ((out / "checkpoints").iterdir() for out in (here, there))
    assert ours.name == theirs.name


def test_a_process_that_fails_on_another_node_than_the_leaders_is_told_with_its_own_words(cluster, shared, tmp_path):
    with_nodes(cluster, 2)
    stop = {"stop": {"rank": 1, "after": 1, "fails": "teacher: the second GPU has no memory left: lower batch"}}
    with pytest.raises(JobFailed) as failed:
        TWO.run(slow_training.__name__, shared(**stop, diary=str(tmp_path / "diary")), tmp_path)
    assert str(failed.value).endswith("failed (exit 1): teacher: the second GPU has no memory left: lower batch")
    programs = (tmp_path / "diary" / "notes").read_text().split()
    assert len(programs) == 2
    assert not any(psutil.pid_exists(int(program)) for program in programs)  # the leader was ended too


def test_a_cluster_with_too_few_nodes_is_told_what_it_lacks(cluster, shared, tmp_path):
    with pytest.raises(
        EngineError, match=r"asks for 9 nodes of the Ray cluster with a core each, and \d+ of the \d+ that are up"
    ):
        RayCompute(threads=1, settings=Ray(nodes=9)).run("pcr_assets.learning.train", shared(), tmp_path)

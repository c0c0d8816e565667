"""Which engine is chosen, and what is said when it can't serve: without any cluster."""

import json
import os
import socket
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from pcr_assets.cards.making import SetOfScans, make_shard
from pcr_assets.compute import on_ray, ray_files
from pcr_assets.compute.launcher import JobFailed
from pcr_assets.compute.ray_bench import News
from pcr_assets.compute.ray_nodes import bundle_of
from pcr_assets.compute.resource import ALONE, Compute
from pcr_assets.compute.settings import Ray
from pcr_assets.learning.meeting import PARTED
from pcr_assets.resources import ray_cluster
from pcr_assets.resources.engine import EngineError, Here
from pcr_assets.resources.engines import engine as engine_of
from pcr_assets.resources.engines import engine_name
from pcr_assets.resources.project import Project
from pcr_assets.resources.ray_engine import Answer, Order, answer, seen_by_all, which_server

TASK = f"{make_shard.__module__}:{make_shard.__qualname__}"


def test_without_a_word_all_is_made_here():
    assert isinstance(Project().engine, Here)


def test_an_engine_that_there_is_not_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("PCR_ENGINE", "celery")
    with pytest.raises(EngineError, match="PCR_ENGINE is celery: write one of local, ray"):
        engine_name()


def test_where_ray_is_not_installed_one_sentence_says_how(monkeypatch, tmp_path):
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    request = SetOfScans(str(tmp_path), str(tmp_path), "base1", "0", (), {})
    with pytest.raises(EngineError, match=r"Ray is not installed here: pip install .*\[ray\]"):
        list(engine_of("ray", [str(tmp_path)]).each(make_shard, [request], tmp_path))


def answered(**differs):
    order = {"task": TASK, "makeup": ray_cluster.makeup(), "folders": {}, "settings": {}, "threads": 1} | differs
    request = {"store": "/nowhere", "raw": "/nowhere", "set_id": "base1", "inputs": "0", "scans": [], "last": {}}
    return Answer.model_validate_json(answer(Order(**order).model_dump_json(), json.dumps(request).encode()))


def test_a_node_with_other_libraries_makes_nothing_and_names_them():
    failed = answered(makeup={**ray_cluster.makeup(), "pyarrow": "1.0"}).failed
    assert f"it has pyarrow {ray_cluster.makeup()['pyarrow']} instead of 1.0: on each node, pip install" in failed


def test_a_node_with_other_code_makes_nothing():
    assert "it has the code of pcr_assets" in answered(makeup={"the code of pcr_assets": "other"}).failed


def test_a_node_that_does_not_see_a_folder_makes_nothing():
    failed = answered(folders={"/mnt/cards": "/mnt/cards/not-here.png"}).failed
    assert "doesn't see the folder /mnt/cards: share it with all nodes, or use s3://" in failed


def test_a_node_is_told_which_server_and_not_as_whom(monkeypatch):
    """A profile of a laptop's AWS configuration is none of a node's, which has a role: each set failed for it."""
    for name in ("ENDPOINT", "PROFILE", "ROLE"):
        monkeypatch.setenv(f"PCR_S3_{name}", name)
    assert which_server() == {"PCR_S3_ENDPOINT": "ENDPOINT"}


def test_only_the_store_is_written_to_for_a_node_to_see_it(tmp_path):
    store, raw = tmp_path / "store", tmp_path / "raw"
    raw.mkdir()
    (raw / "base1-4_Charizard.png").touch()
    with seen_by_all([str(store), str(raw), "s3://cards"]) as folders:
        assert {root: Path(file).exists() for root, file in folders.items()} == {str(store): True, str(raw): True}
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["base1-4_Charizard.png"]


def test_a_file_of_a_checkpoint_that_is_being_written_does_not_travel(tmp_path):
    for name in ("step-1/weights", "writing/weights", "prepared.writing", ".aside-prepared"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert list(ray_files.listed(tmp_path)) == ["step-1/weights"]


def test_an_old_checkpoint_goes_when_the_next_one_is_there(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    sent, had = {}, set()
    for step in (1, 2):
        (there / f"step-{step}").mkdir(parents=True)
        (there / f"step-{step}" / "weights").write_text(str(step))
        if step == 2:
            (there / "step-1" / "weights").unlink()
        sent, parcels = ray_files.changed(there, sent, put=bytes)
        ray_files.mirror(here, sent, parcels, bytes, had)
        had = set(sent)
    assert [path.name for path in here.iterdir()] == ["step-2"]


def test_a_file_that_arrives_damaged_is_not_kept(tmp_path):
    (tmp_path / "weights").write_bytes(b"as trained")
    parcel = ray_files.packed(bytes, "weights", tmp_path / "weights")
    with pytest.raises(ValueError, match="arrived as another file than was sent"):
        ray_files.unpack(lambda piece: piece[:-1], parcel, tmp_path / "node")
    assert list((tmp_path / "node").iterdir()) == []


def test_where_no_cluster_listens_one_sentence_says_so_at_once(monkeypatch, tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt '.[ray]'")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(
        EngineError, match=r"no Ray cluster answers at 127.0.0.1:1 \(.*refused\): start one, or name another"
    ):
        ray_cluster.connected()


class AtWork:
    """Ray, connected to a cluster whose nodes say this much; a client's ``wait`` raises ``lost``."""

    def __init__(self, said, lost=None):
        self.said, self.lost, self.shut = said, lost, False

    def wait(self, refs, num_returns, timeout):
        if self.lost:
            raise self.lost
        return refs[: self.said], refs[self.said :]

    def shutdown(self):
        self.shut = True


@pytest.mark.parametrize(
    ("said", "lost"), [(0, None), (1, None), (0, ConnectionError("Client is shutting down."))], ids=str
)
def test_a_head_that_is_gone_is_one_sentence_before_ray_ends_the_process(monkeypatch, said, lost):
    """Though its nodes still answer, or say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as head:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{head.getsockname()[1]}")
        monkeypatch.setattr(ray_cluster, "LOOK_SECONDS", 0.0)
        ray = AtWork(said, lost)
        watch = ray_cluster.Watch(ray)
        if said:
            assert [watch.first_of(["a task"]) for _ in range(3)] == [["a task"]] * 3
    with pytest.raises(
        EngineError, match=r"the head of the Ray cluster at 127.* is gone.*start the cluster anew, then"
    ):
        for _ in range(ray_cluster.TIMES_IN_VAIN):
            watch.first_of(["a task"])
    assert ray.shut


def test_a_cluster_that_turns_us_away_is_not_taken_for_none(monkeypatch, tmp_path):
    """One with a token was said not to be there, by whoever brought none."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt '.[ray]'")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as head:
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{head.getsockname()[1]}")
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        with pytest.raises(EngineError, match=r"^RAY_AUTH_MODE is token, and no token of 127.*copy the cluster's"):
            ray_cluster.connected()
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        monkeypatch.setattr("ray.init", refused)
        with pytest.raises(
            EngineError, match=r"into no Ray cluster \(Init.* server: TimeoutError: late\): .*with RAY_AUTH_MODE=token"
        ):
            ray_cluster.connected()


def refused(**_):
    raise ConnectionError(
        "Initialization failure from server:\nTraceback (most recent call last):\n\nTimeoutError: late\n"
    )


@pytest.mark.parametrize(("token", "mode"), [(True, "token"), (False, None)])
def test_a_client_brings_the_token_that_is_here_and_none_where_there_is_none(monkeypatch, tmp_path, token, mode):
    """`ray start` makes none: a client that was told to bring one all the same came to no such cluster."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install -c constraints.txt '.[ray]'")
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.setenv(name, "")  # so that it is put back as it was, whatever `connected` makes of it
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:1")
    if token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray/auth_token").write_text("a token")
    with pytest.raises(EngineError):
        ray_cluster.connected()
    assert os.environ.get("RAY_AUTH_MODE") == mode


GPU_NODE = {"CPU": 8.0, "GPU": 4.0}
CPU_NODE = {"CPU": 4.0, "memory": 1e9}
HEAD = {"memory": 1e9}


@pytest.mark.parametrize(
    ("up", "asked", "bundle"),
    [
        ([HEAD, CPU_NODE], {}, {"CPU": 2}),
        ([HEAD, CPU_NODE, {"CPU": 1.0}], {"nodes": 2}, {"CPU": 1}),
        ([CPU_NODE, CPU_NODE], {"nodes": 2, "processes": 2}, {"CPU": 4}),
        ([HEAD, CPU_NODE, GPU_NODE], {}, {"CPU": 2, "GPU": 1}),
        ([GPU_NODE, CPU_NODE, GPU_NODE], {"nodes": 2, "processes": 4}, {"CPU": 8, "GPU": 4}),
    ],
)
def test_a_node_that_trains_has_cores_for_its_processes_and_a_gpu_for_each_where_any_has_one(up, asked, bundle):
    assert bundle_of(up, Ray(**asked), threads=2) == (bundle, "")


@pytest.mark.parametrize(
    ("up", "asked", "says"),
    [
        (
            [CPU_NODE, HEAD],
            {"nodes": 2},
            "asks for 2 nodes of the Ray cluster with a core each, and 1 of the 2 that are up has that",
        ),
        ([GPU_NODE, CPU_NODE], {"nodes": 2}, "with 1 GPU and a core each, and 1 of the 2 that are up has that"),
        (
            [GPU_NODE],
            {"processes": 8},
            "asks for 1 node of the Ray cluster with 8 GPUs and a core each, and none of the 1",
        ),
        ([HEAD], {}, "start more (docs/cluster.md), or ask for fewer in the profile (compute: ray: nodes, processes)"),
    ],
)
def test_a_cluster_that_can_not_train_what_is_asked_for_is_told_what_it_lacks(up, asked, says):
    assert says in bundle_of(up, Ray(**asked), threads=2)[1]


def followed(tmp_path, *told):
    """Follow nodes of one process each, which tell these news one after the other."""
    answers = {}

    def asked(left):
        answers[ref := object()] = next(left, News())
        return ref

    nodes = [SimpleNamespace(news=SimpleNamespace(remote=partial(asked, iter(news)))) for news in told]
    ray = SimpleNamespace(wait=lambda refs, num_returns, timeout: (refs[:1], refs[1:]), get=answers.pop)
    on_ray._followed(ray, nodes, "train", tmp_path, set(), len(nodes))


def test_a_process_that_only_lost_another_leaves_the_word_to_it(tmp_path):
    parted = [News(lines=[(0, "teacher 7/9 loss=0.5")]), News(codes={0: PARTED})]
    with pytest.raises(JobFailed, match=r"train failed \(exit 1\): no memory"):
        followed(tmp_path, parted, [News(), News(), News(lines=[(1, "no memory")], codes={1: 1})])


def test_processes_that_lost_each_other_and_know_no_reason_are_begun_again(tmp_path, monkeypatch):
    with pytest.raises(on_ray.Lost):
        followed(tmp_path, [News(codes={0: PARTED})], [News(codes={1: PARTED})])
    monkeypatch.setattr(on_ray, "GRACE_SECONDS", 0.01)
    with pytest.raises(on_ray.Lost):
        followed(tmp_path, [News(codes={0: PARTED})], [])


def test_a_node_whose_part_is_done_may_die_while_the_leader_judges_the_model(tmp_path):
    def other():
        yield News(codes={1: 0})
        raise RuntimeError("asked once more")

    followed(tmp_path, [News(), News(), News(codes={0: 0})], other())


def test_a_program_that_can_not_share_its_work_runs_on_one_node(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(on_ray, "connected", lambda: SimpleNamespace(put=bytes, exceptions=None))
    monkeypatch.setattr(on_ray, "benches", lambda ray, kind, asked, threads: opened.append(asked) or 1 / 0)
    (tmp_path / "own.yaml").write_text("extends: embedded\ncompute: {engine: ray, ray: {nodes: 3}}\n")
    compute = Compute(project=Project(profile=str(tmp_path / "own.yaml")))
    for module in (*ALONE, "pcr_assets.learning.train"):
        with pytest.raises(ZeroDivisionError):
            compute.run(module, {}, tmp_path)
    assert [asked.nodes for asked in opened] == [1, 1, 3]
